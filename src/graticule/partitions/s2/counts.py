"""Counts photos by S2 cell while a table streams by, so that cells can be built from any number of places.

Memory grows with the ground that photos were taken on, not with their number: 100 million photos lie in a
few million cells of level 13, about 1 km wide.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import TableError, UsageError
from graticule.geo import s2
from graticule.geo.sphere import latlon_of, unit_vectors
from graticule.partitions.places import checked_places, place_ids
from graticule.partitions.s2.merging import Nodes

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Ids = NDArray[np.uint64]

COUNTING_LEVEL: Final = 13
"""Level at which photos are counted: cells of about 1.3 km2."""

MOST_CELLS: Final = 4_000_000
"""More counted cells than this are joined to their parents: counting then takes 1.5 GB at most (measured on
places spread evenly over the Earth, the worst case; 100 million photos of Flickr's kind take half a million
cells)."""

_PENDING: Final = 1_000_000  # counted cells that wait to be joined to the others


class S2Counts:
    """Photos by S2 cell, added block by block.

    Convention:
        - ``level``: where photos are counted; it gets coarser when more than ``most_cells`` have photos
        - ``rows``, ``photos``: how many were added so far

    Raises:
        UsageError: the level is not in 1..30.

    Example:
        >>> counts = S2Counts()
        >>> counts.add([[48.86, 2.35], [48.86, 2.35]])
        >>> counts.add([[39.9, 116.4]], [5])
        >>> counts.rows, counts.photos, counts.cells().photos.tolist()
        (3, 7, [5, 2])
    """

    def __init__(self, level: int = COUNTING_LEVEL, *, most_cells: int = MOST_CELLS) -> None:
        if not 1 <= level <= s2.MAX_LEVEL:
            raise UsageError(
                f"Photos cannot be counted at S2 level {level}, expected 1 to {s2.MAX_LEVEL}.\n"
                f"Type, for example:  `counting_level={COUNTING_LEVEL}`"
            )
        self.level = level
        self.rows = 0
        self.photos = 0
        self._most_cells = most_cells
        self._cells = Nodes(*_empty())
        self._waiting: list[Nodes] = []

    def add(self, latlon: ArrayLike, photos: ArrayLike | None = None) -> None:
        """Count a block of places.

        Convention:
            - ``latlon``: (N, 2) in (latitude, longitude) **degrees**; ``photos``: (N,) at each, None for one

        Raises:
            CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
            UsageError: numbers of photos are negative or not whole.
        """
        if not np.size(latlon):
            return
        if photos is not None and not np.any(photos):
            self.rows += len(np.asarray(photos))
            return
        places, weights = checked_places(latlon, photos)
        self.rows += len(places)
        if weights is None:
            weights = np.ones(len(places), dtype=np.int64)
        self.photos += int(weights.sum())
        vectors = unit_vectors(places) * weights[:, None]
        self._waiting.append(_grouped(Nodes(place_ids(places, self.level), weights, vectors)))
        if sum(len(block.ids) for block in self._waiting) > max(_PENDING, len(self._cells.ids) // 2):
            self._join()

    def cells(self) -> Nodes:
        """The S2 cells with photos, ascending, all of ``level``; their photos, and sums of unit vectors.

        Raises:
            TableError: there is no photo.
        """
        self._join()
        if not self.photos:
            raise TableError(
                "There are no places to build cells from.\nGive a table with at least one place."
            )
        return self._cells

    def places(self) -> tuple[Array, Counts]:
        """The mean place (M, 2) in **degrees** of the photos of each cell, and their number (M,).

        Raises:
            TableError: there is no photo.
        """
        cells = self.cells()
        return latlon_of(cells.sums), cells.photos

    def _join(self) -> None:
        blocks = [self._cells, *self._waiting]
        self._waiting = []
        joined = Nodes(*(np.concatenate(column) for column in zip(*blocks, strict=True)))
        self._cells = _grouped(_coarser(joined, self.level))
        while len(self._cells.ids) > self._most_cells and self.level > 1:
            self.level -= 1
            self._cells = _grouped(_coarser(self._cells, self.level))


def _empty() -> tuple[Ids, Counts, Array]:
    return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64), np.empty((0, 3))


def _coarser(cells: Nodes, level: int) -> Nodes:
    return cells._replace(ids=s2.parent(cells.ids, level))


def _grouped(cells: Nodes) -> Nodes:
    """Cells of one level, each once, ascending, without those that have no photo."""
    order = np.argsort(cells.ids, kind="stable")
    order = order[cells.photos[order] > 0]
    ids = cells.ids[order]
    if not len(ids):
        return Nodes(*_empty())
    starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
    photos = np.add.reduceat(cells.photos[order], starts)
    return Nodes(ids[starts], photos, np.add.reduceat(cells.sums[order], starts, axis=0))
