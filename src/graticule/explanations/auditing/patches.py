"""The global patch map: how much the probability of the true country falls, patch by patch (S0)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graticule.explanations.auditing.judging import Judge, Rows, logarithm
from graticule.explanations.auditing.rectangles import USUAL, Rectangle

GRID: Final = 10
"""Patches along each side: two rows are an edge."""


@dataclass(frozen=True, eq=False)
class PatchMap:
    """How much each patch matters.

    Convention:
        - ``rows``: (n,) of the subject; ``drops``: (n, G, G), fall of the logarithm of the true country's
          probability in nats, row 0 at the top
    """

    rows: Rows
    drops: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Over the photos, (G, G)."""
        return np.asarray(self.drops.mean(axis=0))

    def to_dict(self, countries: NDArray[np.str_]) -> dict[str, Any]:
        """Means and where they lie, as JSON values."""
        of = countries[self.rows]
        return {
            "grid": self.drops.shape[1],
            "photos": len(self.rows),
            "unit": "fall of the log-probability of the true country, nats",
            "mean": _rounded(self.mean),
            "mass": masses(self.mean),
            "by_country": {
                str(code): _rounded(self.drops[of == code].mean(axis=0)) for code in sorted(set(of.tolist()))
            },
        }


def patch_map(
    judge: Judge, rows: Rows, *, grid: int = GRID, on_progress: Callable[[int, int], None] | None = None
) -> PatchMap:
    """Cover one patch after the other in some photos and see how far the true country's probability falls.

    Source:
        As in "patch importance" of the S0 sources; with the mean of all photos instead of black.
    """
    base = logarithm(judge(rows).share)
    drops = np.empty((len(rows), grid, grid))
    for number in range(grid * grid):
        row, column = divmod(number, grid)
        patch = Rectangle(row / grid, column / grid, (row + 1) / grid, (column + 1) / grid)
        drops[:, row, column] = base - logarithm(judge(rows, judge.mask(patch)).share)
        if on_progress:
            on_progress(number + 1, grid * grid)
    return PatchMap(rows, drops)


def masses(drops: NDArray[np.float64]) -> list[dict[str, Any]]:
    """How much of the positive part of a map (G, G) lies on edges and corners, beside their area.

    Example:
        >>> found = {row["region"]: row["share"] for row in masses(np.eye(10)[::-1] * 0 + np.eye(10)[[9] * 10])}
        >>> found["right edge"], found["left edge"]
        (1.0, 0.0)
    """
    positive = np.maximum(drops, 0.0)
    total = float(positive.sum())
    rows = []
    for name, part in USUAL.items():
        weight = _weights(part, drops.shape[0])
        share = float((positive * weight).sum()) / total if total > 0 else None
        rows.append({"region": name, "share": share, "area": round(part.area, 4)})
    return rows


def _weights(part: Rectangle, grid: int) -> NDArray[np.float64]:
    """How much of each patch a rectangle covers, (G, G)."""
    edges = np.arange(grid + 1) / grid

    def along(low: float, high: float) -> NDArray[np.float64]:
        return np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) * grid

    return np.outer(along(part.top, part.bottom), along(part.left, part.right))


def _rounded(values: NDArray[np.float64]) -> list[list[float]]:
    return [[round(float(value), 4) for value in row] for row in values]
