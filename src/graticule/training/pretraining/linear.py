"""A linear classifier on fixed features: what a linear probe fits. NumPy and SciPy alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]

DECAYS: Final = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""What is tried as the factor of the squared weights, beside a mean loss in nats; 10 leaves biases."""

HELD_OUT: Final = 5
"""Every so many-th group of photos chooses among them."""

_ITERATIONS: Final = 200

_UNKNOWN: Final = 0.01
"""So much of every answer is even over the classes when it is judged: a class may be new to the fit."""


def best_classes(
    features: Floats, classes: NDArray[np.int64], groups: NDArray[np.int64], others: Floats
) -> NDArray[np.int64]:
    """The likeliest class of each of ``others``, by multinomial logistic regression on ``features``.

    Convention:
        - ``features`` (N, D), ``classes`` (N,) from 0 and ``groups`` (N,): what it is fitted to
        - ``others`` (M, D); the result (M,)
        - features are brought to mean 0 and deviation 1; the decay is the one whose probabilities of whole
          groups held out are best, in nats: shares of hits are too coarse, and would let features that say
          nothing be worse than the commonest class

    Example:
        >>> line = np.linspace(-1, 1, 40)[:, None]
        >>> best_classes(line, (line[:, 0] > 0).astype(np.int64), np.arange(40), np.array([[-0.5], [0.7]]))
        array([0, 1])
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    scale = np.where(deviation > 1e-12, deviation, 1.0)
    features, others = (features - mean) / scale, (others - mean) / scale
    known, codes = np.unique(classes, return_inverse=True)
    held_out = groups % HELD_OUT == 0
    decay = DECAYS[-1]
    if held_out.any() and not held_out.all():
        decay = min(DECAYS, key=lambda each: _nats(features, codes, held_out, len(known), each))
    weights = fit(features, codes, len(known), decay)
    found: NDArray[np.int64] = known[(_with_ones(others) @ weights).argmax(axis=1)]
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


def _nats(
    features: Floats, codes: NDArray[np.int64], held_out: NDArray[np.bool_], count: int, decay: float
) -> float:
    """Mean cross-entropy of what is held out."""
    weights = fit(features[~held_out], codes[~held_out], count, decay)
    scores = _with_ones(features[held_out]) @ weights
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    right = shares[np.arange(len(scores)), codes[held_out]]
    return float(-np.log((1 - _UNKNOWN) * right + _UNKNOWN / count).mean())


def _with_ones(features: Floats) -> Floats:
    return np.concatenate([features, np.ones((len(features), 1))], axis=1)
