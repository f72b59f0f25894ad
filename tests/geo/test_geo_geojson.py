"""From rings on the sphere to GeoJSON and WKB: poles, the antimeridian, geodesic edges."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
import shapely.geometry

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import CoordinateError
from graticule.geo import s2
from graticule.geo.geojson import (
    densify,
    feature,
    feature_collection,
    latlon_of_position,
    planar_polygons,
    point_geometry,
    polygon_geometry,
    position,
    ring,
    wkb_polygon,
    wkb_polygons,
)
from graticule.geo.sphere import great_circle_km, latlon_of, unit_vectors

CORNER_DEG = np.degrees(np.arctan(np.sqrt(0.5)))  # latitude of the corners where three S2 faces meet
HARD_PLACES = [
    (90, 0),
    (-90, 0),
    (89.9999, 30),
    (-89, 179.99),
    (CORNER_DEG, 45),
    (CORNER_DEG, -135),
    (-CORNER_DEG, 135),
    (0, 180),
    (10, -180),
    (-60, 180),
    (67, 179.9999),
    (0, 45),
    (0, 0),
    (48.2, 16.4),
]


def spherical_area_km2(polygon: shapely.Geometry) -> float:
    """Area on the sphere under a polygon of the map with straight edges: the integral of sin(latitude)."""
    total = 0.0
    for part in shapely.get_parts(polygon):
        for line in (part.exterior, *part.interiors):
            x_rad, y_rad = np.radians(np.asarray(line.coords)).T
            rise = np.diff(y_rad)
            flat = np.abs(rise) < 1e-7
            mean_sine = np.where(
                flat,
                np.sin((y_rad[1:] + y_rad[:-1]) / 2),
                (np.cos(y_rad[:-1]) - np.cos(y_rad[1:])) / np.where(flat, 1, rise),
            )
            total -= float(np.sum(np.diff(x_rad) * mean_sine))
    return total * EARTH_RADIUS_KM**2


def cells_around(places: list[tuple[float, float]], level: int) -> np.ndarray:
    """The cells at and directly beside the places, so that all cells that touch a corner are there."""
    near = [
        (max(-90, min(90, a + d)), b + e) for a, b in places for d in (-1e-7, 1e-7) for e in (-1e-7, 1e-7)
    ]
    return np.unique(s2.cell_ids(near, level))


def world(polygon: shapely.Geometry) -> bool:
    west, south, east, north = polygon.bounds
    return west >= -180 and east <= 180 and south >= -90 and north <= 90


@pytest.mark.parametrize("level", range(11))
def test_cells_in_hard_places_become_valid_polygons_of_the_right_area(level: int) -> None:
    cells = cells_around(HARD_PLACES, level)
    polygons = planar_polygons(s2.vertices(cells))
    assert shapely.is_valid(polygons).all()
    assert all(world(polygon) for polygon in polygons)
    areas_km2 = np.array([spherical_area_km2(polygon) for polygon in polygons])
    # 1.5 %: near a pole a chord of the map differs most from the geodesic.
    np.testing.assert_allclose(areas_km2, s2.area_km2(cells), rtol=0.015)
    centres = position(s2.centre(cells))
    assert shapely.intersects_xy(polygons, centres[:, 0], centres[:, 1]).all()


@pytest.mark.parametrize("level", [0, 1, 2, 3, 5, 8])
def test_polygons_hold_the_same_places_as_the_cells(level: int) -> None:
    """The slow, literal test: a place is in a cell when it is left of all four great circles."""
    rng = np.random.default_rng(level)
    for cell in cells_around(HARD_PLACES, level):
        corners = unit_vectors(s2.vertices(cell))
        size = np.linalg.norm(corners[0] - corners[2])
        vectors = corners.mean(axis=0) + rng.uniform(-size, size, (400, 3))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        normals = np.cross(corners, np.roll(corners, -1, axis=0))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        depth = (vectors @ normals.T).min(axis=1)  # how far inside, in radians
        clear = np.abs(depth) > 0.01 * size  # densified edges may be a little off
        lonlat = position(latlon_of(vectors))
        inside = shapely.intersects_xy(planar_polygons([s2.vertices(cell)])[0], lonlat[:, 0], lonlat[:, 1])
        np.testing.assert_array_equal(inside[clear], (depth > 0)[clear], err_msg=s2.token(cell))


@pytest.mark.parametrize("level", [12, 20, 30])
def test_small_cells_keep_their_shape(level: int) -> None:
    cells = cells_around(HARD_PLACES[4:], level)
    polygons = planar_polygons(s2.vertices(cells))
    assert shapely.is_valid(polygons).all()
    latitudes = s2.centre(cells)[:, 0]
    flat_km2 = shapely.area(polygons) * np.cos(np.radians(latitudes)) * (np.pi * EARTH_RADIUS_KM / 180) ** 2
    # At level 30 a cell is 8 mm, a few hundred thousand steps of float64 in degrees.
    np.testing.assert_allclose(flat_km2, s2.area_km2(cells), rtol=0.01)


@pytest.mark.parametrize(("face", "pole"), [(2, 90.0), (5, -90.0)])
def test_a_face_around_a_pole_reaches_the_edges_of_the_map(face: int, pole: float) -> None:
    cell = s2.cell_ids([pole, 0], 0)
    assert s2.face(cell) == face
    polygon = planar_polygons([s2.vertices(cell)])[0]
    assert polygon.geom_type == "Polygon"
    assert pole in polygon.bounds
    assert polygon.bounds[0] == -180
    assert polygon.bounds[2] == 180
    assert polygon.contains(shapely.Point(0, pole * 0.999))
    assert not polygon.contains(shapely.Point(0, 0))


def test_the_face_behind_the_antimeridian_is_cut_in_two() -> None:
    polygon = planar_polygons([s2.vertices(s2.cell_ids([0, 180], 0))])[0]
    assert polygon.geom_type == "MultiPolygon"
    assert sorted(part.bounds[::2] for part in polygon.geoms) == [(-180, -135), (135, 180)]


def test_a_cell_that_only_touches_the_antimeridian_is_not_cut() -> None:
    for longitude in (179.9, -179.9):
        polygon = planar_polygons([s2.vertices(s2.cell_ids([10, longitude], 5))])[0]
        assert polygon.geom_type == "Polygon"
        assert np.sign(longitude) * 180 in polygon.bounds


def test_direction_and_closing_corner_do_not_matter() -> None:
    corners = np.array([[10, 170], [10, -170], [30, -175]])
    plain = planar_polygons([corners])[0]
    for other in (corners[::-1], np.vstack([corners, corners[:1]]), corners + np.array([0, 360])):
        assert plain.symmetric_difference(planar_polygons([other])[0]).area < 1e-9
    assert all(part.exterior.is_ccw for part in plain.geoms)


@pytest.mark.parametrize("latitude", [60, -60])
def test_a_ring_around_the_axis_encloses_the_pole_on_its_smaller_side(latitude: float) -> None:
    cap = shapely.box(-180, 60, 180, 90) if latitude > 0 else shapely.box(-180, -90, 180, -60)
    circle = np.array([[latitude, longitude] for longitude in range(-170, 190, 10)])
    for corners in (circle, circle[::-1], np.roll(circle, 7, axis=0)):
        polygon = planar_polygons([corners], max_km=None)[0]
        assert polygon.equals(cap)


def test_an_edge_over_the_pole_is_led_along_the_edge_of_the_map() -> None:
    # From Greenland over the pole to Siberia and back by way of Norway: the hemisphere of the east.
    polygon = planar_polygons([[[80, -40], [80, 140], [60, 50]]])[0]
    assert polygon.is_valid
    assert polygon.bounds[3] == 90
    assert polygon.contains(shapely.Point(50, 89))
    assert polygon.contains(shapely.Point(50, 70))
    assert not polygon.contains(shapely.Point(-130, 89))


def test_a_lune_from_pole_to_pole() -> None:
    polygon = planar_polygons([[[90, 0], [0, 10], [-90, 0], [0, 40]]])[0]
    assert polygon.symmetric_difference(shapely.box(10, -90, 40, 90)).area < 1e-9


def test_densify_keeps_the_corners_and_adds_places_of_the_great_circle() -> None:
    corners = np.array([[60.0, 170.0], [60.0, -100.0], [20.0, -150.0]])
    dense = densify(corners, 300)
    places = [tuple(place) for place in dense]
    assert [places.index(tuple(corner)) for corner in corners] == sorted(
        places.index(tuple(corner)) for corner in corners
    )
    after = np.roll(dense, -1, axis=0)
    assert great_circle_km(dense, after).max() <= 300
    assert np.abs((after[:, 1] - dense[:, 1] + 180) % 360 - 180).max() <= 5
    first = unit_vectors(dense[: places.index((60.0, -100.0)) + 1])
    normal = np.cross(first[0], first[-1])
    np.testing.assert_allclose(first @ normal / np.linalg.norm(normal), 0, atol=1e-14)
    assert dense[:, 0].max() > 65  # a great circle bulges towards the pole


def test_densify_leaves_short_edges_alone() -> None:
    corners = [[50.0, 7.0], [50.0, 8.0], [51.0, 7.5]]
    np.testing.assert_array_equal(densify(corners), corners)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ([[0, 0], [0, 180], [50, 90]], "opposite each other"),
        ([[0, 0], [0, 1]], "at least three different corners, but 2"),
        ([[0, 0], [0, 0], [0, 0]], "at least three different corners"),
        ([0, 0], "at least three different corners"),
        ([[0, 0], [0, 1], [91, 0]], "latitude"),
    ],
)
def test_bad_rings_are_refused_with_advice(corners: object, message: str) -> None:
    with pytest.raises(CoordinateError, match=message):
        densify(corners)
    with pytest.raises(CoordinateError, match=message):
        wkb_polygon(corners)


def test_position_is_longitude_first_and_turns_back() -> None:
    latlon = np.array([[39.9, 116.4], [-33.9, 151.2]])
    np.testing.assert_array_equal(position(latlon), [[116.4, 39.9], [151.2, -33.9]])
    np.testing.assert_array_equal(latlon_of_position(position(latlon)), latlon)
    with pytest.raises(CoordinateError):
        position([116.4, 39.9])
    with pytest.raises(CoordinateError):
        latlon_of_position([39.9, 116.4])


def test_a_ring_is_closed_once() -> None:
    corners = [[0, 0], [0, 1], [1, 1]]
    expected = [[0, 0], [1, 0], [1, 1], [0, 0]]
    assert ring(corners) == expected
    assert ring([*corners, corners[0]]) == expected


def test_geometries_are_what_other_readers_read() -> None:
    cell = s2.vertices(s2.cell_ids([0, 180], 3))
    document = feature_collection(
        [
            feature(polygon_geometry(cell), {"cell": 1}),
            feature(point_geometry([39.9, 116.4])),
            feature(None, {"error": "no photo"}),
        ]
    )
    read = json.loads(json.dumps(document))
    assert read == document
    polygon, point, nothing = read["features"]
    # Rounded to 9 decimals, half of which is the most a corner may be off.
    shape = shapely.geometry.shape(polygon["geometry"])
    assert shapely.hausdorff_distance(shape, shapely.from_wkb(wkb_polygon(cell))) < 1e-9
    assert shapely.geometry.shape(point["geometry"]).coords[0] == (116.4, 39.9)
    assert nothing == {"type": "Feature", "geometry": None, "properties": {"error": "no photo"}}


def test_many_rings_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    cells = s2.cell_ids(latlon_of(rng.normal(size=(300, 3))))
    rings = list(s2.vertices(s2.parent(cells, rng.integers(0, 13, 300))))
    rings[7] = np.array([[10, 170], [10, -170], [30, -175]])
    assert wkb_polygons(rings) == [wkb_polygon(each) for each in rings]
    assert wkb_polygons([]) == []
    assert len(planar_polygons(np.empty((0, 4, 2)))) == 0


def test_a_ring_that_crosses_itself_becomes_a_valid_polygon() -> None:
    polygon = planar_polygons([[[0, 0], [1, 1], [0, 1], [1, 0]]])[0]
    assert polygon.is_valid
    assert polygon.geom_type == "MultiPolygon"
