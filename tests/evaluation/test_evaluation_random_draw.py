"""The expectation of a random draw, against loops over all pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graticule.config import THRESHOLDS_KM
from graticule.evaluation import TrainingPlaces
from graticule.evaluation.curves import CURVE_KM, FARTHEST_KM, cumulative
from graticule.evaluation.random_draw import random_draw
from graticule.geo.sphere import great_circle_km


def _places(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.stack([random.normal(30, 25, count).clip(-90, 90), random.uniform(-180, 180, count)], axis=1)


def test_exact_against_a_loop_over_all_pairs() -> None:
    truth, places = _places(23, 0), _places(57, 1)
    weights = np.random.default_rng(2).integers(1, 9, 57).astype(float)
    draw = random_draw(truth, TrainingPlaces.of(places, "test", weights=weights))
    within = dict.fromkeys(THRESHOLDS_KM, 0.0)
    mean = score = total = 0.0
    pairs: list[tuple[float, float]] = []
    for photo in truth:
        for place, weight in zip(places, weights, strict=True):
            distance = float(great_circle_km(photo, place))
            total += weight
            mean += weight * distance
            score += weight * 5000 * math.exp(-distance / 1492.7)
            pairs.append((distance, weight))
            for limit in THRESHOLDS_KM:
                within[limit] += weight * (distance <= limit)
    assert draw.is_exact
    assert draw.pairs == 23 * 57
    assert draw.mean_km == pytest.approx(mean / total)
    assert draw.geoscore == pytest.approx(score / total)
    for limit in THRESHOLDS_KM:
        assert draw.within_km[f"{limit}"] == pytest.approx(within[limit] / total)
    reached, median_km = 0.0, 0.0
    for distance, weight in sorted(pairs):
        if reached < total / 2:
            median_km = distance
        reached += weight
    assert draw.median_km == pytest.approx(median_km, rel=0.01)
    for at in (20, 60, 90):
        expected = sum(weight for distance, weight in pairs if distance <= CURVE_KM[at]) / total
        assert draw.curve[at] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_draws_agree_with_all_pairs(monkeypatch: pytest.MonkeyPatch, is_weighted: bool) -> None:
    truth, places = _places(300, 3), _places(800, 4)
    weights = np.random.default_rng(5).integers(1, 9, 800) if is_weighted else None
    training = TrainingPlaces.of(places, "test", weights=weights)
    exact = random_draw(truth, training)
    monkeypatch.setattr("graticule.evaluation.random_draw.MOST_PAIRS", 100_000)
    drawn = random_draw(truth, training)
    assert exact.is_exact
    assert not drawn.is_exact
    assert drawn.pairs <= 100_000
    for limit in THRESHOLDS_KM:
        assert drawn.within_km[f"{limit}"] == pytest.approx(exact.within_km[f"{limit}"], abs=0.006)
    assert drawn.median_km == pytest.approx(exact.median_km, rel=0.02)
    assert np.array_equal(random_draw(truth, training).curve, drawn.curve)


def test_one_photo_at_the_only_place() -> None:
    draw = random_draw(np.array([[7.0, 7.0]]), TrainingPlaces.of([[7.0, 7.0]], "test"))
    assert draw.within_km["1"] == 1.0
    assert draw.median_km == 0.0
    assert draw.mean_km == pytest.approx(0.0, abs=1e-3)


def test_cumulative_against_a_loop() -> None:
    errors = [5.0, 1.0, math.inf, 25.0, 25.0]
    for distance in (0.5, 1.0, 24.9, 25.0, FARTHEST_KM):
        expected = sum(error <= distance for error in errors) / 5
        assert cumulative(errors, [distance])[0] == expected


def test_the_curve_has_a_point_at_each_threshold() -> None:
    assert set(THRESHOLDS_KM) <= set(CURVE_KM.tolist())
    assert CURVE_KM[-1] == pytest.approx(20015.1, abs=0.1)
