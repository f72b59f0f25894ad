"""Where a table that cannot be read is broken, in words: the line to look at, and what to do."""

from __future__ import annotations

import csv
import io
import itertools
import json
from typing import Final

_SEARCHED_BYTES: Final = 1 << 26
"""Of a longer table only its beginning is looked through: a second or two."""


def where_broken(kind: str, text: bytes, separator: str) -> str:
    r"""A sentence about the first line that does not fit; empty where all that was looked through fit.

    Convention:
        - ``kind``: ``".jsonl"`` or ``".ndjson"``, or else values parted by ``separator``
        - ``text``: the table in UTF-8; lines count from 1

    Example:
        >>> where_broken(".csv", b"id,lat\n1,48.1\n2,48,137\n", ",")
        'Line 3 has 3 values, and the first line names 2 columns.'
        >>> where_broken(".jsonl", b'{"lat": 48.1}\n{"lat": \n', "")
        'Line 2 is no JSON object.'
    """
    lines = io.TextIOWrapper(io.BytesIO(text[:_SEARCHED_BYTES]), encoding="utf-8", errors="replace")
    return _broken_json(lines) if kind in (".jsonl", ".ndjson") else _broken_row(lines, separator)


def _broken_json(lines: io.TextIOWrapper) -> str:
    for number, line in enumerate(lines, start=1):
        try:
            whole = not line.strip() or isinstance(json.loads(line), dict)
        except ValueError:
            whole = False
        if not whole:
            return f"Line {number:,} is no JSON object."
    return ""


def _broken_row(lines: io.TextIOWrapper, separator: str) -> str:
    rows = csv.reader(itertools.dropwhile(lambda line: not line.strip(), lines), delimiter=separator)
    try:
        names = len(next(rows))
        for row in rows:
            if len(row) > names:
                return (
                    f"Line {rows.line_num:,} has {len(row)} values, and the first line names {names} columns."
                )
    except (csv.Error, StopIteration):
        pass
    return ""
