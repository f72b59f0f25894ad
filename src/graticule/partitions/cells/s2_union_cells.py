"""Cells of one S2 cell and further ones given to it: those of ``s2`` with small cells merged."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graticule.geo import s2
from graticule.geo.s2_unions import Piece, union_pieces
from graticule.partitions.cells.s2_cells import S2Cells

Array = NDArray[np.float64]
Ids = NDArray[np.uint64]
Ints = NDArray[np.int64]

_SPECK_DEG2: Final = 1e-9
"""Ground of less than 10 square metres is what rounding leaves between two faces of the cube."""


class S2UnionCells(S2Cells):
    """Cells that each are an S2 cell and its annexes, told by their ids.

    Convention:
        - ``cell_ids``: (K,) uint64 of any levels; ``annexes``: for each the ids of further cells
        - ``encode`` needs all of them disjoint, as those of the leaves of a partition are
        - ``rings`` are those of ``cell_ids`` alone; ``parts`` and ``outlines`` are whole

    Example:
        >>> west, east = s2.cell_ids([[0, -10], [0, 10]], 2)
        >>> cells = S2UnionCells(np.array([west]), [[int(east)]])
        >>> cells.encode([[0, -10], [0, 10], [0, 170]]).tolist()
        [0, 0, -1]
        >>> len(cells.parts()[0])
        1
    """

    def __init__(self, cell_ids: Ids, annexes: Sequence[Sequence[int]]) -> None:
        super().__init__(cell_ids)
        self._annexes = annexes

    @cached_property
    def _members(self) -> tuple[Ids, Ints]:
        """All S2 cells along the Hilbert curve, and the cell that each belongs to."""
        given = np.array([one for annex in self._annexes for one in annex], dtype=np.uint64)
        sizes = [len(annex) for annex in self._annexes]
        ids = np.concatenate([self._ids, given])
        owner = np.concatenate([np.arange(len(self._ids)), np.repeat(np.arange(len(sizes)), sizes)])
        order = np.argsort(ids, kind="stable")
        return ids[order], owner[order]

    @cached_property
    def _ranges(self) -> tuple[Ids, Ids]:
        ids, _ = self._members
        return s2.range_min(ids), s2.range_max(ids)

    def _find(self, leaf_ids: Ids) -> Ints:
        member = super()._find(leaf_ids)
        return np.where(member >= 0, self._members[1][member], -1)

    @cached_property
    def _united(self) -> dict[int, Ids]:
        """The ids of each cell that has annexes."""
        return {
            cell: np.array([own, *annex], dtype=np.uint64)
            for cell, (own, annex) in enumerate(zip(self._ids.tolist(), self._annexes, strict=True))
            if len(annex)
        }

    @cached_property
    def _pieces(self) -> dict[int, list[Piece]]:
        """The connected parts of each cell that has annexes."""
        return {cell: union_pieces(ids) for cell, ids in self._united.items()}

    def parts(self) -> tuple[list[Array], Ints]:
        """Rings around the connected parts of each cell on each face of the cube, and their cells.

        A part around a hole, which one ring cannot tell, is drawn S2 cell by S2 cell.
        """
        rings, owner = [], []
        for cell, ring in enumerate(self.rings()):
            drawn = [ring]
            if cell in self._pieces:
                pieces = self._pieces[cell]
                whole = all(not piece.holes for piece in pieces)
                drawn = [piece.ring for piece in pieces] if whole else list(s2.vertices(self._united[cell]))
            rings += drawn
            owner += [cell] * len(drawn)
        return rings, np.array(owner, dtype=np.int64)

    def outlines(self) -> list[bytes]:
        """The ground of each cell as well-known binary, its geodesic edges densified, holes left out."""
        import shapely

        from graticule.geo.geojson import planar_polygons

        blobs = super().outlines()
        pieces = [(cell, piece) for cell, several in self._pieces.items() for piece in several]
        grounds = planar_polygons([piece.ring for _, piece in pieces])
        holes = iter(planar_polygons([hole for _, piece in pieces for hole in piece.holes]))
        of_cell: dict[int, list[Any]] = {}
        for (cell, piece), ground in zip(pieces, grounds, strict=True):
            for hole in itertools.islice(holes, len(piece.holes)):
                ground = shapely.difference(ground, hole)
            of_cell.setdefault(cell, []).append(ground)
        for cell, several in of_cell.items():
            ground = several[0] if len(several) == 1 else _polygons_only(shapely.union_all(several))
            blobs[cell] = shapely.to_wkb(ground, byte_order=1)
        return blobs

    def areas_km2(self) -> Array:
        """Area (K,) of each cell with its annexes on the sphere in km2."""
        ids, owner = self._members
        areas = np.zeros(len(self._ids))
        np.add.at(areas, owner, s2.area_km2(ids))
        return areas

    def identity(self) -> bytes:
        """The ids, and to which cell each belongs, as little-endian bytes."""
        ids, owner = self._members
        return ids.astype("<u8").tobytes() + owner.astype("<i8").tobytes()


def _polygons_only(ground: Any) -> Any:
    """Ground as a Polygon or MultiPolygon, counter-clockwise outside, without points, lines and specks."""
    import shapely
    from shapely.geometry.polygon import orient

    parts = []
    for part in shapely.get_parts(ground):
        if part.geom_type == "Polygon" and part.area > _SPECK_DEG2:
            holes = [hole for hole in part.interiors if shapely.Polygon(hole).area > _SPECK_DEG2]
            parts.append(orient(shapely.Polygon(part.exterior, holes)))
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
