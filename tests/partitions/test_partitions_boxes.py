"""Cells between parallels and meridians: where places lie, outlines, areas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.config import EARTH_RADIUS_KM
from graticule.geo.sphere import great_circle_km, unit_vectors
from graticule.partitions.cells.box_cells import BoxCells
from graticule.partitions.cells.box_search import BoxSearch

WORLD = (-90.0, -180.0, 90.0, 180.0)
ODD_BOXES = np.array(
    [
        WORLD,
        (60, -180, 90, 180),  # a cap around the north pole
        (-90, -180, -70, 180),
        (-30, -180, 30, 180),  # once around the Earth
        (80, 170, 90, 180),  # touches a pole and the antimeridian
        (-90, -10, 90, 10),  # from pole to pole
        (10, -180, 10.001, -179.999),
        (-90, 0, 90, 180),  # half of the Earth
    ]
)


def cut_at_random(seed: int, cuts: int) -> tuple[np.ndarray, list[str]]:
    """Boxes and ways of a world cut so often, at random."""
    rng = np.random.default_rng(seed)
    leaves = [(WORLD, "")]
    for _ in range(cuts):
        (south, west, north, east), way = leaves.pop(int(rng.integers(len(leaves))))
        if rng.random() < 0.5:
            at = float(rng.uniform(south, north))
            leaves += [((south, west, at, east), way + "s"), ((at, west, north, east), way + "n")]
        else:
            at = float(rng.uniform(west, east))
            leaves += [((south, west, north, at), way + "w"), ((south, at, north, east), way + "e")]
    leaves.sort(key=lambda leaf: leaf[1].translate(str.maketrans("swne", "0011")))
    return np.array([box for box, _ in leaves]), [way for _, way in leaves]


def one_by_one(boxes, ways, latitude, longitude) -> int:
    """The box of a place by looking into each."""
    for index, ((south, west, north, east), way) in enumerate(zip(boxes.tolist(), ways, strict=True)):
        below_top = latitude < north or (latitude == north and "s" not in way)
        before_end = longitude < east or (longitude == east and "w" not in way)
        if south <= latitude and west <= longitude and below_top and before_end:
            return index
    return -1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 60), st.floats(0, 1))
def test_search_finds_what_looking_into_each_box_finds(seed: int, cuts: int, kept: float) -> None:
    boxes, ways = cut_at_random(seed, cuts)
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(rng.random(len(boxes)) < kept)
    rows = rows if len(rows) else np.arange(len(boxes))
    boxes, ways = boxes[rows], [ways[row] for row in rows]  # with gaps
    edges = boxes[rng.integers(len(boxes), size=50)]
    places = np.vstack(
        [
            np.column_stack([rng.uniform(-90, 90, 50), rng.uniform(-180, 180, 50)]),
            edges[:, :2],
            edges[:, 2:],
            edges[:, [0, 3]],
        ]
    )
    found = BoxSearch(boxes, ways).find(places[:, 0], places[:, 1])
    assert found.tolist() == [one_by_one(boxes, ways, *place) for place in places.tolist()]


def test_areas_are_exact() -> None:
    areas = BoxCells(ODD_BOXES, [""] * len(ODD_BOXES)).areas_km2()
    earth = 4 * math.pi * EARTH_RADIUS_KM**2
    assert areas[0] == pytest.approx(earth, rel=1e-14)
    assert areas[1] == pytest.approx(earth * (1 - math.sin(math.radians(60))) / 2, rel=1e-12)
    assert areas[7] == pytest.approx(earth / 2, rel=1e-14)
    side = math.radians(0.001) * EARTH_RADIUS_KM
    assert areas[6] == pytest.approx(side * side * math.cos(math.radians(10.0005)), rel=1e-9)


def test_outlines_are_the_boxes_on_the_map() -> None:
    shapes = shapely.from_wkb(BoxCells(ODD_BOXES, [""] * len(ODD_BOXES)).outlines())
    assert shapely.is_valid(shapes).all()
    np.testing.assert_array_equal(shapely.bounds(shapes), ODD_BOXES[:, [1, 0, 3, 2]])
    sides = ODD_BOXES[:, 2:] - ODD_BOXES[:, :2]
    np.testing.assert_allclose(shapely.area(shapes), sides.prod(axis=1))
    assert all(shapely.is_ccw(shapely.get_exterior_ring(shape)) for shape in shapes)


def spherical_area_km2(ring: np.ndarray) -> float:
    """Area left of a ring, by the triangles that its edges make with a place beside it (l'Huilier-like)."""
    vectors = unit_vectors(ring)
    apex = vectors.sum(axis=0) + np.array([1e-3, 2e-3, 3e-3])
    apex /= np.linalg.norm(apex)
    b, c = vectors, np.roll(vectors, -1, axis=0)
    volume = np.cross(b, c) @ apex
    rest = 1 + b @ apex + c @ apex + (b * c).sum(axis=1)
    return float(2 * np.arctan2(volume, rest).sum() * EARTH_RADIUS_KM**2)


def test_parts_add_up_to_the_cell_and_are_less_than_half_the_earth() -> None:
    cells = BoxCells(ODD_BOXES, [""] * len(ODD_BOXES))
    rings, owner = cells.parts()
    areas = np.array([spherical_area_km2(ring) for ring in rings])
    assert (areas > 0).all(), "counter-clockwise"
    assert (areas < 2 * math.pi * EARTH_RADIUS_KM**2 * 0.51).all()
    found = np.bincount(owner, areas, len(ODD_BOXES))
    np.testing.assert_allclose(found, cells.areas_km2(), rtol=2e-4)  # chords of a degree along parallels


def test_rings_bend_with_their_parallels() -> None:
    (ring,) = BoxCells(np.array([[50.0, 0.0, 51.0, 20.0]]), [""]).rings()
    southern = ring[ring[:, 0] == 50.0]
    assert southern[:, 1].tolist() == sorted(southern[:, 1])
    assert np.diff(southern[:, 1]).max() <= 1.0
    middle = (southern[:-1] + southern[1:]) / 2
    chord = unit_vectors(southern[:-1]) + unit_vectors(southern[1:])
    on_geodesic = np.degrees(np.arcsin((chord / np.linalg.norm(chord, axis=1, keepdims=True))[:, 2]))
    apart_km = great_circle_km(middle, np.column_stack([on_geodesic, middle[:, 1]]))
    assert apart_km.max() < 0.13


def test_cap_ring_goes_around_its_pole() -> None:
    rings = BoxCells(ODD_BOXES, [""] * len(ODD_BOXES)).rings()
    assert set(rings[1][:, 0]) == {60.0}
    assert set(rings[2][:, 0]) == {-70.0}
    assert spherical_area_km2(rings[1]) > 0
    assert spherical_area_km2(rings[2]) > 0


def test_the_antimeridian_has_two_names_where_the_boxes_are_of_the_data() -> None:
    cells = BoxCells(np.array([[0.0, 100.0, 10.0, 180.0]]), [""])
    assert cells.encode([[5, 180], [5, -180], [5, 540], [5, -179.9]]).tolist() == [0, 0, 0, -1]


def test_identity_tells_boxes_and_ways_apart() -> None:
    boxes, ways = cut_at_random(1, 5)
    same = BoxCells(boxes, ways).identity()
    assert same == BoxCells(boxes.copy(), list(ways)).identity()
    assert same != BoxCells(np.nextafter(boxes, 100), ways).identity()
    assert same != BoxCells(boxes, [way + "s" for way in ways]).identity()
