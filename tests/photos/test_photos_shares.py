"""Sharing out by largest remainder, against a literal reference."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.errors import UsageError
from graticule.photos.shares import apportion


def reference(weights: list[int], total: int) -> list[int]:
    """Hamilton's method as the books write it, one seat after the other, in exact fractions."""
    whole = sum(weights)
    quotas = [Fraction(weight * total, whole) for weight in weights]
    seats = [int(quota) for quota in quotas]
    while sum(seats) < total:
        best = max(
            range(len(weights)),
            key=lambda party: (quotas[party] - seats[party], weights[party], -party),
        )
        seats[best] += 1
        quotas[best] = Fraction(seats[best] - 1)  # no second one from the remainder
    return seats


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=30).filter(any), st.integers(0, 10_000))
def test_like_the_literal_method(weights: list[int], total: int) -> None:
    assert apportion(weights, total).tolist() == reference(weights, total)


@given(st.lists(st.integers(0, 200), min_size=1, max_size=20).filter(any), st.floats(0, 1))
def test_nobody_gets_more_than_there_is(counts: list[int], share: float) -> None:
    total = int(share * sum(counts))
    got = apportion(counts, total)
    assert got.sum() == total
    assert (got <= counts).all()


def test_thirds_leave_no_remainder_of_rounding() -> None:
    assert apportion([1 / 3, 1 / 3, 1 / 3], 9).tolist() == [3, 3, 3]
    assert apportion([0.7, 0.1, 0.2], 300).tolist() == [210, 30, 60]


@pytest.mark.parametrize(
    ("weights", "total"), [([1, -1], 3), ([0, 0], 3), ([1, np.nan], 3), ([1, 2], -1), ([], 1)]
)
def test_nonsense_is_refused(weights: list[float], total: int) -> None:
    with pytest.raises(UsageError, match="cannot be shared out by the weights"):
        apportion(weights, total)
