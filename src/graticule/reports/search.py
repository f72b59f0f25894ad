"""The page of a hyperparameter search: how the best came about, which parameters matter, every trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graticule.reports.canvas import Canvas
from graticule.reports.page import render_page, writing

WIDTH: Final = 640.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 600.0, 30.0, 230.0


@dataclass(frozen=True)
class SearchResults:
    """What came of a search.

    Convention:
        - ``goal``: the column of ``history.csv`` looked at; ``is_lower_better``: whether little is good
        - ``rows``: one per trial: ``trial``, ``state``, ``value`` (or None), ``seconds``, its parameters
        - ``importances``: shares that sum to 1, by parameter; None when too few trials went through
    """

    title: str
    goal: str
    is_lower_better: bool
    parameters: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    importances: Mapping[str, float] | None

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The row of the best trial that went through."""
        whole = [row for row in self.rows if row["state"] == "complete" and row["value"] is not None]
        sign = 1 if self.is_lower_better else -1
        return min(whole, key=lambda row: sign * row["value"]) if whole else None


def write_search_report(folder: Path, results: SearchResults) -> list[Path]:
    """Write ``report.html``, which opens offline, and its figures as SVG; returns all paths.

    Raises:
        MissingFileError: the folder cannot be written.
    """
    figures = {"importance": importance_chart(results), "progress": progress_chart(results)}
    texts = {f"{name}.svg": canvas.svg() for name, canvas in figures.items()}
    texts = {"report.html": render_search(results, figures), **texts}
    with writing(folder):
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def render_search(results: SearchResults, figures: Mapping[str, Canvas]) -> str:
    """The page as HTML text."""
    return render_page(
        "search.html",
        title=results.title,
        filters={"figure": _figure},
        results=results,
        best=results.best,
        figures={name: canvas.svg(is_standalone=False) for name, canvas in figures.items()},
    )


def importance_chart(results: SearchResults) -> Canvas:
    """A bar for each parameter, the most important first."""
    shares = dict(sorted((results.importances or {}).items(), key=lambda item: -item[1]))
    canvas = Canvas(WIDTH, 50 + 26 * max(1, len(shares)), "Importance of the parameters")
    canvas.words("Importance of the parameters (shares of 1)", (16, 20), fill="ink", size=13)
    if not shares:
        canvas.words("too few trials went through to tell", (16, 48))
    for number, (name, share) in enumerate(shares.items()):
        down = 36 + 26 * number
        canvas.words(name, (250, down + 14), anchor="end")
        canvas.bar(258, down, 300 * share, 18, "model")
        canvas.words(f"{share:.2f}", (264 + 300 * share, down + 14))
    return canvas


def progress_chart(results: SearchResults) -> Canvas:
    """The value of each trial, and the best so far as a line."""
    canvas = Canvas(WIDTH, 280, f"{results.goal} by trial")
    canvas.words(f"{results.goal} by trial, and the best so far", (_LEFT, 18), fill="ink", size=13)
    known = [
        (row["trial"], row["value"], row["state"])
        for row in results.rows
        if row["value"] is not None and math.isfinite(row["value"])
    ]
    if not known:
        canvas.words("no trial went through", (_LEFT, 60))
        return canvas
    low, high = min(value for _, value, _ in known), max(value for _, value, _ in known)
    high = high if high > low else low + 1
    last = max(1, *(trial for trial, _, _ in known)) if len(known) > 1 else 1

    def at(trial: int, value: float) -> tuple[float, float]:
        across = _LEFT + trial / last * (_RIGHT - _LEFT)
        return across, _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)

    for tick in range(5):
        value = low + (high - low) * tick / 4
        canvas.line([at(0, value), at(last, value)], "rule")
        canvas.words(f"{value:.4g}", (_LEFT - 8, at(0, value)[1] + 4), anchor="end", size=11)
    canvas.words("trial", ((_LEFT + _RIGHT) / 2, _BOTTOM + 36), anchor="middle", size=11)
    canvas.words(f"{last}", (_RIGHT, _BOTTOM + 18), anchor="middle", size=11)
    best: list[tuple[float, float]] = []
    reached: float | None = None
    for trial, value, state in known:
        is_whole = state == "complete"
        canvas.dot(at(trial, value), 3.5, "model" if is_whole else "soft", f"{trial}: {value:.4g} ({state})")
        if is_whole and (reached is None or (value < reached) == results.is_lower_better):
            best += [] if reached is None else [at(trial, reached)]  # a step down, not a slope
            reached = value
        if reached is not None:
            best.append(at(trial, reached))
    canvas.line(best, "constant", width=2)
    return canvas


def _figure(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
