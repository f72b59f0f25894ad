"""Outlines of several S2 cells together."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from graticule.errors import CellIdError
from graticule.geo import s2
from graticule.geo.geojson import planar_polygons
from graticule.geo.s2_unions import union_pieces
from graticule.geo.sphere import unit_vectors


def area_km2(ring: np.ndarray) -> float:
    """Area to the left of a ring, by triangles from its mean; s2.area_km2 is the judge."""
    from graticule.config import EARTH_RADIUS_KM

    vectors = unit_vectors(ring)
    after = np.roll(vectors, -1, axis=0)
    apex = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    rest = 1 + vectors @ apex + after @ apex + (vectors * after).sum(axis=1)
    return float(2 * np.arctan2(np.cross(vectors, after) @ apex, rest).sum() * EARTH_RADIUS_KM**2)


def test_one_cell_is_its_own_outline() -> None:
    cell = s2.from_token("35f4")
    (piece,) = union_pieces(cell[None])
    corners = {tuple(corner) for corner in s2.vertices(cell).tolist()}
    assert {tuple(corner) for corner in piece.ring.tolist()} == corners
    assert area_km2(piece.ring) == pytest.approx(float(s2.area_km2(cell)), rel=1e-9)


def test_a_large_cell_with_small_ones_beside_it() -> None:
    large = s2.from_token("35f4")
    beside = s2.edge_neighbours(large)[1]
    small = s2.children(s2.children(beside)).reshape(-1)
    touching = [cell for cell in small if large in s2.parent(s2.edge_neighbours(cell), 5)]
    assert len(touching) == 4
    ids = np.array([large, *touching], dtype=np.uint64)
    (piece,) = union_pieces(ids)
    assert not piece.holes
    assert area_km2(piece.ring) == pytest.approx(s2.area_km2(ids).sum(), rel=1e-9)


def test_holes_and_islands() -> None:
    grandchildren = s2.children(s2.children(s2.from_token("35f4"))).reshape(-1)
    middle = [cell for cell in grandchildren if np.isin(s2.edge_neighbours(cell), grandchildren).all()]
    ring_only = np.setdiff1d(grandchildren, middle)
    (piece,) = union_pieces(ring_only)
    (hole,) = piece.holes
    # a hole runs the other way round, so its area is what lies right of it
    assert area_km2(hole) == pytest.approx(-s2.area_km2(np.array(middle)).sum(), rel=1e-9)
    apart = s2.cell_ids([[10, 10], [20, 20]], 8)
    assert len(union_pieces(apart)) == 2


def test_cells_of_different_faces_fit_without_a_gap() -> None:
    north = s2.from_token("5")
    beside = s2.children(s2.children(s2.from_token("1"))).reshape(-1)
    upper = beside[np.isin(s2.face(s2.edge_neighbours(beside)), [2]).any(axis=1)]
    ids = np.array([north, *upper], dtype=np.uint64)
    pieces = union_pieces(ids)
    assert {len(piece.holes) for piece in pieces} == {0}
    ground = shapely.union_all(planar_polygons([piece.ring for piece in pieces]))
    (part,) = shapely.get_parts(ground)
    gaps = [shapely.Polygon(hole).area for hole in part.interiors]
    assert max(gaps, default=0.0) < 1e-12  # square degrees: rounding, not a gap
    assert sum(area_km2(piece.ring) for piece in pieces) == pytest.approx(s2.area_km2(ids).sum(), rel=1e-9)


def test_squares_of_cells() -> None:
    rng = np.random.default_rng(1)
    places = np.column_stack([rng.uniform(-90, 90, 200), rng.uniform(-180, 180, 200)])
    leaves = s2.cell_ids(places)
    face, i, j, size = s2.squares(leaves)
    assert set(size.tolist()) == {1}
    for level in (0, 3, 17):
        cells = s2.parent(leaves, level)
        other_face, low_i, low_j, width = s2.squares(cells)
        np.testing.assert_array_equal(other_face, face)
        assert set(width.tolist()) == {1 << (30 - level)}
        np.testing.assert_array_equal(low_i, i // width * width)
        np.testing.assert_array_equal(low_j, j // width * width)


def test_what_is_no_cell() -> None:
    with pytest.raises(CellIdError):
        union_pieces(np.array([0], dtype=np.uint64))
