"""Figures of errors: the confusion matrix, the tree of what is confused, and a map of where errors go."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from graticule.evaluation.confusions import Confusion, tree_of
from graticule.reports.canvas import Canvas
from graticule.reports.world import way_between, world_canvas

WIDTH: Final = 720.0
GRADES: Final = ((0.02, "heat-1"), (0.1, "heat-2"), (0.3, "heat-3"), (0.6, "heat-4"), (math.inf, "heat-5"))
"""Colours of a matrix by the share of the true class's photos."""

MOST_NAMED: Final = 60


def confusion_matrix(confusion: Confusion) -> Canvas:
    """The matrix: rows are true classes, columns answered ones, colours shares of the row; neighbours beside.

    Convention:
        - classes without a photo on either side are left out
    """
    used = np.flatnonzero(confusion.counts.sum(axis=0) + confusion.counts.sum(axis=1))
    counts = confusion.counts[np.ix_(used, used)]
    side = 560.0
    step = side / max(1, len(used))
    named = len(used) <= MOST_NAMED
    room = 150.0 if named else 40.0
    canvas = Canvas(max(WIDTH, room + side + 8), side + room + 40, f"Confusion matrix of {confusion.what}")
    left, top = room, 20.0
    canvas.bar(left, top, side, side, "faint")
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        fill = next(name for limit, name in GRADES if shares[row, column] <= limit)
        canvas.bar(left + column * step, top + row * step, max(step, 0.8), max(step, 0.8), fill)
    canvas.line([(left, top), (left + side, top + side)], "soft", width=0.4)
    if named:
        size = min(10.5, step * 0.95)
        for number, index in enumerate(used):
            y = top + (number + 0.5) * step + size / 3
            canvas.words(_short(confusion.names[index]), (left - 6, y), anchor="end", size=size)
    canvas.words("true", (6, top + 10), size=12, fill="ink")
    canvas.words("answered", (left + side, top + side + 18), size=12, fill="ink", anchor="end")
    x, y, low = left, top + side + 40, 0.0
    for limit, name in GRADES:
        canvas.bar(x, y - 10, 14, 12, name)
        label = f"over {100 * low:.0f} %" if math.isinf(limit) else f"{100 * low:.0f} to {100 * limit:.0f} %"
        canvas.words(label, (x + 20, y), size=11)
        x, low = x + 100, limit
    canvas.words("of the true class's photos", (left, y + 18), size=11)
    canvas.height = y + 30
    return canvas


def dendrogram(confusion: Confusion) -> Canvas | None:
    """What is confused joins early: a tree over the largest classes; None for fewer than three."""
    found = tree_of(confusion)
    if found is None:
        return None
    from scipy.cluster.hierarchy import dendrogram as layout

    kept, links = found
    drawn = layout(links, no_plot=True)
    step, top, left, right = 15.0, 30.0, 190.0, WIDTH - 20
    canvas = Canvas(WIDTH, top + step * len(kept) + 36, "Which classes are confused: a tree")
    high = max(float(links[:, 2].max()), 1e-9)
    low = max(0.0, float(links[:, 2].min()) - 0.02)

    def x_of(height: float) -> float:
        return left + (max(height, low) - low) / (high - low or 1) * (right - left)

    for along, heights in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        points = [
            (x_of(h) if h > 0 else left, top + (a / 10 - 0.5) * step)
            for a, h in zip(along, heights, strict=True)
        ]
        canvas.line(points, "model", width=1.3)
    for number, leaf in enumerate(drawn["leaves"]):
        y = top + (number + 0.5) * step - step / 2
        canvas.words(
            _short(confusion.names[kept[leaf]], 30), (left - 8, y + 4), anchor="end", size=10.5, fill="ink"
        )
    canvas.words("confused with each other", (left, top - 14), size=11)
    canvas.words("never confused", (right, top - 14), size=11, anchor="end")
    return canvas


def flow_map(flows: Sequence[dict[str, Any]]) -> Canvas:
    """Arrows from where photos were taken to where they were answered to be, the most frequent errors.

    Convention:
        - ``flows``: as ``graticule.evaluation.confusions.flows`` gives; width goes with the number of photos
    """
    canvas, on_canvas = world_canvas("Where the errors go", room_px=44)
    most = max((flow["n"] for flow in flows), default=1)
    for flow in reversed(flows):
        way = way_between(np.array(flow["from"]), np.array(flow["to"]))
        points = on_canvas(way)
        width = 0.8 + 3.2 * math.sqrt(flow["n"] / most)
        pieces = _pieces(points)
        for piece in pieces:
            canvas.line(piece, "constant", width=width)
        if len(pieces[-1]) > 1:
            canvas.area([_head(pieces[-1], 3.5 + 1.6 * width)], "constant")
        hint = f"{flow['true']} taken for {flow['answered']}: {flow['n']:,}"
        canvas.dot(points[0], 2.4, "model", hint)
    y = canvas.height - 16
    canvas.dot((28, y - 4), 3.5, "model")
    canvas.words("true country", (38, y), size=12, fill="ink")
    canvas.line([(150, y - 4), (180, y - 4)], "constant", width=2.5)
    canvas.area([_head([(150, y - 4), (186, y - 4)], 8)], "constant")
    canvas.words(
        f"answered country; the widest arrow is {most:,} photo{'s' if most != 1 else ''}",
        (194, y),
        size=12,
        fill="ink",
    )
    return canvas


def _pieces(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """The way in pieces, cut where it leaves the map on one side to come back on the other."""
    pieces: list[list[tuple[float, float]]] = [[points[0]]]
    for before, point in pairwise(points):
        if math.dist(before, point) > WIDTH / 4:
            pieces.append([])
        pieces[-1].append(point)
    return [piece for piece in pieces if piece]


def _head(points: Sequence[tuple[float, float]], size: float) -> list[tuple[float, float]]:
    (x0, y0), (x1, y1) = points[-2], points[-1]
    length = math.dist((x0, y0), (x1, y1)) or 1.0
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    back = (x1 - dx * size, y1 - dy * size)
    return [
        (x1, y1),
        (back[0] - dy * size / 2.4, back[1] + dx * size / 2.4),
        (back[0] + dy * size / 2.4, back[1] - dx * size / 2.4),
    ]


def _short(name: str, most: int = 26) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
