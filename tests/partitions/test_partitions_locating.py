"""Polygons found for places, against shapely one by one, and the nearest outline against all of them."""

from __future__ import annotations

import time

import numpy as np
import pytest
import shapely

from graticule.errors import CoordinateError
from graticule.geo.geojson import latlon_of_position
from graticule.geo.outlines import country_outlines
from graticule.geo.sphere import great_circle_km
from graticule.partitions.cells.locating import Locator


def literal(polygons, reach_km, place) -> int:
    """The first polygon around a place, else the nearest of dense points on all outlines."""
    for index, polygon in enumerate(polygons):
        if polygon.intersects(shapely.Point(place[1], place[0])):
            return index
    best, found = np.inf, -1
    for index, polygon in enumerate(polygons):
        outline = latlon_of_position(shapely.get_coordinates(shapely.segmentize(polygon.boundary, 0.002)))
        km = great_circle_km(outline, place).min()
        if km < best:
            best, found = km, index
    return found if best <= reach_km[found] else -1


def test_like_the_literal_version_around_islands() -> None:
    rng = np.random.default_rng(0)
    polygons = [shapely.Point(*rng.uniform(-1, 1, 2)).buffer(rng.uniform(0.05, 0.3)) for _ in range(8)]
    reach_km = rng.uniform(5, 60, size=8)
    places = rng.uniform(-1.8, 1.8, size=(150, 2))
    found = Locator(polygons, reach_km).locate(places)
    expected = [literal(polygons, reach_km, place) for place in places]
    assert found.tolist() == expected
    assert -1 in expected
    assert len(set(expected)) > 5


def test_countries_like_shapely_one_by_one() -> None:
    outlines = country_outlines()
    rng = np.random.default_rng(1)
    corners = shapely.get_coordinates(outlines.polygons)[:, ::-1]
    places = corners[rng.integers(len(corners), size=300)] + rng.normal(size=(300, 2)) * 0.3
    places = np.clip(places, [-90, -180], [90, 180])
    found = Locator(outlines.polygons, np.zeros(len(outlines.codes))).locate(places)
    tree = shapely.STRtree(outlines.polygons)
    for place, index in zip(places, found.tolist(), strict=True):
        hits = tree.query(shapely.Point(place[1], place[0]), predicate="intersects")
        assert index == (min(hits) if len(hits) else -1)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ((-16.6, 180.0), "FJ"),
        ((-16.6, -180.0), "FJ"),
        ((-17.8, 178.0), "FJ"),
        ((67.5, 180.0), "RU"),
        ((67.5, -180.0), "RU"),
        ((67.5, 540.0), "RU"),
        ((66.5, -172.0), "RU"),
        ((-90.0, 0.0), "AQ"),
        ((-90.0, 123.0), "AQ"),
        ((90.0, 0.0), None),
        ((-29.3, 27.5), "LS"),
        ((41.0, 12.0), None),
        ((41.75, 12.2), "IT"),
    ],
)
def test_antimeridian_poles_enclaves_and_coasts(place, code) -> None:
    outlines = country_outlines()
    found = int(Locator(outlines.polygons, np.full(len(outlines.codes), 25.0)).locate(place))
    assert (outlines.codes[found] if found >= 0 else None) == code


def test_reach_is_measured_in_km_over_the_antimeridian_and_near_a_pole() -> None:
    polygons = [shapely.box(179, 79, 180, 80)]
    inside_km = Locator(polygons, np.array([30.0])).locate([[79.5, -179], [79.5, -178]])
    assert great_circle_km([79.5, 180], [79.5, -179]) == pytest.approx(20.3, abs=0.1)
    assert inside_km.tolist() == [0, -1]


def test_shape_is_kept_and_bad_places_are_refused() -> None:
    locator = Locator([shapely.box(0, 0, 1, 1)], np.array([0.0]))
    assert locator.locate(np.full((2, 3, 2), 0.5)).shape == (2, 3)
    assert locator.locate(np.empty((0, 2))).shape == (0,)
    with pytest.raises(CoordinateError):
        locator.locate([91.0, 0.0])


def test_a_place_on_a_common_border_or_in_two_polygons_belongs_to_the_first() -> None:
    locator = Locator(
        [shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2), shapely.box(3, 0, 4, 2)], np.zeros(3)
    )
    assert locator.locate([[1, 1.5], [1, 3.0]]).tolist() == [0, 1]


@pytest.mark.slow
def test_a_million_places_in_seconds() -> None:
    outlines = country_outlines()
    locator = Locator(outlines.polygons, np.full(len(outlines.codes), 25.0))
    rng = np.random.default_rng(0)
    corners = shapely.get_coordinates(outlines.polygons)[:, ::-1]
    places = corners[rng.integers(len(corners), size=1_000_000)] + rng.normal(size=(1_000_000, 2))
    places = np.clip(places, [-90, -180], [90, 180])
    locator.locate(places[:10])
    start = time.process_time()
    locator.locate(places)
    assert time.process_time() - start < 30  # 300,000 of them off all outlines: the worst case
