"""Agreement of groupings, against counting pairs and against scikit-learn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from graticule.errors import UsageError
from graticule.partitions.agreement import agreement


def literal_ari(one, other) -> float:
    pairs = list(itertools.combinations(range(len(one)), 2))
    a = [one[i] == one[j] for i, j in pairs]
    b = [other[i] == other[j] for i, j in pairs]
    both = sum(x and y for x, y in zip(a, b, strict=True))
    chance = sum(a) * sum(b) / len(pairs)
    return (both - chance) / ((sum(a) + sum(b)) / 2 - chance)


@pytest.mark.parametrize(("groups", "others"), [(3, 4), (10, 2), (30, 30), (2, 2)])
def test_like_pair_counting_and_scikit_learn(groups: int, others: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(groups)
    one, other = rng.integers(groups, size=90), rng.integers(others, size=90)
    found = agreement(one, other)
    assert found.ari == pytest.approx(literal_ari(one, other), abs=1e-12)
    assert found.ari == pytest.approx(metrics.adjusted_rand_score(one, other), abs=1e-12)
    assert found.nmi == pytest.approx(metrics.normalized_mutual_info_score(one, other), abs=1e-12)
    assert found.things == 90


def test_names_of_groups_do_not_matter_and_equal_is_one() -> None:
    one = np.array(["x", "y", "x", "z", "z"])
    found = agreement(one, np.array([3, 1, 3, 0, 0]))
    assert found.ari == 1
    assert found.nmi == pytest.approx(1)


def test_weights_count_like_repetition() -> None:
    rng = np.random.default_rng(0)
    one, other, times = rng.integers(4, size=30), rng.integers(5, size=30), rng.integers(1, 6, size=30)
    weighted = agreement(one, other, times)
    repeated = agreement(np.repeat(one, times), np.repeat(other, times))
    assert weighted.ari == pytest.approx(repeated.ari)
    assert weighted.nmi == pytest.approx(repeated.nmi)
    assert weighted.things == repeated.things


@pytest.mark.parametrize(("one", "other"), [([1, 1], [1, 1]), ([1, 2, 3], [4, 5, 6]), ([1], [1])])
def test_all_one_group_or_all_single_agree(one, other) -> None:
    assert agreement(one, other)[:2] == (1.0, pytest.approx(1.0))


def test_one_group_against_several_agrees_by_chance() -> None:
    assert agreement([1, 1, 1, 1], [1, 2, 1, 2])[:2] == (0.0, 0.0)


def test_many_groups_need_no_square_table() -> None:
    labels = np.arange(200_000)
    assert agreement(labels, labels[::-1]).ari == 1


@pytest.mark.parametrize(("one", "other"), [([], []), ([1, 2], [1])])
def test_what_cannot_be_compared(one, other) -> None:
    with pytest.raises(UsageError, match="cannot be compared"):
        agreement(one, other)
