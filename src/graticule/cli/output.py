"""What every verb prints in the same way: one JSON document on stdout, progress and remarks on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

F = TypeVar("F", bound=Callable[..., Any])

REFUSED_SOME = 3
"""Exit status: done, but some inputs were refused."""


def json_option(function: F) -> F:
    """The option ``--json``, the same for every verb."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(
        function
    )


def stdout() -> Console:
    """A console on the present stdout; plain text when it is not a terminal."""
    return Console(highlight=False, soft_wrap=True)


def stderr() -> Console:
    """A console on the present stderr, for progress and remarks."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def emit(document: dict[str, Any]) -> None:
    """Print ``document`` as the one JSON document of a run; NaN is written as null."""
    click.echo(json.dumps(_without_nan(document), ensure_ascii=False, indent=2, allow_nan=False))


def progress(unit: str) -> Progress:
    """A progress bar on stderr: count, ``unit`` per second, time left; quiet when it is not a terminal."""
    console = stderr()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(unit),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


class _Rate(ProgressColumn):
    """Units done per second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f} {self.unit}/s" if task.speed else "")


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
