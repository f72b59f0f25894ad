"""Outlines of several S2 cells together: as many rings as the pieces have, edges inside left out."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.geo import s2
from graticule.geo._cube import SIDE, uv_of, xyz_of
from graticule.geo.sphere import latlon_of, unit_vectors

Array = NDArray[np.float64]

_SAME: Final = 1e-13
"""Sine of an angle that is none, about a micrometre on Earth."""


class Piece(NamedTuple):
    """A connected part of a union on one face of the cube.

    Convention:
        - ``ring`` (n, 2) and the rings of ``holes`` are (latitude, longitude) in **degrees**, not closed;
          their edges are geodesics. ``ring`` runs counter-clockwise, holes clockwise
    """

    ring: Array
    holes: list[Array]


def union_pieces(ids: ArrayLike) -> list[Piece]:
    """The outline of disjoint cells of any levels, taken together.

    Cells of one face are united exactly, in whole numbers of leaf cells, so nothing is left between a large
    cell and small ones beside it. Cells of different faces stay pieces of their own.

    Convention:
        - ``ids`` are S2 cell ids, ``uint64`` of shape ``(N,)``

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Example:
        >>> family = s2.children(s2.from_token("35f4"))
        >>> [piece.ring.shape for piece in union_pieces(family)]
        [(4, 2)]
    """
    import shapely

    cells = np.asarray(ids, dtype=np.uint64).reshape(-1)
    face = s2.face(cells)
    corners = _corners(cells)
    pieces = []
    for number in np.unique(face):
        mine = corners[face == number]
        squares = shapely.box(mine[:, 0], mine[:, 1], mine[:, 2], mine[:, 3])
        union = shapely.simplify(shapely.union_all(squares), 0)
        for part in shapely.get_parts(union):
            ring, *holes = (_latlon(int(number), each) for each in shapely.get_rings(part))
            pieces.append(Piece(ring, [hole[::-1] for hole in holes]))
    return _with_shared_corners(pieces) if len(np.unique(face)) > 1 else pieces


def _with_shared_corners(pieces: list[Piece]) -> list[Piece]:
    """The pieces with each other's corners on their edges, so that nothing is left between two faces."""
    corners = np.unique(np.concatenate([piece.ring for piece in pieces]), axis=0)
    return [piece._replace(ring=_with_corners(piece.ring, corners)) for piece in pieces]


def _with_corners(ring: Array, corners: Array) -> Array:
    """A ring with those of ``corners`` (M, 2) as vertices that lie on its edges."""
    vectors, candidates = unit_vectors(ring), unit_vectors(corners)
    found = []
    for at, (start, end) in enumerate(zip(vectors, np.roll(vectors, -1, axis=0), strict=True)):
        normal = np.cross(start, end)
        onwards = np.cross(normal, start)
        along, length = candidates @ onwards, float(end @ onwards)
        between = (along > _SAME) & (along < length - _SAME) & (candidates @ (start + end) > 0)
        between &= np.abs(candidates @ normal) < _SAME
        inside = np.flatnonzero(between)
        found += [ring[at : at + 1], corners[inside[np.argsort(along[inside])]]]
    return np.concatenate(found)


def _corners(cells: NDArray[np.uint64]) -> Array:
    """Lowest and highest (i, j) of each cell: (N, 4)."""
    _, i, j, size = s2.squares(cells)
    return np.column_stack([i, j, i + size, j + size]).astype(np.float64)


def _latlon(face: int, ring: object) -> Array:
    """The vertices of a ring in (i, j), counter-clockwise."""
    import shapely

    oriented = ring if shapely.is_ccw(ring) else shapely.reverse(ring)
    ij = shapely.get_coordinates(oriented)[:-1].T / SIDE
    return latlon_of(xyz_of(np.full(ij.shape[1], face), *uv_of(ij)))
