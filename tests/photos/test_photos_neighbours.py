"""Neighbours on the sphere, against a look at every pair."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.geo.sphere import destination, great_circle_km
from graticule.photos.neighbours import Lattice, nearest_elsewhere


def places(seed: int, count: int = 400) -> np.ndarray:
    """Places around the antimeridian, a pole and a town, so that many are near each other."""
    chance = np.random.default_rng(seed)
    middles = np.array([[0.0, 180.0], [90.0, 0.0], [-89.9, 50.0], [48.85, 2.35]])
    at = middles[chance.integers(0, len(middles), count)]
    return destination(at, chance.uniform(0, 360, count), 30 * chance.random(count) ** 2)


@pytest.mark.parametrize("within_km", [0.001, 0.5, 7.0, 25_000.0])
def test_nearest_of_another_part_like_every_pair(within_km: float) -> None:
    latlon, part = places(1), np.random.default_rng(2).integers(0, 3, 400)
    km = great_circle_km(latlon[:, None], latlon[None])
    km[part[:, None] == part[None]] = np.inf
    distance_km, index = nearest_elsewhere(latlon, part, within_km=within_km)
    expected = np.where(km.min(axis=1) <= within_km, km.min(axis=1), np.inf)
    np.testing.assert_allclose(distance_km, expected, rtol=1e-6, atol=1e-6)
    found = np.isfinite(expected)
    assert (part[index[found]] != part[found]).all()
    np.testing.assert_allclose(km[found, index[found]], expected[found], rtol=1e-6, atol=1e-6)
    assert (index[~found] == -1).all()


def test_many_photos_of_one_place_and_one_part_only() -> None:
    latlon = np.repeat([[10.0, 20.0], [10.0, 20.001]], 5_000, axis=0)
    part = np.repeat([0, 1], 5_000)
    distance_km, _ = nearest_elsewhere(latlon, part, within_km=1)
    np.testing.assert_allclose(distance_km, 0.1095, atol=1e-3)
    assert np.isinf(nearest_elsewhere(latlon, np.zeros(10_000, dtype=int), within_km=1)[0]).all()


def test_exactly_as_far_as_asked_counts_as_near() -> None:
    latlon = np.array([[0.0, 0.0], [0.0, 1.0]])
    km = float(great_circle_km(latlon[0], latlon[1]))
    assert np.isfinite(nearest_elsewhere(latlon, np.array([0, 1]), within_km=km)[0]).all()
    assert np.isinf(nearest_elsewhere(latlon, np.array([0, 1]), within_km=km * 0.999)[0]).all()


@pytest.mark.parametrize("side_km", [0.001, 0.3, 5.0, 900.0])
def test_near_places_lie_in_touching_cubes(side_km: float) -> None:
    latlon = places(3)
    lattice = Lattice.of(latlon, side_km)
    touch = np.eye(lattice.count, dtype=bool)
    touch[lattice.touching[:, 0], lattice.touching[:, 1]] = True
    touch |= touch.T
    together = touch[lattice.cube[:, None], lattice.cube[None]]
    km = great_circle_km(latlon[:, None], latlon[None])
    assert together[km <= side_km].all()
    reach_km = max(side_km, 0.0122)  # the finest lattice
    assert (km[together] <= 3.5 * reach_km).all()


def test_counts_around_like_every_pair_of_cubes() -> None:
    latlon, part = places(4), np.random.default_rng(5).integers(0, 3, 400)
    lattice = Lattice.of(latlon, 2.0)
    touch = np.eye(lattice.count, dtype=bool)
    touch[lattice.touching[:, 0], lattice.touching[:, 1]] = True
    together = (touch | touch.T)[lattice.cube[:, None], lattice.cube[None]]
    expected = np.stack([(together & (part == one)).sum(axis=1) for one in range(3)], axis=1)
    np.testing.assert_array_equal(lattice.counts_around(part, 3), expected)


def test_no_places() -> None:
    lattice = Lattice.of(np.empty((0, 2)), 1.0)
    assert lattice.count == 0
    assert lattice.touching.shape == (0, 2)
    assert nearest_elsewhere(np.empty((0, 2)), np.empty(0, dtype=int), within_km=1)[0].shape == (0,)
