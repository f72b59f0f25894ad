"""Which photos come in which batch, and that nothing but the position decides it."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.training.recipe import SamplingSection
from graticule.training.sampling import EpochOrder, RoundBatches, sampling_weights


def batches_of(count: int, batch_size: int, *, seed: int = 0, phase: int = 0) -> RoundBatches:
    return RoundBatches(EpochOrder(count, seed=seed), batch_size=batch_size, phase=phase)


@pytest.mark.parametrize(("count", "batch_size"), [(10, 4), (9, 4), (8, 4), (3, 4), (1, 4)])
def test_each_photo_comes_once_per_epoch(count: int, batch_size: int) -> None:
    batches = batches_of(count, batch_size)
    found = list(batches)
    assert len(found) == len(batches)
    assert sorted(row for batch in found for row, _ in batch) == list(range(count))
    assert all(len(batch) > 1 for batch in found) or count == 1  # BatchNorm cannot learn from one photo


def test_a_round_is_a_part_of_the_phase_whatever_came_before() -> None:
    whole = batches_of(20, 4)
    whole.stop = whole.longest = 15  # three epochs in one
    every = list(whole)
    assert sorted(row for batch in every[5:10] for row, _ in batch) == list(range(20))
    part = batches_of(20, 4)
    part.start, part.stop, part.longest = 3, 7, 4
    assert list(part) == every[3:7]
    part.start = 5  # what was done of the round before a kill comes as empty batches
    assert list(part) == [[], [], *every[5:7]]
    assert len(part) == 4
    assert list(batches_of(20, 4, phase=1)) != every[:5]
    assert list(batches_of(20, 4, seed=1)) != every[:5]


def test_a_photo_has_its_own_seed_in_each_epoch() -> None:
    order = EpochOrder(50, seed=0)
    (rows, seeds), (others, other_seeds) = order(0, 0), order(0, 1)
    first, second = np.empty(50, dtype=np.int64), np.empty(50, dtype=np.int64)
    first[rows], second[others] = seeds, other_seeds
    assert not (first == second).any()
    weighted = EpochOrder(50, seed=0, weights=np.ones(50))
    drawn, drawn_seeds = weighted(0, 0)
    assert all(seed - first[row] < 50 for row, seed in zip(drawn, drawn_seeds, strict=True))  # same photo
    assert len(set(zip(drawn.tolist(), drawn_seeds.tolist(), strict=True))) == 50  # no view comes twice


def test_balanced_draws_every_cell_as_often() -> None:
    cells = np.repeat([0, 1, 2], [10, 100, 890])
    weights = sampling_weights(SamplingSection(name="balanced"), cells, np.zeros((1000, 2)))
    order = EpochOrder(1000, seed=0, weights=weights)
    counts = sum(np.bincount(cells[order(0, epoch)[0]], minlength=3) for epoch in range(10))
    assert np.abs(counts / 10_000 - 1 / 3).max() < 0.03


def test_density_weighs_by_the_power_of_its_square() -> None:
    latlon = np.array(
        [[10.2, 20.2]] * 16 + [[10.8, 20.9]] * 65 + [[-33.0, 180.0], [-33.0, -180.0], [90.0, 0.0]]
    )
    weights = sampling_weights(SamplingSection(name="density"), np.zeros(84, dtype=np.int64), latlon)
    assert weights is not None
    assert weights[:81] == pytest.approx(81**-0.75)  # one square of a degree
    assert weights[81:83] == pytest.approx(2**-0.75)  # the same meridian by two names
    assert weights[83] == 1
    assert sampling_weights(SamplingSection(), np.zeros(84, dtype=np.int64), latlon) is None
