"""The figures of a run: how losses, accuracy and rate went, and which cells are taken for which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import polars as pl

from graticule.reports.canvas import Canvas, Words

WIDTH: Final = 640.0
HEIGHT: Final = 320.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 520.0, 30.0, 268.0
_COLOURS: Final = ("model", "constant", "near-3", "random")
_TICKS: Final = 4

CURVES: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "loss": (
        "Mean loss per photo, in the unit of the loss",
        {"train_loss": "training", "val_loss": "validation"},
    ),
    "accuracy": ("Share of validation photos whose best cell is right", {"val_top1": "top-1"}),
    "distance": ("Median error of validation photos, km", {"val_median_km": "median"}),
    "probe": (
        "Linear probe: share of photos whose cell is right",
        {"probe_top1": "probe", "probe_constant": "commonest cell"},
    ),
    "learning_rate": ("Learning rate", {"learning_rate": "rate"}),
}
"""Each figure by its file's name: title, and the columns of ``history.csv`` that it draws."""


def training_curves(history: pl.DataFrame) -> dict[str, Canvas]:
    """The figures of ``CURVES`` over the steps of the optimiser; phases are parted by lines.

    Convention:
        - ``history``: the columns ``phase``, ``step`` and some that ``CURVES`` names, one row per validation;
          figures whose columns are not there are left out
    """
    known = set(history.columns)
    return {name: _figure(history, *what) for name, what in CURVES.items() if known.issuperset(what[1])}


def confusion_figure(pairs: pl.DataFrame, cells: int) -> Canvas:
    """Which cells are taken for which: rows are true, columns predicted, the darker the more often.

    Convention:
        - ``pairs``: ``true``, ``predicted``, ``count``: cells from 0 to ``cells`` - 1; -1 is left out
    """
    side = 480.0
    canvas = Canvas(side + 80, side + 70, "Confusion of cells: row true, column predicted")
    canvas.bar(60, 20, side, side, "faint")
    known = pairs.filter((pl.col("true") >= 0) & (pl.col("predicted") >= 0))
    totals = {
        row["true"]: row["count"] for row in known.group_by("true").agg(pl.col("count").sum()).to_dicts()
    }
    step = side / max(1, cells)
    shades = ("band", "near-3", "near-4", "near-5")
    for true, predicted, count in known.select("true", "predicted", "count").iter_rows():
        share = count / totals[true]
        fill = "model" if true == predicted and share >= 0.5 else shades[min(3, int(share * 4))]
        canvas.bar(60 + predicted * step, 20 + true * step, max(step, 0.6), max(step, 0.6), fill)
    canvas.words("predicted cell", (60 + side / 2, side + 42), anchor="middle")
    canvas.words("true", (8, 20 + side / 2))
    canvas.words(
        f"{cells} cells; share of a row: dark where at least half are right, else from light to red",
        (60, side + 60),
        size=11,
    )
    return canvas


def _figure(history: pl.DataFrame, title: str, columns: dict[str, str]) -> Canvas:
    canvas = Canvas(WIDTH, HEIGHT, title)
    canvas.words(title, (_LEFT, 18), fill="ink", size=13)
    finite = [value for name in columns for value in history[name].to_list() if _is_number(value)]
    if not finite:
        canvas.words("no figure yet", (_LEFT, 60))
        return canvas
    low, high = min(0.0, *finite), max(finite)
    high = high if high > low else low + 1
    first, last = 0, max(1, int(history["step"].max()))  # type: ignore[arg-type]

    def at(step: float, value: float) -> tuple[float, float]:
        across = _LEFT + (step - first) / (last - first) * (_RIGHT - _LEFT)
        return across, _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)

    for number in range(_TICKS + 1):
        value = low + (high - low) * number / _TICKS
        canvas.line([at(first, value), at(last, value)], "rule")
        canvas.words(f"{value:.3g}", (_LEFT - 8, at(first, value)[1] + 4), anchor="end", size=11)
        step = first + (last - first) * number / _TICKS
        canvas.words(f"{step:.0f}", (at(step, low)[0], _BOTTOM + 18), anchor="middle", size=11)
    canvas.words("step", ((_LEFT + _RIGHT) / 2, _BOTTOM + 36), anchor="middle", size=11)
    _part_phases(canvas, history, lambda step: (at(step, low), at(step, high)))
    for colour, (name, label) in zip(_COLOURS, columns.items(), strict=False):
        points = [
            at(step, value)
            for step, value in zip(history["step"].to_list(), history[name].to_list(), strict=True)
            if _is_number(value)
        ]
        _curve(canvas, points, colour, label)
    return canvas


def _curve(canvas: Canvas, points: Sequence[tuple[float, float]], colour: str, label: str) -> None:
    canvas.line(points, colour, width=2)
    for point in points if len(points) <= 40 else points[-1:]:
        canvas.dot(point, 2.5, colour)
    if points:
        named = [item for item in canvas.items if isinstance(item, Words) and item.at[0] == _RIGHT + 10]
        taken = [item.at[1] for item in named]
        down = points[-1][1] + 4
        while any(abs(down - other) < 14 for other in taken):
            down += 14
        canvas.words(label, (_RIGHT + 10, down), fill=colour)


def _part_phases(canvas: Canvas, history: pl.DataFrame, ends: object) -> None:
    steps, phases = history["step"].to_list(), history["phase"].to_list()
    for number in range(1, len(phases)):
        if phases[number] != phases[number - 1]:
            canvas.line(list(ends(steps[number - 1])), "soft", dash=(3, 3))  # type: ignore[operator]


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
