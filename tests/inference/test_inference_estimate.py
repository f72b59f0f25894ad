"""From probabilities to an answer: each step against a slow, literal reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from graticule.inference.estimate import best_groups, chosen_cells, distances_km, region, temper

SHARES = arrays(np.float64, (4, 6), elements=st.floats(0.001, 1.0)).map(lambda a: a / a.sum(1, keepdims=True))


@given(SHARES, st.floats(0.2, 5.0))
def test_temper_is_softmax_of_scaled_logs(shares: np.ndarray, temperature: float) -> None:
    got = temper(shares, temperature)
    for row, expected_of in zip(got, shares, strict=True):
        powers = [share ** (1 / temperature) for share in expected_of]
        assert row.tolist() == pytest.approx([power / sum(powers) for power in powers])


def test_temper_survives_zeros() -> None:
    got = temper([[0.0, 1.0, 0.0]], 3.0)
    assert np.isfinite(got).all()
    assert got[0].sum() == pytest.approx(1.0)
    assert got[0, 1] > 0.999


def test_expected_distance_is_the_least_weighted_mean() -> None:
    rng = np.random.default_rng(0)
    centres = np.column_stack([rng.uniform(-89, 89, 12), rng.uniform(-180, 180, 12)])
    shares = rng.dirichlet(np.ones(12), 20)
    between_km = distances_km(centres)
    got = chosen_cells(shares, "expected-distance", between_km)
    for row, cell in enumerate(got):
        costs = [sum(shares[row, j] * between_km[i, j] for j in range(12)) for i in range(12)]
        assert cell == min(range(12), key=costs.__getitem__)


def test_distances_of_poles_and_antimeridian() -> None:
    between_km = distances_km([[90, 0], [-90, 77], [0, 180], [0, -180]])
    half = math.pi * 6371.0088
    assert between_km[0, 1] == pytest.approx(half)
    assert between_km[2, 3] == pytest.approx(0, abs=1e-6)
    assert between_km[0, 2] == pytest.approx(half / 2)


@given(SHARES, st.floats(0.0, 1.2))
def test_region_is_the_smallest_set_of_best_cells(shares: np.ndarray, mass: float) -> None:
    for row, cells in zip(shares, region(shares, mass), strict=True):
        assert 1 <= len(cells) <= len(row)
        assert len(set(cells.tolist())) == len(cells)
        assert len(cells) == len(row) or row[cells].sum() >= mass - 1e-9
        if len(cells) > 1:
            assert row[cells[:-1]].sum() < mass
        outside = np.setdiff1d(np.arange(len(row)), cells)
        assert not outside.size or row[cells].min() >= row[outside].max()


def test_best_groups_sums_within_a_group() -> None:
    shares = np.array([[0.4, 0.3, 0.25, 0.05], [0.1, 0.1, 0.1, 0.7]])
    groups, sums = best_groups(shares, np.array([0, 1, 1, -1]), 2)
    assert groups.tolist() == [1, 1]
    assert sums.tolist() == pytest.approx([0.55, 0.2])
    none, zero = best_groups(shares, np.full(4, -1), 0)
    assert none.tolist() == [-1, -1]
    assert zero.tolist() == [0, 0]
