"""Temperature and conformal thresholds: against literal references, and on simulated photos."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.errors import UsageError
from graticule.evaluation.calibration import conformal_threshold, fit_temperature
from graticule.inference.estimate import region, temper


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def simulated(
    count: int, *, cells: int = 12, sharpness: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities ``sharpness`` times too sure, and cells drawn from the true ones."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (count, cells))
    true = softmax(logits)
    drawn = (true.cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)
    return softmax(logits * sharpness), drawn


def nll(probabilities: np.ndarray, cells: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(cells)), cells]).mean())


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(sharpness: float) -> None:
    probabilities, cells = simulated(20_000, sharpness=sharpness)
    assert fit_temperature(probabilities, cells) == pytest.approx(sharpness, rel=0.05)


def test_no_other_temperature_does_better() -> None:
    probabilities, cells = simulated(300, sharpness=2.2)
    best = nll(temper(probabilities, fit_temperature(probabilities, cells)), cells)
    assert all(nll(temper(probabilities, t), cells) >= best - 1e-9 for t in np.geomspace(0.05, 20, 400))


def test_uncovered_photos_say_nothing_about_the_temperature() -> None:
    probabilities, cells = simulated(500, sharpness=2.0)
    more = np.concatenate([probabilities, np.full((100, 12), 1 / 12)])
    assert fit_temperature(more, np.concatenate([cells, np.full(100, -1)])) == fit_temperature(
        probabilities, cells
    )
    assert fit_temperature(probabilities, np.full(500, -1)) == 1.0


def test_a_weight_is_like_so_many_photos() -> None:
    probabilities, cells = simulated(60, sharpness=2.0)
    counts = np.arange(60) % 4
    repeated = fit_temperature(np.repeat(probabilities, counts, axis=0), np.repeat(cells, counts))
    assert fit_temperature(probabilities, cells, weights=counts) == pytest.approx(repeated, rel=1e-6)


def test_certain_and_impossible_answers_stay_finite() -> None:
    certain = np.eye(3)[[0, 1, 2, 0]]
    assert 0.05 <= fit_temperature(certain, [0, 1, 2, 0]) <= 20
    assert fit_temperature(certain, [1, 2, 0, 1]) == pytest.approx(
        20, rel=1e-3
    )  # always wrong: as flat as can be


def literal_threshold(probabilities: np.ndarray, cells: np.ndarray, coverage: float) -> float:
    """Word for word: the ceil((n + 1) coverage)-th smallest of the masses before the truths."""
    scores = []
    for row, cell in zip(probabilities, cells, strict=True):
        mass, needed = 0.0, np.inf
        for candidate in sorted(range(len(row)), key=lambda k: -row[k]):
            if candidate == cell:
                needed = mass
                break
            mass += row[candidate]
        scores.append(needed)
    rank = int(np.ceil((len(scores) + 1) * coverage - 1e-9))
    return (
        1.0
        if rank > len(scores) or np.isinf(sorted(scores)[rank - 1])
        else min(1.0, sorted(scores)[rank - 1])
    )


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("count", [3, 19, 200])
def test_the_threshold_is_the_finite_sample_quantile(coverage: float, count: int) -> None:
    probabilities, cells = simulated(count, seed=count)
    cells[::10] = -1
    expected = literal_threshold(probabilities, cells, coverage)
    assert conformal_threshold(probabilities, cells, coverage=coverage) == pytest.approx(expected, abs=2e-9)


@pytest.mark.parametrize("sharpness", [0.7, 1.0, 2.5])
def test_the_promise_is_kept_on_other_photos_however_badly_calibrated(sharpness: float) -> None:
    kept = []
    for seed in range(30):
        probabilities, cells = simulated(1200, sharpness=sharpness, seed=seed)
        threshold = conformal_threshold(probabilities[:200], cells[:200], coverage=0.9)
        sets = region(probabilities[200:], threshold)
        kept.append(np.mean([cell in cells_of for cell, cells_of in zip(cells[200:], sets, strict=True)]))
    assert 0.9 - 0.012 < np.mean(kept) < 0.925


def test_too_many_uncovered_truths_allow_no_promise() -> None:
    probabilities, cells = simulated(100)
    cells[:20] = -1
    assert conformal_threshold(probabilities, cells, coverage=0.9) == 1.0
    assert conformal_threshold(probabilities, cells, coverage=0.7) < 1.0


def test_weights_move_the_threshold_toward_the_photos_that_count() -> None:
    sure, unsure = np.tile([[0.9, 0.06, 0.04]], (50, 1)), np.tile([[0.4, 0.35, 0.25]], (50, 1))
    probabilities, cells = np.concatenate([sure, unsure]), np.array([1] * 50 + [1] * 50)
    even = conformal_threshold(probabilities, cells, coverage=0.4)
    heavy = conformal_threshold(probabilities, cells, coverage=0.4, weights=[5.0] * 50 + [1.0] * 50)
    assert even == pytest.approx(0.4)  # the unsure photos have less mass before the truth, and come first
    assert heavy == pytest.approx(0.9)


def test_no_photo_gives_no_promise() -> None:
    assert conformal_threshold(np.empty((0, 3)), []) == 1.0
    assert fit_temperature(np.empty((0, 3)), np.empty(0, dtype=int)) == 1.0


def test_what_does_not_belong_together_is_refused() -> None:
    probabilities, cells = simulated(10)
    for wrong in (cells[:9], cells + 12):
        with pytest.raises(UsageError, match="do not belong together"):
            fit_temperature(probabilities, wrong)
        with pytest.raises(UsageError, match="do not belong together"):
            conformal_threshold(probabilities, wrong)
    for weights in (np.ones(9), -np.ones(10), np.full(10, np.nan)):
        with pytest.raises(UsageError, match="finite and not negative"):
            fit_temperature(probabilities, cells, weights=weights)
    for coverage in (0.0, 1.0, 90):
        with pytest.raises(UsageError, match="share between 0 and 1"):
            conformal_threshold(probabilities, cells, coverage=coverage)
