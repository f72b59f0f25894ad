"""Each figure against a slow, literal version of its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graticule.config import EARTH_RADIUS_KM, THRESHOLDS_KM
from graticule.errors import CoordinateError, UsageError
from graticule.evaluation import metrics
from graticule.evaluation.protocols import GRATICULE, Protocol, protocol_named


def _literal_distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Angle between two vectors by their cross and dot product; no haversine."""
    vectors = []
    for latitude, longitude in (a, b):
        phi, lam = math.radians(latitude), math.radians(longitude)
        vectors.append((math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)))
    (x, y, z), (u, v, w) = vectors
    cross = math.hypot(y * w - z * v, z * u - x * w, x * v - y * u)
    return EARTH_RADIUS_KM * math.atan2(cross, x * u + y * v + z * w)


PLACES = [
    (0.0, 0.0),
    (90.0, 12.0),
    (-90.0, -77.0),
    (10.0, 179.99),
    (10.0, -179.99),
    (52.5, 13.4),
    (-33.9, 151.2),
]


def test_errors_are_great_circles_across_antimeridian_and_poles() -> None:
    pairs = [(a, b) for a in PLACES for b in PLACES]
    errors = metrics.errors_km([a for a, _ in pairs], [b for _, b in pairs])
    expected = [_literal_distance_km(a, b) for a, b in pairs]
    np.testing.assert_allclose(errors, expected, rtol=1e-9, atol=1e-6)
    assert metrics.errors_km([PLACES[3]], [PLACES[4]])[0] < 2.3
    assert metrics.errors_km([(90.0, 0.0)], [(90.0, 123.0)])[0] == pytest.approx(0.0, abs=1e-9)


def test_a_photo_without_an_answer_is_infinitely_far_off() -> None:
    errors = metrics.errors_km([[np.nan, np.nan], [1.0, np.nan], [0.0, 0.0]], np.zeros((3, 2)))
    assert errors.tolist() == [np.inf, np.inf, 0.0]


def test_errors_refuse_a_truth_that_is_nowhere() -> None:
    with pytest.raises(CoordinateError):
        metrics.errors_km([[0.0, 0.0]], [[np.nan, 0.0]])


def test_errors_of_no_photo() -> None:
    assert metrics.errors_km(np.empty((0, 2)), np.empty((0, 2))).shape == (0,)


@pytest.fixture
def errors() -> np.ndarray:
    random = np.random.default_rng(3)
    values = 10 ** random.uniform(-1, 4.3, 501)
    values[:5] = THRESHOLDS_KM  # exactly on a threshold
    values[5:40] = np.inf
    return values


def test_within_counts_the_threshold_itself(errors: np.ndarray) -> None:
    shares = metrics.within_km(errors)
    for limit in THRESHOLDS_KM:
        assert shares[f"{limit}"] == sum(1 for error in errors if error <= limit) / len(errors)
    strict = metrics.within_km(errors, protocol=Protocol("strict", strict=True))
    for limit in THRESHOLDS_KM:
        assert strict[f"{limit}"] == sum(1 for error in errors if error < limit) / len(errors)
        assert strict[f"{limit}"] < shares[f"{limit}"]


@pytest.mark.parametrize("count", [1, 2, 3, 10, 11])
def test_median_is_the_middle(count: int) -> None:
    values = np.random.default_rng(count).permutation(np.arange(1.0, count + 1))
    assert metrics.median_km(values) == (count + 1) / 2


def test_median_with_failures() -> None:
    inf = math.inf
    assert metrics.median_km([1.0, 2.0, inf]) == 2.0
    assert metrics.median_km([1.0, 2.0, inf, inf]) == inf
    assert metrics.median_km([1.0, inf, inf]) == inf
    assert metrics.median_km([inf]) == inf


def test_mean_is_over_the_answered(errors: np.ndarray) -> None:
    answered = [error for error in errors.tolist() if error != math.inf]
    assert metrics.mean_km(errors) == pytest.approx(sum(answered) / len(answered))
    assert math.isnan(metrics.mean_km([math.inf]))


def test_geoscore(errors: np.ndarray) -> None:
    expected = sum(0.0 if e == math.inf else 5000 * math.exp(-e / 1492.7) for e in errors.tolist()) / len(
        errors
    )
    assert metrics.geoscore(errors) == pytest.approx(expected)
    assert metrics.geoscore([math.inf]) == 0.0


def test_top_k_against_a_loop() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(-1, 8, 200)
    ranked = np.array([random.permutation(12)[:10] for _ in range(200)])
    ranked[:20, 4:] = -1  # short lists
    for k in (1, 3, 5, 10):
        expected = [t != -1 and t in row[:k].tolist() for t, row in zip(truth.tolist(), ranked, strict=True)]
        assert metrics.is_in_top_k(truth, ranked, k).tolist() == expected


def test_top_k_never_matches_no_cell_with_no_cell() -> None:
    assert not metrics.is_in_top_k([-1], [[-1, -1]], 2)[0]


def test_calibration_error_against_a_loop() -> None:
    random = np.random.default_rng(1)
    stated = np.concatenate([random.random(300), [0.0, 1.0, 1 / 20, 2 / 20]])
    right = random.random(304) < stated**2
    gap = 0.0
    for i in range(20):
        inside = [j for j, c in enumerate(stated) if (i / 20 < c <= (i + 1) / 20) or (i == 0 and c == 0)]
        if inside:
            gap += (
                abs(sum(right[inside]) / len(inside) - sum(stated[inside]) / len(inside)) * len(inside) / 304
            )
    assert metrics.expected_calibration_error(stated, right) == pytest.approx(gap)


def test_perfectly_calibrated() -> None:
    assert metrics.expected_calibration_error([0.5, 0.5], [True, False]) == 0.0


def test_protocol_states_its_rules() -> None:
    assert GRATICULE.to_dict()["comparison"] == "<="
    assert "6371.0088 km" in GRATICULE.statement
    assert "error ≤ threshold" in GRATICULE.statement
    assert "error < threshold" in Protocol("p", strict=True).statement


def test_protocol_measures_on_its_own_sphere() -> None:
    quarter = Protocol("p", radius_km=1.0).distance_km([0.0, 0.0], [0.0, 90.0])
    assert float(quarter) == pytest.approx(math.pi / 2)


def test_unknown_protocol_says_what_to_type() -> None:
    with pytest.raises(UsageError, match=r"no protocol 'graticul'.*\n.*--protocol graticule"):
        protocol_named("graticul")
