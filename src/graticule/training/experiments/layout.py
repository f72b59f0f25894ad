"""Tables of words as text and as Markdown. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def in_words(changes: Mapping[str, Any]) -> str:
    """Changes to a recipe, such as ``network.head = hmc, batch_size = 16``."""
    return ", ".join(f"{key} = {_short(value)}" for key, value in changes.items())


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_short(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_short(item) for item in value) + "]"
    return "null" if value is None else str(value)


def aligned(rows: list[list[str]]) -> str:
    """Columns under each other, the first to the left and the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def markdown(rows: list[list[str]]) -> str:
    """A table of Markdown; the first row is its head."""
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    rule = "|---" + "|---:" * (len(rows[0]) - 1) + "|"
    return "\n".join([head, rule, *body])
