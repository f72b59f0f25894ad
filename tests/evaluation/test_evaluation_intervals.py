"""The bootstrap against one that draws photos, sorts and averages."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.errors import UsageError
from graticule.evaluation.intervals import (
    Distribution,
    Ratio,
    Resamples,
    Sampling,
    percentile_interval,
    resample,
)


def _draws(units: int, resamples: int, seed: int) -> list[np.ndarray]:
    """The units that each resample draws, in the order in which the module draws them."""
    random = np.random.default_rng(seed)
    return [random.integers(0, units, size=units, dtype=np.int32) for _ in range(resamples)]


@pytest.fixture
def errors() -> np.ndarray:
    values = np.random.default_rng(5).lognormal(6, 2, 60)
    values[::9] = np.inf
    return values


def test_by_photo_against_a_literal_bootstrap(errors: np.ndarray) -> None:
    answered = np.isfinite(errors)
    distances = np.array([10.0, 500.0, 20000.0])
    ratios = {"hit": Ratio(errors <= 750), "mean": Ratio(errors, answered)}
    drawn = resample(ratios, {"median": Distribution(errors, distances)}, resamples=40, seed=7)
    for row, chosen in enumerate(_draws(60, 40, 7)):
        sample = errors[chosen]
        assert drawn.ratios["hit"][row] == pytest.approx((sample <= 750).mean())
        assert drawn.ratios["mean"][row] == pytest.approx(sample[np.isfinite(sample)].mean())
        assert drawn.medians["median"][row] == np.median(sample)
        expected = [(sample <= distance).mean() for distance in distances]
        np.testing.assert_allclose(drawn.curves["median"][row], expected)


def test_by_group_against_a_literal_bootstrap(errors: np.ndarray) -> None:
    groups = np.random.default_rng(2).integers(0, 13, 60)
    groups[:13] = np.arange(13)
    ratios = {"hit": Ratio(errors <= 750), "mean": Ratio(errors, np.isfinite(errors))}
    figures = resample(ratios, {"median": Distribution(errors)}, groups=groups, resamples=40, seed=1)
    for row, chosen in enumerate(_draws(13, 40, 1)):
        sample = np.concatenate([errors[groups == group] for group in chosen])
        assert figures.ratios["hit"][row] == pytest.approx((sample <= 750).mean())
        assert figures.ratios["mean"][row] == pytest.approx(sample[np.isfinite(sample)].mean())
        assert figures.medians["median"][row] == np.median(sample)


def test_groups_widen_the_interval() -> None:
    hits = np.repeat(np.random.default_rng(0).random(20) < 0.5, 20)
    low, high = resample({"hit": Ratio(hits)}).interval("hit")
    grouped = resample({"hit": Ratio(hits)}, groups=np.repeat(np.arange(20), 20)).interval("hit")
    assert grouped[1] - grouped[0] > 3 * (high - low)


def test_interval_holds_the_true_share_as_often_as_it_says() -> None:
    random = np.random.default_rng(11)
    held = 0
    for trial in range(200):
        low, high = resample({"hit": Ratio(random.random(200) < 0.3)}, resamples=300, seed=trial).interval(
            "hit"
        )
        held += low <= 0.3 <= high
    assert 180 <= held <= 199


def test_paired_difference_is_narrower_than_its_parts() -> None:
    random = np.random.default_rng(4)
    one = random.random(500) < 0.5
    other = one ^ (random.random(500) < 0.02)
    drawn = resample({"one": Ratio(one), "other": Ratio(other)})
    alone, paired = drawn.interval("one"), drawn.interval("one", minus="other")
    assert paired[1] - paired[0] < (alone[1] - alone[0]) / 2
    assert paired[0] <= one.mean() - other.mean() <= paired[1]


def test_same_seed_same_interval() -> None:
    hits = np.random.default_rng(0).random(99) < 0.5
    first, again, other = (resample({"hit": Ratio(hits)}, seed=seed) for seed in (1, 1, 2))
    assert (first.ratios["hit"] == again.ratios["hit"]).all()
    assert (first.ratios["hit"] != other.ratios["hit"]).any()


def test_chunks_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch, errors: np.ndarray) -> None:
    whole = resample({"hit": Ratio(errors < 99)}, {"m": Distribution(errors)}, resamples=50)
    monkeypatch.setattr("graticule.evaluation.intervals.CHUNK_NUMBERS", 130)
    parts = resample({"hit": Ratio(errors < 99)}, {"m": Distribution(errors)}, resamples=50)
    assert (whole.ratios["hit"] == parts.ratios["hit"]).all()
    assert (whole.medians["m"] == parts.medians["m"]).all()


def test_one_photo() -> None:
    drawn = resample({"hit": Ratio(np.array([True]))}, {"median": Distribution(np.array([42.0]))})
    assert drawn.interval("hit") == pytest.approx((0.025, 1.0))
    assert np.isnan(drawn.interval("median")).all()


def test_all_failed() -> None:
    errors = np.full(6, np.inf)
    drawn = resample({"mean": Ratio(errors, np.zeros(6, dtype=bool))}, {"median": Distribution(errors)})
    assert np.isnan(drawn.interval("mean")).all()
    assert drawn.interval("median") == (np.inf, np.inf)


def test_infinite_less_infinite_tells_nothing() -> None:
    drawn = Resamples({}, {"a": np.array([np.inf, 1.0]), "b": np.array([np.inf, 3.0])}, {})
    assert drawn.interval("a", minus="b") == (-2.0, -2.0)


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile_interval([3.0, 1.0, np.inf, 2.0], level=0.5) == (1.0, 3.0)
    assert percentile_interval([np.nan, 7.0]) == (7.0, 7.0)


def test_figures_over_different_photos_are_refused() -> None:
    with pytest.raises(ValueError, match="over the same photos"):
        resample({"a": Ratio(np.ones(3)), "b": Ratio(np.ones(4))})


@pytest.mark.parametrize("resamples", [1, 39, 10**9])
def test_absurd_numbers_of_resamples_are_refused(resamples: int) -> None:
    assert Sampling(0).resamples == 0
    assert Sampling(40).resamples == 40
    with pytest.raises(UsageError, match=f"takes 40 to 1,000,000 resamples, not {resamples:,}"):
        Sampling(resamples)
    with pytest.raises(UsageError, match="a share in"):
        Sampling(level=95)


def test_a_difference_that_no_photo_shows_has_no_interval() -> None:
    hits = np.arange(50) < 20
    drawn = resample({"a": Ratio(hits), "b": Ratio(hits), "all": Ratio(np.ones(50, bool))}, resamples=50)
    assert np.isnan(drawn.interval("a", minus="b")).all()
    assert drawn.interval("all", minus="a")[0] > 0
    none = resample({"all": Ratio(np.ones(50, bool)), "none": Ratio(np.zeros(50, bool))}, resamples=50)
    assert none.interval("all", minus="none") == (1.0, 1.0)
