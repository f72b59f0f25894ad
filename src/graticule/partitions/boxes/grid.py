"""The grid of the finest boxes of a quadtree, on which all others lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.uint64]


class Grid(NamedTuple):
    """Edges (2**depth + 1,) of the finest boxes, in **degrees**, each the middle of two edges before."""

    latitude: Array
    longitude: Array
    depth: int

    @classmethod
    def of(cls, low: Sequence[float], high: Sequence[float], depth: int) -> Grid:
        """The grid between two opposite corners in (latitude, longitude)."""
        sides = []
        for start, end in zip(low, high, strict=True):
            edges = np.array([start, end])
            for _ in range(depth):
                finer = np.empty(2 * len(edges) - 1)
                finer[::2] = edges
                finer[1::2] = 0.5 * (edges[:-1] + edges[1:])
                edges = finer
            sides.append(edges)
        return cls(sides[0], sides[1], depth)

    def codes(self, latitude: Array, longitude: Array) -> tuple[Ids, NDArray[np.bool_]]:
        """The finest box of each place (N,) on a Z-shaped way, and whether it lies in the grid at all."""
        rows, row_inside = _between_edges(latitude, self.latitude)
        columns, column_inside = _between_edges(longitude, self.longitude)
        return _spread(rows) << np.uint64(1) | _spread(columns), row_inside & column_inside

    def boxes(self, tokens: Sequence[str]) -> Array:
        """South, west, north, east (n, 4) of the boxes of tokens."""
        level = np.array([len(token) - 1 for token in tokens])
        steps = self.depth - level
        row = np.array([int("0" + token[1:].translate(_ROWS), 2) for token in tokens])
        column = np.array([int("0" + token[1:].translate(_COLUMNS), 2) for token in tokens])
        return np.column_stack(
            [
                self.latitude[row << steps],
                self.longitude[column << steps],
                self.latitude[(row + 1) << steps],
                self.longitude[(column + 1) << steps],
            ]
        )


_ROWS: Final = str.maketrans("0123", "0011")
_COLUMNS: Final = str.maketrans("0123", "0101")


def _between_edges(values: Array, edges: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The interval of each value, its lower edge included (the last one its upper, too)."""
    count = len(edges) - 1
    guess = ((values - edges[0]) * (count / (edges[-1] - edges[0]))).astype(np.int64)
    rows = np.clip(guess, 0, count - 1)
    rows -= (values < edges[rows]) & (rows > 0)  # the edges decide, not the rounded guess
    rows += (values >= edges[rows + 1]) & (rows < count - 1)
    return rows, (values >= edges[0]) & (values <= edges[-1])


_MASKS: Final = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def _spread(numbers: NDArray[np.int64]) -> Ids:
    """The bits of whole numbers below 2**32 with a zero before each: ``abc`` becomes ``0a0b0c``."""
    spread = numbers.astype(np.uint64)
    for shift, mask in _MASKS:
        spread = (spread | spread << np.uint64(shift)) & np.uint64(mask)
    return spread
