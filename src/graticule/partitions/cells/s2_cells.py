"""Cells of the S2 grid."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.geo import s2
from graticule.partitions.cells.blocks import in_blocks
from graticule.partitions.places import place_ids

_PLACES_AT_ONCE: Final = 1 << 18  # their ids stay in the processor's cache


class S2Cells:
    """Cells of the S2 grid, told by their ids.

    Convention:
        - ``cell_ids``: (K,) uint64 of any levels
        - ``encode`` needs disjoint cells in Hilbert order, as the leaves of a partition are

    Example:
        >>> leaves = S2Cells(s2.cell_ids([[48.86, 2.35], [39.9, 116.4]], 4))
        >>> leaves.encode([[39.5, 116.0], [-33.9, 151.2]]).tolist()
        [1, -1]
    """

    spherical = True

    def __init__(self, cell_ids: NDArray[np.uint64]) -> None:
        self._ids = np.asarray(cell_ids, dtype=np.uint64)

    @cached_property
    def _ranges(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """First and last place on the Hilbert curve of each cell."""
        return s2.range_min(self._ids), s2.range_max(self._ids)

    def encode(self, latlon: ArrayLike) -> NDArray[np.int64]:
        """Cell of each place (..., 2) in degrees; -1 where none covers it.

        Raises:
            CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        """
        return in_blocks(latlon, lambda places: self._find(place_ids(places)), at_once=_PLACES_AT_ONCE)

    def _find(self, leaf_ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        # Cells are ranges of the Hilbert curve: the last that begins before a place is the only candidate.
        first, last = self._ranges
        cells = np.searchsorted(first, leaf_ids, side="right").astype(np.int64) - 1
        cells[leaf_ids > last[cells]] = -1  # before the first cell, cells is -1 already, and stays so
        return cells

    def rings(self) -> list[NDArray[np.float64]]:
        """The four corners (4, 2) of each cell in degrees, counter-clockwise."""
        return list(s2.vertices(self._ids))

    def parts(self) -> tuple[list[NDArray[np.float64]], NDArray[np.int64]]:
        """One ring for each cell."""
        return self.rings(), np.arange(len(self._ids))

    def outlines(self) -> list[bytes]:
        """The ground of each cell as well-known binary, its geodesic edges densified."""
        from graticule.geo.geojson import wkb_polygons  # shapely: only those who write need it

        return wkb_polygons(self.rings())

    def areas_km2(self) -> NDArray[np.float64]:
        """Area (K,) of each cell on the sphere in km2."""
        return s2.area_km2(self._ids)

    def identity(self) -> bytes:
        """The ids as little-endian bytes."""
        return self._ids.astype("<u8").tobytes()
