"""Making stated confidence true: temperature scaling, and regions that hold the truth as often as promised.

Both are fitted on photos that the network did not learn from, and hold for photos like those. Where
photos to be located come from elsewhere, ``weights`` say how much more often such photos come up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import UsageError

Array = NDArray[np.float64]

LOWEST_TEMPERATURE = 0.05
HIGHEST_TEMPERATURE = 20.0

_GOLDEN = (5**0.5 - 1) / 2
_MORE = 1e-9  # the sum before the truth must stay below the threshold
_STEPS = 60  # each shortens the bracket by 0.618: far below float32's resolution


def fit_temperature(probabilities: ArrayLike, cells: ArrayLike, *, weights: ArrayLike | None = None) -> float:
    """The temperature that makes the true cells most likely.

    Convention:
        - ``probabilities``: (N, K), rows sum to 1; ``cells``: (N,) true cell, -1 where no cell covers the
          place (such photos say nothing about the temperature and are left out)
        - ``weights``: (N,) how much each photo counts; 1 when left out
        - the result is meant as in ``graticule.inference.estimate.temper``: above 1 flattens; between
          0.05 and 20; 1 when no photo counts

    Raises:
        UsageError: the shapes do not belong together.

    Source:
        C. Guo et al., "On Calibration of Modern Neural Networks" (2017); the one-dimensional minimum is
        found by golden-section search over the logarithm, where the loss has one valley.

    Example:
        >>> stated = np.tile([[0.9, 0.1]], (10, 1))
        >>> round(fit_temperature(stated, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]), 2)  # right 7 times in 10
        2.59
    """
    logs, truth, counts = _covered(probabilities, cells, weights)
    if not counts.sum() > 0:
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        highest = scaled.max(axis=1)
        normaliser = highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1))
        return float((counts * (normaliser - scaled[np.arange(len(truth)), truth])).sum())

    low, high = float(np.log(LOWEST_TEMPERATURE)), float(np.log(HIGHEST_TEMPERATURE))
    for _ in range(_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def conformal_threshold(
    probabilities: ArrayLike, cells: ArrayLike, *, coverage: float = 0.9, weights: ArrayLike | None = None
) -> float:
    """The cumulative probability that the best cells must reach so that they hold the truth that often.

    Convention:
        - ``probabilities``: (N, K), calibrated; ``cells``: (N,) true cell, -1 where no cell covers the
          place; such a truth is in no set, so it counts as beyond all cells
        - the sets are those of ``graticule.inference.estimate.region``: the fewest best cells whose
          probabilities add up to the threshold or more; so the truth is in its set when the cells
          before it add up to less
        - the result is a share in [0, 1]; 1 (all cells) when so few photos, or so many uncovered ones,
          allow no smaller promise

    Raises:
        UsageError: the shapes do not belong together, or ``coverage`` lies outside (0, 1).

    Source:
        Y. Romano, M. Sesia, E. Candès, "Classification with Valid and Adaptive Coverage" (2020),
        without randomisation; the finite-sample quantile of split-conformal prediction, and its weighted
        form after R. Tibshirani et al., "Conformal Prediction Under Covariate Shift" (2019).

    Example:
        >>> shares = np.tile([[0.6, 0.3, 0.1]], (19, 1))
        >>> round(conformal_threshold(shares, [0] * 17 + [1, 1], coverage=0.8), 2)  # the best cell alone
        0.0
        >>> round(conformal_threshold(shares, [0] * 17 + [1, 1], coverage=0.9), 2)  # more than the best cell
        0.6
    """
    if not 0 < coverage < 1:
        raise UsageError(f"Coverage is a share between 0 and 1, got {coverage}; for example 0.9.")
    shares, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(cells, dtype=np.int64)
    counts = _weights(shares, truth, weights)
    scores = np.full(len(truth), np.inf)
    inside = truth >= 0
    scores[inside] = _mass_before(shares[inside], truth[inside])
    order = np.argsort(scores, kind="stable")
    # The photo to be located is one more, and may be beyond all: it counts with the mean weight.
    total = counts.sum() + counts.mean() if len(counts) else 1.0
    enough = np.flatnonzero(counts[order].cumsum() >= coverage * total - 1e-12)
    if not len(enough) or not np.isfinite(scores[order[enough[0]]]):
        return 1.0
    return float(min(1.0, scores[order[enough[0]]] + _MORE))


def _mass_before(shares: Array, truth: NDArray[np.int64]) -> Array:
    """Probability of all cells that come before the true one in each row, (N,)."""
    order = np.argsort(-shares, axis=1, kind="stable")
    reached = np.take_along_axis(shares, order, axis=1).cumsum(axis=1)
    rank = (order == truth[:, None]).argmax(axis=1)
    rows = np.arange(len(truth))
    before: Array = np.where(rank > 0, reached[rows, np.maximum(rank, 1) - 1], 0.0)
    return before


def _covered(
    probabilities: ArrayLike, cells: ArrayLike, weights: ArrayLike | None
) -> tuple[Array, NDArray[np.int64], Array]:
    shares, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(cells, dtype=np.int64)
    counts = _weights(shares, truth, weights)
    inside = truth >= 0
    return np.log(np.maximum(shares[inside], np.finfo(np.float64).tiny)), truth[inside], counts[inside]


def _weights(shares: Array, truth: NDArray[np.int64], weights: ArrayLike | None) -> Array:
    if shares.ndim != 2 or truth.shape != shares.shape[:1] or (len(truth) and truth.max() >= shares.shape[1]):
        raise UsageError(
            f"Probabilities of shape {shares.shape} and cells of shape {truth.shape} do not belong together: "
            "expected (N, K) and (N,), with cells below K."
        )
    counts = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    if counts.shape != truth.shape or not (np.isfinite(counts) & (counts >= 0)).all():
        raise UsageError(f"Weights of shape {counts.shape} must be {truth.shape}, finite and not negative.")
    return counts
