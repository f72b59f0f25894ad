"""Whole numbers that builders are given: what passes, and what is said of the others."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.errors import UsageError
from graticule.partitions.limits import check_limits, check_whole


@pytest.mark.parametrize(("most", "least"), [(300, 30), (1, 1), (None, 5), (np.int64(9), np.int32(9))])
def test_limits_that_can_be(most, least) -> None:
    check_limits(most, least)


@pytest.mark.parametrize(
    ("most", "least", "message"),
    [
        (300, 0, r"is 0, expected a whole number of at least 1(?s:.*)Type:  `min_photos=1`"),
        (300, 2.5, r"is 2\.5, expected"),
        (300, True, r"is True, expected"),
        (0, 30, r"`max_photos=0` cannot be(?s:.*)`max_photos=300`"),
        ("9", 100, r"`max_photos=9` cannot be(?s:.*)`max_photos=400`"),
        (float("nan"), 1, r"`max_photos=nan` cannot be"),
        (20, 30, r"at most 20 and at least 30 photos\.\nType:  `max_photos=120, min_photos=30`"),
    ],
)
def test_limits_that_cannot_be(most, least, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_limits(most, least)


def test_other_numbers() -> None:
    check_whole(0, depth=0, cells=None)
    with pytest.raises(UsageError, match="`depth=-1` cannot be, expected a whole number of at least 0"):
        check_whole(0, start_level=3, depth=-1)
