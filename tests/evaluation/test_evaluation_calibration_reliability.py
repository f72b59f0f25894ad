"""Reliability: bins and errors against a loop over the photos, and what chance alone makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.errors import UsageError
from graticule.evaluation.calibration.abstention import (
    abstention_curve,
    area_under,
    at_shares,
    best_possible,
)
from graticule.evaluation.calibration.reliability import classwise_error, reliability, share_within, wilson
from graticule.geo.sphere import great_circle_km


def literal_ece(confidence: list[float], right: list[bool], bins: int) -> float:
    total = 0.0
    for i in range(bins):
        low, high = i / bins, (i + 1) / bins
        inside = [
            (c, r) for c, r in zip(confidence, right, strict=True) if low < c <= high or (i == 0 and c == 0)
        ]
        if inside:
            total += abs(sum(r for _, r in inside) - sum(c for c, _ in inside))
    return total / len(confidence)


def simulated(count: int, seed: int, *, surplus: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Confidences too high by ``surplus``, and whether the answers were right."""
    random = np.random.default_rng(seed)
    true = random.uniform(0.05, 0.9, count)
    return np.clip(true + surplus, 0, 1), random.random(count) < true


@pytest.mark.parametrize("bins", [1, 10, 15, 20])
def test_the_error_is_that_of_a_loop(bins: int) -> None:
    confidence, right = simulated(300, 0, surplus=0.1)
    confidence[:3] = [0.0, 1.0, 0.2]
    expected = literal_ece(confidence.tolist(), right.tolist(), bins)
    assert reliability(confidence, right, bins=bins).error == pytest.approx(expected)


@pytest.mark.parametrize("spacing", ["width", "mass"])
def test_every_photo_is_in_one_bin(spacing: str) -> None:
    confidence, right = simulated(313, 1)
    found = reliability(confidence, right, bins=7, spacing=spacing)  # type: ignore[arg-type]
    assert found.counts.sum() == 313
    assert found.mean_confidence == pytest.approx(confidence.mean())
    assert found.mean_accuracy == pytest.approx(right.mean())
    assert found.to_dict()["n"] == 313
    if spacing == "mass":
        assert found.counts.max() - found.counts.min() <= 1


def test_bins_of_equal_mass_with_fewer_photos_than_bins() -> None:
    found = reliability([0.2, 0.9], [False, True], bins=15, spacing="mass")
    assert found.counts.sum() == 2
    assert found.error == pytest.approx(0.15)


def test_chance_is_taken_off() -> None:
    plain, debiased = [], []
    for seed in range(40):
        found = reliability(*simulated(200, seed))
        plain.append(found.error)
        debiased.append(found.debiased)
    assert np.mean(plain) > 0.06  # a perfect model, by construction
    assert np.mean(debiased) < 0.6 * np.mean(plain)
    assert np.median(debiased) < 0.05
    squared = [reliability(*simulated(200, seed)) for seed in range(400)]
    terms = [
        np.nansum(
            r.weights * ((r.accuracy - r.confidence) ** 2 - r.accuracy * (1 - r.accuracy) / (r.counts - 1))
        )
        for r in squared
        if r.counts[r.counts > 0].min() > 1
    ]
    assert np.mean(terms) == pytest.approx(0, abs=0.001)  # before the root and the cut at 0 there is no bias


def test_a_true_error_is_kept() -> None:
    found = reliability(*simulated(20_000, 3, surplus=0.1))
    assert found.error == pytest.approx(0.1, abs=0.01)
    assert found.debiased == pytest.approx(0.1, abs=0.01)


def test_one_photo() -> None:
    found = reliability([0.7], [True])
    assert (found.error, found.highest) == (pytest.approx(0.3), pytest.approx(0.3))


@pytest.mark.parametrize(
    ("confidence", "right", "says"),
    [
        ([], [], "no photo with a stated confidence"),
        ([50.0], [True], "share in \\[0, 1\\]; found 50"),
        ([0.5, np.nan], [True, True], "share in"),
        ([0.5], [True, False], "do not belong together"),
    ],
)
def test_what_is_no_confidence_is_refused(confidence: list[float], right: list[bool], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        reliability(confidence, right)


def test_wilson_holds_the_share_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    for share in (0.8, 0.95):
        drawn = random.binomial(100, share, 4000) / 100
        low, high = wilson(drawn, 100)
        assert 0.93 < np.mean((low <= share) & (share <= high)) < 0.97
    assert np.isnan(wilson(np.nan, 0)).all()
    assert wilson(1.0, 5)[1] == 1.0


def test_classwise_is_the_mean_of_each_cell() -> None:
    random = np.random.default_rng(0)
    shares, cells = random.dirichlet([0.5] * 4, 60), random.integers(-1, 4, 60)
    expected = [literal_ece(shares[:, k].tolist(), (cells == k).tolist(), 20) for k in range(4)]
    assert classwise_error(shares, cells) == pytest.approx(np.mean(expected))
    with pytest.raises(UsageError, match="probabilities of 60 of 60 photos are none"):
        classwise_error(shares * 2, cells)


def test_share_within_is_the_sum_over_near_cells() -> None:
    random = np.random.default_rng(0)
    shares = random.dirichlet([0.5] * 6, 5)
    points, centres = (
        random.uniform([-80, -180], [80, 180], (5, 2)),
        random.uniform([-80, -180], [80, 180], (6, 2)),
    )
    found = share_within(shares, points, centres, 6000)
    for row in range(5):
        expected = sum(
            shares[row, k] for k in range(6) if float(great_circle_km(points[row], centres[k])) <= 6000
        )
        assert found[row] == pytest.approx(expected)


def test_abstention_goes_from_the_surest_photo_to_all() -> None:
    confidence, right = [0.2, 0.9, np.nan, 0.9, 0.5], [True, True, True, False, False]
    curve = abstention_curve(confidence, right)
    assert curve["answered"].to_list() == [0.4, 0.6, 0.8, 1.0]
    assert curve["accuracy"].round(3).to_list() == [0.5, 0.333, 0.5, 0.4]  # no answer is never right
    assert area_under(curve) == pytest.approx(0.4 * 0.5 + 0.2 / 3 + 0.2 * 0.5 + 0.2 * 0.4)
    assert [row["answered"] for row in at_shares(curve)] == [0.4, 0.4, 0.6, 0.8, 1.0]
    assert abstention_curve([], []).is_empty()


def test_worthless_confidence_gains_nothing_and_perfect_all() -> None:
    random = np.random.default_rng(0)
    right = random.random(5000) < 0.3
    worthless = area_under(abstention_curve(random.random(5000), right))
    perfect = area_under(abstention_curve(right + random.random(5000) / 2, right))
    assert worthless == pytest.approx(0.3, abs=0.05)
    assert perfect == pytest.approx(best_possible(right).mean(), abs=1e-3)
