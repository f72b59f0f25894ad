"""The parts of a photo that say most: squares that speak for the target, and squares that speak against it.

In: a ``SaliencyMap``. Out: places of squares as shares of the side, the strongest first, and their pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.explanations.saliency_map import SaliencyMap

CROPS: Final = 3
SIDE: Final = 0.3
"""Of the photo's side; three such squares fit beside each other."""

_GRID: Final = 40

PARTS: Final = (
    ("the upper left", "the top", "the upper right"),
    ("the left", "the middle", "the right"),
    ("the lower left", "the bottom", "the lower right"),
)


@dataclass(frozen=True)
class Crop:
    """A square of a photo.

    Convention:
        - ``top``, ``left``: shares of the side; ``side``: its own
        - ``share``: how much of all that speaks on its side of the question lies in it
    """

    top: float
    left: float
    side: float
    share: float

    def of(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Its pixels of a square picture (L, L, 3)."""
        length = len(picture)
        side = max(1, round(self.side * length))
        row, column = (min(round(at * length), length - side) for at in (self.top, self.left))
        return picture[row : row + side, column : column + side]


def crops(map_: SaliencyMap, *, against: bool = False, count: int = CROPS, side: float = SIDE) -> list[Crop]:
    """The squares that say most, at most ``count``, none over another.

    Convention:
        - ``against``: those that speak against the target, instead of for it
        - where nothing speaks on that side there are none

    Example:
        >>> from graticule.explanations import SaliencyMap
        >>> values = np.zeros((10, 10), dtype=np.float32)
        >>> values[8, 1] = 1.0
        >>> [found] = crops(SaliencyMap("", "", values, np.ones(1), 0.0, 1, ""), count=1)
        >>> found.top > 0.5, found.left < 0.2, round(found.share, 2)
        (True, True, 1.0)
    """
    values = np.maximum(map_.resized(_GRID, _GRID) * (-1 if against else 1), 0).astype(np.float64)
    total, size = values.sum(), max(1, round(side * _GRID))
    found = []
    for _ in range(count if total > 0 else 0):
        sums = _window_sums(values, size)
        row, column = np.unravel_index(int(sums.argmax()), sums.shape)
        if sums[row, column] <= 0:
            break
        share = float(sums[row, column] / total)
        found.append(Crop(float(row) / _GRID, float(column) / _GRID, size / _GRID, share))
        values[row : row + size, column : column + size] = -total  # whatever touches it comes out below 0
    return found


def _window_sums(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    running = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    sums: NDArray[np.float64] = (
        running[size:, size:] - running[:-size, size:] - running[size:, :-size] + running[:-size, :-size]
    )
    return sums


def _thirds(size: int) -> NDArray[np.float64]:
    """How much of each of ``size`` places along a side lies in each third of it, (3, size).

    Places that lie across a border count for both: of 7 places none of the thirds may have one more.
    """
    ends = np.arange(4)[:, None] * size / 3
    low, high = np.maximum(ends[:-1], np.arange(size)), np.minimum(ends[1:], np.arange(size) + 1)
    shared: NDArray[np.float64] = np.maximum(high - low, 0.0)
    return shared


def strongest_part(map_: SaliencyMap) -> tuple[str, float] | None:
    """Which ninth of the square speaks most for the target, and its share of all that does; else None.

    Example:
        >>> from graticule.explanations import SaliencyMap
        >>> values = np.zeros((6, 6), dtype=np.float32)
        >>> values[5, 5] = 1.0
        >>> strongest_part(SaliencyMap("", "", values, np.ones(1), 0.0, 1, ""))
        ('the lower right', 1.0)
    """
    down, across = (_thirds(size) for size in map_.values.shape)
    shares = down @ map_.shares() @ across.T
    if shares.sum() == 0:
        return None
    row, column = np.unravel_index(int(shares.argmax()), shares.shape)
    return PARTS[int(row)][int(column)], round(float(shares[row, column]), 4)
