"""Units are given away whole, and in the numbers asked for."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.photos.assignment import assign, assign_blocks


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seed", range(5))
def test_singles_fill_up_exactly(seed: int) -> None:
    sizes = np.array([40, 7, 7, 3, *([1] * 43)])
    part = assign(sizes, np.array([70, 10, 20]), chance(seed))
    assert np.bincount(part, weights=sizes).tolist() == [70, 10, 20]


def test_each_split_gets_its_share_of_large_units() -> None:
    sizes = np.full(100, 10)
    part = assign(sizes, np.array([700, 100, 200]), chance())
    assert np.bincount(part, weights=sizes).tolist() == [700, 100, 200]
    large = [
        int(assign(np.array([50, *([10] * 45)]), np.array([350, 50, 100]), chance(s))[0]) for s in range(300)
    ]
    shares = np.bincount(large, minlength=3) / 300
    np.testing.assert_allclose(shares, [0.7, 0.1, 0.2], atol=0.08)


def test_what_fits_nowhere_goes_where_most_lacks() -> None:
    assert assign(np.array([90, 5, 5]), np.array([70, 10, 20]), chance()).tolist()[0] == 0
    assert assign(np.array([3]), np.array([1, 2, 0]), chance()).tolist() == [1]
    assert assign(np.array([], dtype=int), np.array([0, 0, 0]), chance()).tolist() == []


def line(count: int) -> np.ndarray:
    """Units along a line, one after the other."""
    return np.stack([np.ones(count), np.linspace(0, 0.1, count), np.zeros(count)], axis=1)


def test_blocks_that_fit_are_not_cut() -> None:
    block = np.repeat([0, 1, 2], [70, 10, 20])
    part, cut = assign_blocks(
        np.ones(100, int), line(100), block, np.array([70, 10, 20]), least_extent=0, chance=chance()
    )
    assert cut == 0
    assert [len(set(part[block == one])) for one in range(3)] == [1, 1, 1]
    assert np.bincount(part).tolist() == [70, 10, 20]


def test_a_block_that_is_too_large_is_cut_along_its_length() -> None:
    part, cut = assign_blocks(
        np.ones(1000, int),
        line(1000),
        np.zeros(1000, int),
        np.array([700, 100, 200]),
        least_extent=0,
        chance=chance(),
    )
    assert cut == 1
    np.testing.assert_allclose(np.bincount(part), [700, 100, 200], rtol=0.11)
    assert (np.diff(part) != 0).sum() <= 20  # a few long pieces, not a mixture


def test_short_blocks_and_single_units_are_never_cut() -> None:
    wanted = np.array([70, 10, 20])
    part, cut = assign_blocks(
        np.ones(100, int), line(100), np.zeros(100, int), wanted, least_extent=0.2, chance=chance()
    )
    assert cut == 0
    assert len(set(part)) == 1
    part, cut = assign_blocks(
        np.array([90, 10]), line(2), np.array([0, 1]), wanted, least_extent=0, chance=chance()
    )
    assert cut == 0
    assert part[0] == 0


def test_units_without_a_place_and_units_at_one_place() -> None:
    nowhere = np.full((100, 3), np.nan)
    wanted = np.array([70, 10, 20])
    part, cut = assign_blocks(
        np.ones(100, int), nowhere, np.arange(100), wanted, least_extent=0, chance=chance()
    )
    assert (np.bincount(part).tolist(), cut) == ([70, 10, 20], 0)
    same = np.ones((100, 3))
    part, cut = assign_blocks(
        np.ones(100, int), same, np.zeros(100, int), wanted, least_extent=0, chance=chance()
    )
    assert cut == 0
