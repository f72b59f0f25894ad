"""The figures of an evaluation report: how far off, how often within, and where in the world."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import polars as pl

from graticule.config import THRESHOLDS_KM
from graticule.reports.canvas import Canvas

WIDTH: Final = 720.0
NAMES: Final = {1: "street", 25: "city", 200: "region", 750: "country", 2500: "continent"}

Scale = Callable[[float], float]


def error_curve(curves: pl.DataFrame, metrics: dict[str, Any]) -> Canvas:
    """Share of photos within any distance: model with its interval, constant guess, random draw.

    Convention:
        - ``curves``: as ``Evaluation.curves``: ``distance_km`` and shares in [0, 1]
        - ``metrics``: the document of ``metrics.json``; dots show its best constant for each threshold
    """
    canvas = Canvas(WIDTH, 360, "Share of photos within any distance of the true place")
    left, right, top, bottom = 52.0, WIDTH - 152, 22.0, 312.0
    distances = curves["distance_km"].to_list()
    first, last = math.log(distances[0]), math.log(distances[-1])

    def x_of(km: float) -> float:
        return left + (math.log(km) - first) / (last - first) * (right - left)

    def y_of(share: float) -> float:
        return bottom - share * (bottom - top)

    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        canvas.line([(left, y_of(share)), (right, y_of(share))], "rule" if share else "soft")
        canvas.words(f"{100 * share:.0f} %", (left - 8, y_of(share) + 4), anchor="end", size=11)
    for limit in THRESHOLDS_KM:
        canvas.line([(x_of(limit), top), (x_of(limit), bottom)], "rule", dash=(2, 3))
        canvas.words(f"{limit} km", (x_of(limit), bottom + 18), anchor="middle", size=11, fill="ink")
        canvas.words(NAMES[limit], (x_of(limit), bottom + 33), anchor="middle", size=11)
    if curves["low"].null_count() == 0:
        upper = [(x_of(km), y_of(share)) for km, share in zip(distances, curves["high"], strict=True)]
        lower = [(x_of(km), y_of(share)) for km, share in zip(distances, curves["low"], strict=True)]
        canvas.area([[*upper, *reversed(lower)]], "band")
    drawn = (
        ("random", "random draw", (2.0, 3.0)),
        ("constant", "constant guess", (6.0, 3.0)),
        ("model", "model", None),
    )
    for name, _, dash in drawn:
        points = [(x_of(km), y_of(share)) for km, share in zip(distances, curves[name], strict=True)]
        canvas.line(points, name, width=2.2 if name == "model" else 1.6, dash=dash)
    best = metrics["baselines"]["constant"]["within_km"]
    for limit in THRESHOLDS_KM:
        canvas.dot((x_of(limit), y_of(best[f"{limit}"])), 4.5, "constant", f"best constant within {limit} km")
    ends = {"constant": best[f"{THRESHOLDS_KM[-1]}"]}
    row = curves.filter(pl.col("distance_km") == THRESHOLDS_KM[-1]).row(0, named=True)
    _label_curves(canvas, {name: (label, ends.get(name, row[name])) for name, label, _ in drawn}, y_of, right)
    return canvas


def _label_curves(canvas: Canvas, curves: dict[str, tuple[str, float]], y_of: Scale, right: float) -> None:
    """Names beside the curves, with the share that each has at 2500 km, kept apart from each other."""
    wanted = sorted((y_of(share), name) for name, (_, share) in curves.items())
    lowest = 0.0
    for y, name in wanted:
        lowest = max(y, lowest + 16)
        label, share = curves[name]
        canvas.words(f"{100 * share:.1f} %", (right + 52, lowest + 4), fill=name, anchor="end")
        canvas.words(label, (right + 60, lowest + 4), fill=name)


def within_chart(metrics: dict[str, Any]) -> Canvas:
    """Each threshold a row: the model with its interval, the best constant guess, the random draw.

    Convention:
        - ``metrics``: the document of ``metrics.json``
    """
    rows = [
        _Row(
            f"{limit} km",
            NAMES[limit],
            metrics["within_km"][f"{limit}"],
            (metrics["intervals"] or {}).get("within_km", {}).get(f"{limit}"),
            metrics["baselines"]["constant"]["within_km"][f"{limit}"],
            metrics["baselines"]["random"]["within_km"][f"{limit}"],
        )
        for limit in THRESHOLDS_KM
    ]
    return _dot_chart("Share of photos within each threshold, beside the trivial guesses", rows)


def continent_chart(metrics: dict[str, Any]) -> Canvas:
    """Each continent a row: share within 2500 km with its interval, and the best constant guess there."""
    limit = f"{THRESHOLDS_KM[-1]}"
    rows = [
        _Row(
            part["name"],
            f"{part['n']:,} photos" if part["n"] != 1 else "1 photo",
            part["within_km"][limit],
            part.get("intervals", {}).get("within_km", {}).get(limit),
            part["constant_within_km"][limit],
            None,
        )
        for part in metrics["by_continent"]
    ]
    return _dot_chart(f"Share of photos within {THRESHOLDS_KM[-1]} km by continent", rows)


class _Row:
    """One row of a dot chart; shares in [0, 1], or None where there is none."""

    def __init__(
        self,
        name: str,
        note: str,
        model: float,
        interval: Sequence[float | None] | None,
        constant: float | None,
        random: float | None,
    ) -> None:
        self.name, self.note, self.model = name, note, model
        self.interval = [end for end in interval or () if end is not None]
        self.constant, self.random = constant, random

    @property
    def largest(self) -> float:
        return max([self.model, self.constant or 0.0, self.random or 0.0, *self.interval])


def _dot_chart(title: str, rows: Sequence[_Row]) -> Canvas:
    step, top = 34.0, 34.0
    bottom = top + step * len(rows)
    canvas = Canvas(WIDTH, bottom + 34, title)
    left, right = 150.0, WIDTH - 70
    limit, parts = _axis(max((row.largest for row in rows), default=1.0))

    def x_of(share: float) -> float:
        return left + share / limit * (right - left)

    _legend(canvas, left, has_random=any(row.random is not None for row in rows))
    for part in range(parts + 1):
        x = x_of(limit * part / parts)
        canvas.line([(x, top), (x, bottom)], "rule")
        canvas.words(f"{100 * limit * part / parts:.4g} %", (x, bottom + 18), anchor="middle", size=11)
    for number, row in enumerate(rows):
        y = top + step * (number + 0.5)
        canvas.words(row.name, (left - 14, y), anchor="end", fill="ink", size=13)
        canvas.words(row.note, (left - 14, y + 13), anchor="end", size=10.5)
        _marks(canvas, row, x_of, y)
    return canvas


def _marks(canvas: Canvas, row: _Row, x_of: Scale, y: float) -> None:
    if len(row.interval) == 2:
        canvas.line([(x_of(row.interval[0]), y), (x_of(row.interval[1]), y)], "band", width=7)
    for name, share in (("random", row.random), ("constant", row.constant)):
        if share is not None:
            canvas.line([(x_of(share), y - 9), (x_of(share), y + 9)], name, width=2.5)
    canvas.dot((x_of(row.model), y), 5.5, "model", f"{row.name}: {100 * row.model:.1f} %")
    end = max([row.model, *row.interval, row.constant or 0.0, row.random or 0.0])
    canvas.words(f"{100 * row.model:.1f} %", (x_of(end) + 10, y + 4), fill="model", size=12)


def _legend(canvas: Canvas, left: float, *, has_random: bool) -> None:
    y = 14.0
    canvas.line([(left, y - 4), (left + 22, y - 4)], "band", width=7)
    canvas.dot((left + 11, y - 4), 5, "model")
    canvas.words("model, with its interval", (left + 30, y), size=11.5)
    for at, name, label in ((190.0, "constant", "best constant guess"), (335.0, "random", "random draw")):
        if name == "constant" or has_random:
            canvas.line([(left + at, y - 11), (left + at, y + 3)], name, width=2.5)
            canvas.words(label, (left + at + 8, y), size=11.5)


def _axis(share: float) -> tuple[float, int]:
    """Where an axis that has to hold ``share`` ends, and into how many round steps it is cut.

    Example:
        >>> _axis(0.33)
        (0.4, 4)
    """
    if share <= 0:
        return 0.05, 5
    power = 10.0 ** math.floor(math.log10(share))
    ends = ((1.0, 5), (2.0, 4), (2.5, 5), (4.0, 4), (5.0, 5), (6.0, 6), (8.0, 4), (10.0, 5))
    end, parts = next((end, parts) for end, parts in ends if end * power >= share - 1e-12)
    return min(1.0, round(end * power, 12)), parts
