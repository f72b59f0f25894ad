"""A linear classifier on fixed features: what a linear probe fits. NumPy and SciPy alone."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]

DECAYS: Final = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""What is tried as the factor of the squared weights, beside a mean loss in nats; 10 leaves biases."""

FOLDS: Final = 5
"""Groups are dealt into so many parts; the photos of each are judged by a fit to all others."""

_HELD_OUT: Final = 5
"""Every so many-th group that is fitted to chooses among the decays."""

_ITERATIONS: Final = 200

_UNKNOWN: Final = 0.01
"""So much of every answer is even over the classes when it is judged: a class may be new to the fit."""


class Judged(NamedTuple):
    """What fits to other groups say of each of N photos.

    Convention:
        - ``best``: (N,) the likeliest class; ``nats``: (N,) -log of the probability of the true one
        - ``commonest``: (N,) the commonest class of the photos that its fit saw
    """

    best: NDArray[np.int64]
    nats: Floats
    commonest: NDArray[np.int64]


def cross_judged(features: Floats, classes: NDArray[np.int64], groups: NDArray[np.int64]) -> Judged:
    """Each photo's class by a multinomial logistic regression fitted to the photos of other groups.

    Convention:
        - ``features`` (N, D), ``classes`` (N,) from 0 and ``groups`` (N,) from 0, of two values at least
        - features are brought to mean 0 and deviation 1; the decay of a fit is the one whose probabilities of
          whole groups held out of it are best, in nats: shares of hits are too coarse, and would let features
          that say nothing be worse than the commonest class

    Example:
        >>> line = np.linspace(-1, 1, 40)[:, None]
        >>> judged = cross_judged(line, (line[:, 0] > 0).astype(np.int64), np.arange(40))
        >>> judged.best[[0, 39]].tolist(), bool(judged.nats.mean() < 0.3)
        ([0, 1], True)
    """
    known, codes = np.unique(classes, return_inverse=True)
    _, groups = np.unique(groups, return_inverse=True)
    best, nats, commonest = (
        np.zeros(len(codes), np.int64),
        np.zeros(len(codes)),
        np.zeros(len(codes), np.int64),
    )
    for fold in range(min(FOLDS, int(groups.max()) + 1)):
        judged = groups % FOLDS == fold
        shares = _shares(
            features[~judged], codes[~judged], groups[~judged] // FOLDS, features[judged], len(known)
        )
        best[judged] = known[shares.argmax(axis=1)]
        nats[judged] = _nats(shares, codes[judged])
        commonest[judged] = known[np.bincount(codes[~judged], minlength=len(known)).argmax()]
    return Judged(best, nats, commonest)


def _shares(
    features: Floats, codes: NDArray[np.int64], groups: NDArray[np.int64], others: Floats, count: int
) -> Floats:
    """(M, count) probabilities of ``others``, by the best of the fits to ``features``."""
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    scale = np.where(deviation > 1e-12, deviation, 1.0)
    features, others = (features - mean) / scale, (others - mean) / scale
    held_out = groups % _HELD_OUT == 0
    decay = DECAYS[-1]
    if held_out.any() and not held_out.all():
        seen, chosen_on = features[~held_out], features[held_out]

        def loss(each: float) -> float:
            weights = fit(seen, codes[~held_out], count, each)
            return float(_nats(probabilities(chosen_on, weights), codes[held_out]).mean())

        decay = min(DECAYS, key=loss)
    return probabilities(others, fit(features, codes, count, decay))


def probabilities(features: Floats, weights: Floats) -> Floats:
    """(M, D) and (D + 1, K) -> (M, K): the softmax of the scores."""
    scores = _with_ones(features) @ weights
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = shares / shares.sum(axis=1, keepdims=True)
    return found


def fit(features: Floats, codes: NDArray[np.int64], count: int, decay: float) -> Floats:
    """Weights (D + 1, K), the last row biases, with the least mean cross-entropy plus decay."""
    inputs = _with_ones(features)
    shape = (inputs.shape[1], count)

    def loss(flat: Floats) -> tuple[float, Floats]:
        return loss_and_slope(flat.reshape(shape), inputs, codes, decay)

    found = minimize(
        loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}
    )
    weights: Floats = found.x.reshape(shape)
    return weights


def loss_and_slope(
    weights: Floats, inputs: Floats, codes: NDArray[np.int64], decay: float
) -> tuple[float, Floats]:
    """Mean cross-entropy plus ``decay`` times the squares of all but the biases; its gradient, flat."""
    scores = inputs @ weights
    scores -= scores.max(axis=1, keepdims=True)
    shares = np.exp(scores)
    totals = shares.sum(axis=1)
    rows = np.arange(len(codes))
    nats = float((np.log(totals) - scores[rows, codes]).mean())
    shares /= totals[:, None]
    shares[rows, codes] -= 1
    slope = inputs.T @ shares / len(codes)
    slope[:-1] += 2 * decay * weights[:-1]
    return nats + decay * float((weights[:-1] ** 2).sum()), slope.ravel()


def _nats(shares: Floats, codes: NDArray[np.int64]) -> Floats:
    """-log of the probability of each true class, a little of every answer being even."""
    right = shares[np.arange(len(shares)), codes]
    found: Floats = -np.log((1 - _UNKNOWN) * right + _UNKNOWN / shares.shape[1])
    return found


def _with_ones(features: Floats) -> Floats:
    return np.concatenate([features, np.ones((len(features), 1))], axis=1)
