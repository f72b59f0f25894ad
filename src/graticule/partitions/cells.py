"""What a cell is, for each kind of partition: which places it covers, its outline, its area.

A builder names its method; ``cells_of`` finds the kind of cell that the method makes. A builder whose cells
are S2 cells adds one line to ``KINDS``; one with polygons adds a class beside ``S2Cells``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from graticule.errors import PartitionError
from graticule.geo import s2
from graticule.geo.sphere import check_latlon

CHUNK_PLACES: Final = 1 << 18
"""Places looked up at a time: their ids stay in the processor's cache, and memory stays flat."""


class Cells(Protocol):
    """The cells of some nodes of a partition, in the order of the nodes."""

    spherical: bool
    """Whether edges are geodesics (else straight in longitude and latitude)."""

    def encode(self, latlon: ArrayLike) -> NDArray[np.int64]:
        """Index of the cell that covers each place of ``latlon`` (..., 2) in degrees; -1 where none does."""
        ...

    def rings(self) -> list[NDArray[np.float64]]:
        """Corners (n, 2) of each cell in (latitude, longitude) degrees, counter-clockwise, not closed."""
        ...

    def parts(self) -> tuple[list[NDArray[np.float64]], NDArray[np.int64]]:
        """Rings to draw the cells with, each of less than half the Earth, and the cell (M,) of each ring.

        A cell that is not one piece, or is too large for one ring, has several rings; they do not overlap.
        """
        ...

    def outlines(self) -> list[bytes]:
        """The ground of each cell in (longitude, latitude) as well-known binary, cut at the antimeridian."""
        ...

    def areas_km2(self) -> NDArray[np.float64]:
        """Area (K,) of each cell in km2."""
        ...

    def identity(self) -> bytes:
        """Bytes that differ whenever the ground that a cell covers differs."""
        ...


@runtime_checkable
class TreeCells(Cells, Protocol):
    """Cells that only the whole tree defines; the leaves are asked for by ``at``."""

    def at(self, nodes: NDArray[np.int64]) -> Cells:
        """The cells of some nodes, in their order."""
        ...


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
        places = check_latlon(latlon)
        flat = places.reshape(-1, 2)
        cells = np.empty(len(flat), dtype=np.int64)
        for start in range(0, len(flat), CHUNK_PLACES):
            chunk = slice(start, start + CHUNK_PLACES)
            cells[chunk] = self._find(s2.cell_ids(flat[chunk]))
        return cells.reshape(places.shape[:-1])

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


def _s2_cells(nodes: pl.DataFrame) -> Cells:
    if "annexes" not in nodes.columns:
        return S2Cells(nodes["cell_id"].to_numpy())
    from graticule.partitions.s2_union_cells import S2UnionCells

    return S2UnionCells(nodes["cell_id"].to_numpy(), nodes["annexes"].to_list())


def _kd_cells(nodes: pl.DataFrame) -> Cells:
    from graticule.partitions.boxes import BoxCells, edges_of

    ways = [token[1:] for token in nodes["token"]]
    return BoxCells(edges_of(nodes), ways, whole_earth=True)


def _territory_cells(nodes: pl.DataFrame) -> Cells:
    from graticule.partitions.territory_cells import TerritoryCells

    return TerritoryCells(nodes)


def _union_cells(nodes: pl.DataFrame) -> Cells:
    from graticule.partitions.unions import UnionCells

    return UnionCells(nodes)


def _quadtree_cells(nodes: pl.DataFrame) -> Cells:
    from graticule.partitions.boxes import BoxCells, edges_of
    from graticule.partitions.quadtree import LETTERS

    return BoxCells(edges_of(nodes), [token[1:].translate(LETTERS) for token in nodes["token"]])


KINDS: Final[Mapping[str, tuple[Any, Callable[[pl.DataFrame], Cells]]]] = {
    "admin": (pl.String, _territory_cells),
    "clusters": (pl.String, _union_cells),
    "confusion": (pl.String, _union_cells),
    "kd": (pl.String, _kd_cells),
    "quadtree": (pl.String, _quadtree_cells),
    "s2": (pl.UInt64, _s2_cells),
    "semantic": (pl.String, _territory_cells),
}
"""For each method: the type of its column ``cell_id``, and what makes the cells of a frame of nodes."""


def check_method(method: object, label: str) -> str:
    """``method`` itself, if this version knows the kind of cell it makes.

    Raises:
        PartitionError: it does not; ``label`` says which file is meant.
    """
    if isinstance(method, str) and method in KINDS:
        return method
    raise PartitionError(
        f"{label} was built by the method '{method}', which this version does not know "
        f"(known: {', '.join(sorted(KINDS))}).\nUpdate:  pip install --upgrade graticule"
    )


def cells_of(method: str, nodes: pl.DataFrame) -> Cells:
    """The cells of ``nodes`` (columns of a partition file), of the kind that ``method`` makes.

    Raises:
        PartitionError: the method is not known.
    """
    return KINDS[check_method(method, "The partition")][1](nodes)
