"""Draws in proportion, and nearest photos, against literal references."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from graticule.errors import UsageError
from graticule.geo.sphere import great_circle_km
from graticule.photos.sample import closest_photos, draw_places


def quotas(units: list[str], per_cell: int) -> dict[str, int]:
    """How many of each unit of one cell, as one would do it by hand."""
    counts = Counter(units)
    total = min(per_cell, len(units))
    exact = {unit: Fraction(count * total, len(units)) for unit, count in counts.items()}
    got = {unit: int(quota) for unit, quota in exact.items()}
    by_remainder = sorted(counts, key=lambda unit: (got[unit] - exact[unit], -counts[unit], unit))
    for unit in by_remainder[: total - sum(got.values())]:
        got[unit] += 1
    return {unit: number for unit, number in got.items() if number}


@pytest.mark.parametrize("per_cell", [1, 7, 50, 10_000])
def test_each_unit_gets_its_share(per_cell: int) -> None:
    chance = np.random.default_rng(0)
    cells = pl.Series([f"cell{number}" for number in chance.integers(0, 12, 3000)])
    units = pl.Series([f"unit{int(number)}" for number in chance.pareto(0.8, 3000).clip(0, 20)])
    rows = draw_places(cells, units, per_cell=per_cell)
    assert len(set(rows.tolist())) == len(rows)
    for cell in cells.unique():
        expected = quotas(units.filter(cells == cell).to_list(), per_cell)
        drawn = rows[(cells[rows.tolist()] == cell).to_numpy()]
        assert dict(Counter(units[drawn.tolist()])) == expected


def test_the_draw_is_random_fair_and_reproducible() -> None:
    cells, units = pl.Series(["a"] * 40), pl.Series(["u"] * 40)
    first = draw_places(cells, units, per_cell=10, seed=3)
    assert first.tolist() == draw_places(cells, units, per_cell=10, seed=3).tolist()
    assert first.tolist() != draw_places(cells, units, per_cell=10, seed=4).tolist()
    met = np.zeros(40)
    for seed in range(400):
        met[draw_places(cells, units, per_cell=10, seed=seed)] += 1
    np.testing.assert_allclose(met / 400, 0.25, atol=0.09)


def test_rows_without_a_cell_or_a_unit() -> None:
    cells = pl.Series(["a", None, "a", "a", None])
    units = pl.Series([None, "x", None, "x", "x"])
    assert draw_places(cells, units, per_cell=9).tolist() == [0, 2, 3]
    assert draw_places(cells.clear(3), units.clear(3), per_cell=9).tolist() == []
    with pytest.raises(UsageError, match="0 places per cell cannot be drawn"):
        draw_places(cells, units, per_cell=0)


def test_numbers_as_cells() -> None:
    rows = draw_places(pl.Series([3, 3, 5]), pl.Series([1, 1, 1], dtype=pl.UInt64), per_cell=1)
    assert len(rows) == 2


@pytest.mark.parametrize("within_km", [None, 300.0, 0.0])
def test_nearest_photo_each_once(within_km: float | None) -> None:
    chance = np.random.default_rng(1)
    places, photos = (
        np.stack([chance.uniform(-80, 80, n), chance.uniform(-180, 180, n)], axis=1) for n in (300, 120)
    )
    photos[7] = photos[3]  # two photos at one spot
    matches = closest_photos(places, photos, within_km=within_km)
    km = great_circle_km(places[:, None], photos[None])
    best: dict[int, tuple[float, int]] = {}
    near = 0
    for place in range(300):
        photo = int(km[place].argmin())
        if within_km is None or km[place, photo] <= within_km:
            near += 1
            best[photo] = min(best.get(photo, (np.inf, 0)), (km[place, photo], place))
    expected = sorted((place, photo) for photo, (_, place) in best.items())
    assert list(zip(matches.place.tolist(), matches.photo.tolist(), strict=True)) == expected
    assert (matches.repeated, matches.too_far) == (near - len(expected), 300 - near)
    np.testing.assert_allclose(matches.km, [km[pair] for pair in expected], atol=1e-6)
    assert 7 not in matches.photo


def test_no_photos() -> None:
    with pytest.raises(UsageError, match="no photo with a place to choose from"):
        closest_photos(np.zeros((1, 2)), np.empty((0, 2)))
    assert len(closest_photos(np.empty((0, 2)), np.zeros((1, 2))).place) == 0
