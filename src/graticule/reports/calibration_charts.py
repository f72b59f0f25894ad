"""Figures of confidence: reliability diagram and histogram as S4 draws them, coverage, abstention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.evaluation.calibration.reliability import Reliability
from graticule.evaluation.metrics import BINS
from graticule.reports.canvas import Anchor, Canvas

WIDTH: Final = 720.0


class _Plot:
    """A square of shares with its grid; ``x`` and ``y`` put shares in [0, highest] on the canvas."""

    def __init__(
        self, canvas: Canvas, box: tuple[float, float, float, float], highest: tuple[float, float]
    ) -> None:
        self.canvas, self.box, self.highest = canvas, box, highest

    def x(self, share: float) -> float:
        left, _, right, _ = self.box
        return left + share / self.highest[0] * (right - left)

    def y(self, share: float) -> float:
        _, top, _, bottom = self.box
        return bottom - share / self.highest[1] * (bottom - top)

    def grid(self, across: str, up: str, parts: int = 5) -> None:
        left, top, right, bottom = self.box
        for part in range(parts + 1):
            x, y = self.x(self.highest[0] * part / parts), self.y(self.highest[1] * part / parts)
            self.canvas.line([(left, y), (right, y)], "rule" if part else "soft")
            self.canvas.words(
                _percent(self.highest[1] * part / parts), (left - 7, y + 4), anchor="end", size=11
            )
            self.canvas.words(
                _percent(self.highest[0] * part / parts), (x, bottom + 16), anchor="middle", size=11
            )
        self.canvas.words(across, ((left + right) / 2, bottom + 34), anchor="middle", size=12, fill="ink")
        self.canvas.words(up, (left - 34, top - 10), size=12, fill="ink")


def reliability_diagram(found: Reliability, what: str) -> Canvas:
    """Share of right answers beside stated confidence, bin by bin; the nearer the diagonal the better.

    Convention:
        - ``what``: what was to be right: "cell", "country"
        - bars: share of right answers; dark lines: mean confidence of the bin; whiskers: 95 % intervals

    Source:
        The form of S4's figure 6.8.
    """
    canvas = Canvas(
        WIDTH, 400, f"Reliability diagram: confidence in the best {what} and how often it was right"
    )
    highest = _round_up(max(float(np.nanmax(found.confidence)), float(np.nanmax(found.accuracy))))
    plot = _Plot(canvas, (60, 40, 400, 340), (highest, highest))
    plot.grid("stated confidence", f"right {what}")
    for i in np.flatnonzero(found.counts):
        left, right = plot.x(min(found.edges[i], highest)), plot.x(min(found.edges[i + 1], highest))
        top, base = plot.y(float(found.accuracy[i])), plot.y(0.0)
        canvas.bar(left + 0.8, top, right - left - 1.6, base - top, "band")
        x, ends = (left + right) / 2, (min(found.low[i], highest), min(found.high[i], highest))
        canvas.line([(x, plot.y(float(ends[0]))), (x, plot.y(float(ends[1])))], "soft")
        y = plot.y(float(found.confidence[i]))
        canvas.line([(left + 0.8, y), (right - 0.8, y)], "constant", width=2.4)
        canvas.line([(left + 0.8, top), (right - 0.8, top)], "model", width=2.4)
    canvas.line([(plot.x(0), plot.y(0)), (plot.x(highest), plot.y(highest))], "soft", dash=(4, 4))
    _facts(canvas, found)
    return canvas


def _facts(canvas: Canvas, found: Reliability) -> None:
    lines = (
        ("photos", f"{found.counts.sum():,}"),
        ("mean confidence", _percent(found.mean_confidence, 1)),
        ("share right", _percent(found.mean_accuracy, 1)),
        ("calibration error (ECE)", _percent(found.error, 2)),
        ("root mean square, less chance", _percent(found.debiased, 2)),
    )
    for number, (name, value) in enumerate(lines):
        y = 70 + 24 * number
        canvas.words(name, (424, y), size=12)
        canvas.words(value, (700, y), size=13, fill="ink", anchor="end")
    for number, (name, label) in enumerate(
        (
            ("model", "share right, with its 95 % interval"),
            ("constant", "mean confidence of the bin"),
        )
    ):
        y = 220 + 22 * number
        canvas.line([(424, y - 4), (446, y - 4)], name, width=2.4)
        canvas.words(label, (454, y), size=11.5)
    verdict = (
        "says less than it knows"
        if found.mean_confidence < found.mean_accuracy
        else "says more than it knows"
    )
    if abs(found.mean_confidence - found.mean_accuracy) > 0.02:
        canvas.words(f"The model {verdict}.", (424, 276), size=12, fill="ink")


def confidence_histogram(confidence: NDArray[np.float64], found: Reliability, what: str) -> Canvas:
    """How many photos were answered with which confidence; mean confidence and accuracy as two lines.

    Convention:
        - ``confidence``: (N,) shares

    Source:
        The form of S4's figure 6.9: the nearer the two lines, the better calibrated.
    """
    canvas = Canvas(WIDTH, 300, f"Histogram of the confidence in the best {what}")
    highest = _round_up(float(confidence.max()))
    counts, edges = np.histogram(confidence, bins=BINS, range=(0, highest))
    plot = _Plot(canvas, (60, 40, 690, 240), (highest, _round_up(counts.max() / len(confidence))))
    plot.grid("stated confidence", "share of the photos")
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        left, right, top = plot.x(float(low)), plot.x(float(high)), plot.y(count / len(confidence))
        if count:
            canvas.bar(left + 0.8, top, right - left - 1.6, plot.y(0.0) - top, "band")
    marks = (
        (found.mean_accuracy, "model", None, "share right"),
        (found.mean_confidence, "constant", (5.0, 3.0), "mean confidence"),
    )
    for share, name, dash, _ in marks:
        x = plot.x(min(share, highest))
        canvas.line([(x, 40), (x, 240)], name, width=2, dash=dash)
    lines = [plot.x(min(share, highest)) for share, *_ in marks]
    # beside both lines, so that none crosses a label: at the right, or where there is no room at the left
    anchor: Anchor = "start" if max(lines) < 530 else "end"
    x = max(lines) + 6 if anchor == "start" else min(lines) - 6
    for number, (share, name, _, label) in enumerate(sorted(marks, key=lambda mark: mark[0])):
        canvas.words(
            f"{label} {_percent(share, 1)}", (x, 54 + 15 * number), fill=name, size=11.5, anchor=anchor
        )
    return canvas


def coverage_chart(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> Canvas:
    """How often regions held the truth, with its interval, beside how often they should.

    Convention:
        - ``rows``: name and what ``coverage_of`` found
    """
    canvas = Canvas(WIDTH, 70 + 34.0 * len(rows), "How often the stated regions held the truth")
    bottom = 34 + 34.0 * len(rows)
    plot = _Plot(canvas, (150, 34, 650, bottom), (1.0, 1.0))
    for part in range(6):
        x = plot.x(part / 5)
        canvas.line([(x, 34), (x, bottom)], "rule")
        canvas.words(_percent(part / 5), (x, bottom + 18), anchor="middle", size=11)
    canvas.line([(150, 10), (172, 10)], "band", width=7)
    canvas.dot((161, 10), 5, "model")
    canvas.words("held the truth, 95 % interval", (180, 14), size=11.5)
    canvas.line([(372, 3), (372, 17)], "constant", width=2.5)
    canvas.words("promised", (380, 14), size=11.5)
    for number, (name, row) in enumerate(rows):
        y = 34 + 34.0 * (number + 0.5)
        canvas.words(name, (136, y), anchor="end", size=13, fill="ink")
        note = "1 photo" if row["n"] == 1 else f"{row['n']:,} photos"
        canvas.words(note, (136, y + 13), anchor="end", size=10.5)
        if not row["n"]:
            continue
        low, high = row["interval"]
        canvas.line([(plot.x(low), y), (plot.x(high), y)], "band", width=7)
        x = plot.x(row["promise"])
        canvas.line([(x, y - 9), (x, y + 9)], "constant", width=2.5)
        fill = "warn" if row["verdict"] == "not kept" else "model"
        canvas.dot((plot.x(row["coverage"]), y), 5.5, fill, f"{name}: {_percent(row['coverage'], 1)}")
        canvas.words(_percent(row["coverage"], 1), (662, y + 4), size=12, fill=fill)
    return canvas


def abstention_chart(curves: Mapping[int, pl.DataFrame]) -> Canvas:
    """Share of right answers among the surest photos, from few answered to all, by threshold.

    Convention:
        - ``curves``: by threshold in km, as ``abstention_curve`` gives
    """
    canvas = Canvas(WIDTH, 360, "Accuracy of the surest photos against the share that is answered")
    # below 2 % a few photos make any share
    shown = {limit: curve.filter(pl.col("answered") >= 0.02) for limit, curve in curves.items()}
    tops = [float(curve["accuracy"].to_numpy().max(initial=0.01)) for curve in shown.values()]
    plot = _Plot(canvas, (60, 40, 590, 300), (1.0, _round_up(max(tops, default=0.01))))
    plot.grid("share of photos that is answered, the surest first", "share within the threshold")
    names = ("near-1", "near-3", "near-4", "near-5")
    for (limit, rows), name in zip(shown.items(), names, strict=False):
        step = max(1, rows.height // 400)
        kept = rows.gather_every(step).vstack(rows.tail(1))
        points = [
            (plot.x(share), plot.y(min(accuracy, plot.highest[1])))
            for share, accuracy in kept.select("answered", "accuracy").iter_rows()
        ]
        canvas.line(points, name, width=2)
        if points:
            canvas.words(f"{limit:,} km", (600, points[-1][1] + 4), fill=name)
    return canvas


def _round_up(share: float) -> float:
    ends = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
    return next((end for end in ends if end >= share - 1e-12), 1.0)


def _percent(share: float, digits: int | None = None) -> str:
    return f"{100 * share:.{digits}f} %" if digits is not None else f"{100 * share:.4g} %"
