"""Ground divided among seeds, against the distance to every seed from many places."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from graticule.geo.geojson import position
from graticule.geo.outlines import country_outlines
from graticule.geo.sphere import great_circle_km, latlon_of, unit_vectors
from graticule.partitions.cells.shapes import polygon_areas_km2
from graticule.partitions.cells.voronoi import divide


def random_places(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    return latlon_of(vectors)


def check_division(
    ground: shapely.Geometry, seeds: np.ndarray, owners: np.ndarray, probes: np.ndarray
) -> int:
    """Every probe in the ground lies in the share of its nearest seed's owner; how many there were."""
    shares = divide(ground, unit_vectors(seeds), owners)
    assert shapely.is_valid(shares).all()
    km = great_circle_km(probes[:, None], seeds[None])
    order = np.sort(km, axis=1)
    clear = order[:, 1] - order[:, 0] > 0.2 if len(seeds) > 1 else np.ones(len(probes), dtype=bool)
    lonlat = position(probes)
    inside = shapely.contains_xy(ground, lonlat[:, 0], lonlat[:, 1]) & clear
    for probe, owner in zip(lonlat[inside], owners[km[inside].argmin(axis=1)], strict=True):
        assert shapely.intersects_xy(shares[owner], *probe)
        others = [share for index, share in enumerate(shares) if index != owner]
        assert not shapely.contains_xy(others, *probe).any()
    total = polygon_areas_km2(shares).sum()
    assert total == pytest.approx(float(polygon_areas_km2(np.array([ground], dtype=object))[0]), rel=1e-6)
    return int(inside.sum())


@pytest.mark.parametrize("code", ["RU", "FJ", "AQ", "US", "LU", "ZA", "CL"])
@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_countries_are_divided_by_the_nearest_seed(code: str, count: int) -> None:
    outlines = country_outlines()
    ground = outlines.polygons[outlines.codes.index(code)]
    corners = shapely.get_coordinates(ground)[:, ::-1]
    rng = np.random.default_rng(count)
    seeds = np.clip(corners[rng.integers(len(corners), size=count)] + rng.normal(size=(count, 2)), -90, 90)
    seeds[:, 1] = (seeds[:, 1] + 180) % 360 - 180
    probes = corners[rng.integers(len(corners), size=200)] + rng.normal(size=(200, 2)) * 0.5
    probes = np.clip(probes, [-90, -180], [90, 180])
    assert check_division(ground, seeds, np.arange(count), probes) > 10


def test_the_whole_earth_in_boxes() -> None:
    ground = shapely.box(-180, -90, 180, 90)
    assert check_division(ground, random_places(25), np.arange(25), random_places(400, seed=1)) > 300


def test_a_pole_cap_and_seeds_around_it() -> None:
    cap = shapely.box(-180, 60, 180, 90)
    seeds = np.array([[80.0, 0], [80, 120], [80, -120], [65, 180]])
    probes = np.concatenate([random_places(3000, seed=2), [[89.9, 3.0]]])
    assert check_division(cap, seeds, np.arange(4), probes) > 100


def test_owners_with_several_seeds_get_all_their_ground() -> None:
    ground = shapely.box(-10, -10, 10, 10)
    rng = np.random.default_rng(0)
    seeds = rng.uniform(-9, 9, size=(40, 2))
    owners = np.arange(40) % 3
    assert check_division(ground, seeds, owners, rng.uniform(-10, 10, size=(400, 2))) > 300


def test_ground_with_a_hole_keeps_it() -> None:
    ground = shapely.box(0, 0, 10, 10) - shapely.box(4, 4, 6, 6)
    shares = divide(ground, unit_vectors([[5, 2], [5, 8]]), np.array([0, 1]))
    assert not shapely.contains_xy(shares, 5, 5).any()
    assert shapely.union_all(shares).area == pytest.approx(ground.area, rel=1e-9)


def test_a_seed_far_away_gets_nothing() -> None:
    shares = divide(shapely.box(0, 0, 1, 1), unit_vectors([[0.5, 0.5], [60, 100]]), np.array([0, 1]))
    assert shares[1].is_empty
    assert shares[0].area == pytest.approx(1)


def test_borders_are_great_circles_not_straight_lines_of_the_map() -> None:
    # Straight between the ends of this border, the map would be off by hundreds of km.
    ground = shapely.box(0, 30, 90, 80)
    shares = divide(ground, unit_vectors([[40, 0], [70, 90]]), np.array([0, 1]))
    edge = shapely.get_coordinates(shares[0].intersection(shares[1]))
    away = great_circle_km(edge[:, ::-1], [40, 0]) - great_circle_km(edge[:, ::-1], [70, 90])
    assert np.abs(away).max() < 0.3  # chords of 50 km
    assert len(edge) > 20


def test_seeds_a_metre_apart() -> None:
    ground = shapely.box(0, 0, 1, 1)
    shares = divide(ground, unit_vectors([[0.5, 0.5], [0.5, 0.50001]]), np.array([0, 1]))
    assert shares[0].bounds[2] == pytest.approx(0.500005, abs=1e-6)
