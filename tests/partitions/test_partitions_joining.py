"""Small units joined, and neighbours on the sphere."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.geo.sphere import latlon_of, unit_vectors
from graticule.partitions.outlines.joining import Units, neighbours_on_sphere

LINE = unit_vectors([[0, x] for x in range(6)])
CHAIN = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]])


def test_every_unit_gets_enough_photos_and_touches_its_partner() -> None:
    photos = np.array([5, 1, 9, 2, 2, 30])
    unit = Units(photos, LINE, CHAIN).join(least=8)
    assert (np.bincount(unit, photos, 6)[np.unique(unit)] >= 8).all()
    for each in np.unique(unit):  # a chain: units are stretches of it
        members = np.flatnonzero(unit == each)
        assert (np.diff(members) == 1).all()


def test_the_smallest_joins_the_smallest_that_touches() -> None:
    unit = Units(np.array([10, 1, 7, 9, 9, 9]), LINE, CHAIN).join(least=2)
    assert unit[1] == unit[2] == 2
    assert len(np.unique(unit)) == 5


def test_an_island_joins_the_nearest() -> None:
    unit = Units(np.array([9, 9, 9, 9, 1, 9]), LINE, CHAIN[:3]).join(least=5)
    assert unit[4] in (3, 5)
    assert len(np.unique(unit)) == 5


def test_most_units() -> None:
    photos = np.array([5, 1, 9, 2, 2, 30])
    for most in range(1, 7):
        assert len(np.unique(Units(photos, LINE, CHAIN).join(least=0, most=most))) == most


def test_labels_are_never_crossed() -> None:
    label = np.array(["a", "a", "b", "b", None, "c"], dtype=object)
    unit = Units(np.ones(6, dtype=np.int64), LINE, CHAIN, within=label).join(least=100)
    assert (label[unit] == label).all()
    assert len(np.unique(unit)) == 4


def test_the_same_state_comes_first_and_then_the_nearest() -> None:
    state = np.array(["x", "y", "y", "y", "y", "x"], dtype=object)
    unit = Units(np.array([9, 1, 9, 9, 9, 9]), LINE, CHAIN, closer=state).join(least=5)
    assert unit[1] == 2


def test_random_units_all_reach_the_least() -> None:
    rng = np.random.default_rng(3)
    vectors = unit_vectors(np.stack([rng.uniform(-40, 40, 200), rng.uniform(-60, 60, 200)], axis=1))
    photos = rng.integers(0, 20, size=200)
    unit = Units(photos, vectors, neighbours_on_sphere(vectors)).join(least=30)
    assert np.bincount(unit, photos, 200)[np.unique(unit)].min() >= 30
    assert np.bincount(unit, photos, 200).sum() == photos.sum()


def test_nothing_to_join() -> None:
    assert Units(np.array([0]), LINE[:1], np.empty((0, 2), dtype=int)).join(least=5).tolist() == [0]


@pytest.mark.parametrize("count", [4, 5, 30, 200])
def test_neighbours_are_those_whose_regions_meet(count: int) -> None:
    vectors = unit_vectors(latlon_of(np.random.default_rng(count).normal(size=(count, 3))))
    found = {tuple(pair) for pair in neighbours_on_sphere(vectors).tolist()}
    probes = np.random.default_rng(0).normal(size=(20_000, 3))
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    two = np.argsort(-(probes @ vectors.T), axis=1)[:, :2]  # the two nearest always share a border
    assert {tuple(sorted(pair)) for pair in two.tolist()} <= found
    assert len(found) <= 3 * count - 6


@pytest.mark.parametrize("places", [[[0, 0]], [[0, 0], [1, 1]], [[0, x] for x in range(7)]])
def test_few_or_on_one_circle_all_touch(places) -> None:
    count = len(places)
    assert len(neighbours_on_sphere(unit_vectors(places))) == count * (count - 1) // 2
