"""The global patch map: how much the probability of the true country falls, patch by patch (S0)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graticule.explanations.auditing.judging import Judge, Rows, logarithm
from graticule.explanations.auditing.rectangles import USUAL, Rectangle
from graticule.geo.countries import continent_of

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

    def to_dict(self, countries: NDArray[np.str_], right: NDArray[np.bool_]) -> dict[str, Any]:
        """Means and where they lie, as JSON values.

        Convention:
            - ``countries``: of all photos of the subject; ``right``: (n,) whether the country of each photo
              of the map was found with nothing covered
        """
        codes = countries[self.rows]
        continents = np.array([continent_of(str(code)) or "" for code in codes])
        groups = {"all": np.ones(len(codes), dtype=np.bool_), "right": right, "wrong": ~right}
        groups |= {f"continent {name}": continents == name for name in sorted({*continents.tolist()} - {""})}
        groups |= {f"country {code}": codes == code for code in sorted(set(codes.tolist()))}
        return {
            "grid": self.drops.shape[1],
            "unit": "fall of the log-probability of the true country, nats",
            "maps": [self._row(name, which) for name, which in groups.items() if which.any()],
        }

    def _row(self, name: str, which: NDArray[np.bool_]) -> dict[str, Any]:
        mean = self.drops[which].mean(axis=0)
        return {"photos_of": name, "photos": int(which.sum()), "mean": _rounded(mean), "mass": masses(mean)}


def patch_map(
    judge: Judge, rows: Rows, *, grid: int = GRID, on_progress: Callable[[int, int], None] | None = None
) -> PatchMap:
    """Cover one patch after the other in some photos and see how far the true country's probability falls.

    Source:
        As in "patch importance" of the S0 sources; covered as in ``covering`` instead of black.
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
        >>> on_the_right = np.eye(10)[[9] * 10]
        >>> found = {row["region"]: row["share"] for row in masses(on_the_right)}
        >>> round(found["right edge"], 6), found["left edge"]
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
        inside = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
        shares: NDArray[np.float64] = np.maximum(inside, 0.0) * grid
        return shares

    return np.outer(along(part.top, part.bottom), along(part.left, part.right))


def _rounded(values: NDArray[np.float64]) -> list[list[float]]:
    return [[round(float(value), 4) for value in row] for row in values]
