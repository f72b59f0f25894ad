"""Intervals of shares with few hits: against the binomial distribution itself, and by how often they hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graticule.evaluation.intervals import Ratio, resample
from graticule.evaluation.paired.significance import sign_flip_test, sign_flip_tests
from graticule.evaluation.shares import Share, mcnemar_p


def binomial_tail(hits: int, count: int, share: float) -> float:
    """The probability of at least so many hits, term by term."""
    return sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(hits, count + 1))


@pytest.mark.parametrize(("hits", "count"), [(0, 12), (1, 12), (3, 40), (39, 40), (12, 12)])
def test_the_ends_are_where_the_binomial_tails_are_small(hits: int, count: int) -> None:
    low, high = Share.of(np.arange(count) < hits).interval()
    if hits:
        assert binomial_tail(hits, count, low) == pytest.approx(0.025)
    else:
        assert low == 0.0
    if hits < count:
        assert 1 - binomial_tail(hits + 1, count, high) == pytest.approx(0.025)
    else:
        assert high == 1.0


def test_a_wider_level_is_wider() -> None:
    share = Share.of(np.arange(50) < 2)
    narrow, wide = share.interval(0.8), share.interval(0.99)
    assert wide[0] < narrow[0] < share.value < narrow[1] < wide[1]


def test_photos_that_do_not_count_change_nothing() -> None:
    hits = np.arange(30) < 3
    counted = np.arange(30) < 20
    assert Share.of(hits, counted).interval() == Share.of(hits[:20]).interval()
    assert Share.of(hits, np.zeros(30, dtype=bool)) is None


def test_groups_of_one_are_photos() -> None:
    hits = np.arange(25) < 4
    alone = Share.of(hits, groups=np.arange(25))
    assert 24 < alone.effective < 25  # the spread between groups is estimated with one degree less
    assert alone.interval() == pytest.approx(Share.of(hits).interval(), abs=0.01)


def test_without_a_hit_the_photos_of_a_group_count_as_one() -> None:
    hits, groups = np.zeros(100, dtype=bool), np.repeat(np.arange(10), 10)
    grouped, single = Share.of(hits, groups=groups), Share.of(hits)
    assert grouped.units == 10
    assert grouped.interval()[1] > 3 * single.interval()[1]
    assert Share.of(hits, groups=np.zeros(100, dtype=np.int64)).effective == 1.0


@pytest.mark.parametrize("share", [0.01, 0.05])
def test_intervals_of_few_hits_hold_more_often_than_resampling(share: float) -> None:
    random = np.random.default_rng(5)
    groups, held, held_resampling = np.repeat(np.arange(60), 5), 0, 0
    for _ in range(300):
        # two in three photos of a group share its fate
        fate, own = random.random(60) < share, random.random(300) < share
        hits = np.where(random.random(300) < 2 / 3, fate[groups], own)
        low, high = Share.of(hits, groups=groups).interval()
        held += low <= share <= high
        draws = random.multinomial(60, np.full(60, 1 / 60), 200) @ np.bincount(groups, weights=hits) / 300
        held_resampling += np.quantile(draws, 0.025) <= share <= np.quantile(draws, 0.975)
    assert held >= 0.92 * 300
    assert held > held_resampling


@pytest.mark.parametrize("likeness", [0.0, 0.3, 1.0])
def test_intervals_hold_for_groups_of_unequal_size(likeness: float) -> None:
    random, share, held = np.random.default_rng(3), 0.03, []
    groups = np.repeat(np.arange(75), [30, 12, 10, 10, 9] + [4] * 40 + [2] * 30)
    for _ in range(200):
        fate, own = random.random(75) < share, random.random(len(groups)) < share
        found = Share.of(np.where(random.random(len(groups)) < likeness, fate[groups], own), groups=groups)
        if found.is_rare:
            low, high = found.interval()
            held.append(low <= share <= high)
    assert len(held) > 100
    assert np.mean(held) >= 0.94


def test_more_hits_are_no_evidence_of_far_fewer() -> None:
    """What no hit leaves possible is hardly more than what three hits leave possible."""
    groups = np.repeat(np.arange(75), [30, 12, 10, 10, 9] + [4] * 40 + [2] * 30)
    none, three = np.zeros(len(groups), dtype=bool), np.zeros(len(groups), dtype=bool)
    three[[80, 120, 200]] = True
    assert Share.of(none, groups=groups).interval()[1] < 2 * Share.of(three, groups=groups).interval()[1]


def test_the_bootstrap_is_used_where_hits_and_misses_are_many() -> None:
    hits = np.arange(400) < 120
    drawn = resample({"hit": Ratio(hits)})
    assert not drawn.shares["hit"].is_rare
    assert drawn.interval("hit") == pytest.approx(Share.of(hits).interval(), abs=0.01)


def test_mcnemar_is_the_sign_test_of_the_photos_that_differ() -> None:
    a, b = np.array([1] * 9 + [0] * 2 + [1] * 5), np.array([0] * 9 + [1] * 2 + [1] * 5)
    assert mcnemar_p(a, b) == pytest.approx(2 * binomial_tail(9, 11, 0.5))
    assert mcnemar_p(a, a) == 1.0
    assert mcnemar_p([], []) == 1.0


def test_many_figures_have_the_outcome_of_each_alone() -> None:
    random = np.random.default_rng(2)
    differences = random.normal(0.3, 1.0, (80, 3))
    groups = np.arange(80) // 3
    together = sign_flip_tests(differences, groups=groups, seed=9)
    for column, outcome in zip(differences.T, together, strict=True):
        alone = sign_flip_test(column, np.zeros(80), groups=groups, seed=9)
        assert outcome.p == alone.p
        assert outcome.statistic == pytest.approx(alone.statistic)
