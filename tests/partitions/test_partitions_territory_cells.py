"""Cells of territories divided among seeds, against going down the tree place by place."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import shapely

from graticule.geo.outlines import country_outlines
from graticule.geo.sphere import great_circle_km, unit_vectors
from graticule.partitions.cells.seeds import seeds_wkb
from graticule.partitions.cells.shapes import largest_ring, polygon_areas_km2, solid_rings
from graticule.partitions.cells.territory_cells import TerritoryCells


def tree_of(rows: list[tuple[int | None, object]], reach_km: float = 10.0) -> pl.DataFrame:
    """Nodes from (parent, polygon) for roots and (parent, seeds in degrees) for others."""
    return pl.DataFrame(
        {
            "parent": pl.Series([parent for parent, _ in rows], dtype=pl.Int64),
            "definition": [
                shapely.to_wkb(what) if parent is None else seeds_wkb(unit_vectors(what))
                for parent, what in rows
            ],
            "reach_km": pl.Series(
                [reach_km if parent is None else None for parent, _ in rows], dtype=pl.Float64
            ),
        }
    )


def literal(rows, place) -> int:
    """The leaf node around a place that lies in a root."""
    node = next(
        index
        for index, (parent, what) in enumerate(rows)
        if parent is None and what.intersects(shapely.Point(place[1], place[0]))
    )
    while True:
        children = [index for index, (parent, _) in enumerate(rows) if parent == node]
        if not children:
            return node
        km = [min(great_circle_km(seed, place) for seed in rows[child][1]) for child in children]
        node = children[int(np.argmin(km))]


ROWS = [
    (None, shapely.box(0, 0, 10, 10)),
    (None, shapely.box(10, 0, 20, 10)),
    (0, [[2, 2], [8, 2]]),
    (0, [[5, 8]]),
    (3, [[3, 8]]),
    (3, [[7, 8], [7, 5]]),
    (1, [[5, 12]]),
    (1, [[5, 18]]),
]
LEAVES = np.array([2, 4, 5, 6, 7])


def test_places_go_down_the_tree() -> None:
    cells = TerritoryCells(tree_of(ROWS)).at(LEAVES)
    places = np.random.default_rng(0).uniform([0.1, 0.1], [9.9, 19.9], size=(300, 2))
    found = cells.encode(places)
    assert LEAVES[found].tolist() == [literal(ROWS, place) for place in places]
    assert set(found.tolist()) == {0, 1, 2, 3, 4}


def test_drawn_cells_are_those_that_encode_finds() -> None:
    cells = TerritoryCells(tree_of(ROWS)).at(LEAVES)
    shapes = cells.geometries()
    places = np.random.default_rng(1).uniform([0.1, 0.1], [9.9, 19.9], size=(500, 2))
    inside = np.array([shapely.contains_xy(shape, places[:, 1], places[:, 0]) for shape in shapes])
    assert (inside.sum(axis=0) <= 1).all()
    drawn = np.where(inside.any(axis=0), inside.argmax(axis=0), -1)
    assert (drawn == cells.encode(places)).mean() > 0.99
    assert shapely.area(shapes).sum() == pytest.approx(200, rel=1e-9)


def test_reach_takes_places_off_the_outline_into_the_right_child() -> None:
    cells = TerritoryCells(tree_of(ROWS, reach_km=30.0)).at(LEAVES)
    assert LEAVES[cells.encode([[5, 20.2], [-0.2, 12.0]])].tolist() == [7, 6]
    assert cells.encode([[5.0, 20.3], [60, 60]]).tolist() == [-1, -1]


def test_ground_off_the_outline_is_drawn_as_a_dot() -> None:
    rows = [(None, shapely.box(0, 0, 1, 1)), (0, [[0.5, 0.5]]), (0, [[0.5, 2.6]])]
    cells = TerritoryCells(tree_of(rows, reach_km=200.0)).at(np.array([1, 2]))
    assert cells.encode([[0.5, 2.5], [0.5, 0.9]]).tolist() == [1, 0]
    dot = cells.geometries()[1]
    assert dot.contains(shapely.Point(2.6, 0.5))
    assert 2 < cells.areas_km2()[1] < np.pi


def test_encode_keeps_shape_and_takes_nothing() -> None:
    cells = TerritoryCells(tree_of(ROWS)).at(LEAVES)
    assert cells.encode(np.full((2, 2, 2), 5.0)).shape == (2, 2)
    assert cells.encode(np.empty((0, 2))).shape == (0,)


def test_identity_tells_outlines_seeds_and_reaches_apart() -> None:
    other = list(ROWS)
    other[6] = (1, [[5, 12.0001]])
    bigger = [(None, shapely.box(0, 0, 10, 10.0001)), *ROWS[1:]]
    kinds = [tree_of(ROWS), tree_of(ROWS, reach_km=11.0), tree_of(other), tree_of(bigger)]
    assert len({TerritoryCells(tree).identity() for tree in kinds}) == 4
    assert TerritoryCells(tree_of(ROWS)).identity() == TerritoryCells(tree_of(list(ROWS))).identity()


@pytest.mark.parametrize("code", ["ZA", "RU", "AQ", "IT"])
def test_rings_to_draw_have_no_holes_and_cover_the_country(code: str) -> None:
    outlines = country_outlines()
    shape = outlines.polygons[outlines.codes.index(code)]
    rings = solid_rings(shape)
    pieces = np.array([shapely.Polygon(ring[:, ::-1]) for ring in rings], dtype=object)
    assert all(shapely.is_ccw(shapely.linearrings(ring[:, ::-1])) for ring in rings)
    assert shapely.area(pieces).sum() == pytest.approx(shape.area, rel=1e-9)
    assert (np.array([piece.bounds[2] - piece.bounds[0] for piece in pieces]) <= 120).all()
    assert len(largest_ring(shape)) == max(
        (len(ring) for ring in rings if shapely.Polygon(ring[:, ::-1]).area == shapely.area(pieces).max()),
        default=0,
    )


def test_areas_like_s2_cells_and_with_holes() -> None:
    box = shapely.box(10, 20, 40, 50)
    radians = np.radians([20, 50])
    expected = 6371.0088**2 * np.radians(30) * np.diff(np.sin(radians))[0]
    hole = shapely.box(20, 30, 25, 35)
    areas = polygon_areas_km2(np.array([box, hole, box - hole], dtype=object))
    assert areas[0] == pytest.approx(expected, rel=1e-12)
    assert areas[2] == pytest.approx(areas[0] - areas[1], rel=1e-12)
    slanted = shapely.Polygon([(0, 0), (30, 40), (60, 0)])
    fine = shapely.segmentize(slanted, 0.01)
    thin = polygon_areas_km2(np.array([slanted, fine], dtype=object))
    assert thin[0] == pytest.approx(thin[1], rel=1e-12)
