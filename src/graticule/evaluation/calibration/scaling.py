"""Scaling that makes stated probabilities true: temperature, vector and Platt scaling.

All are fitted on photos that the network did not learn from, and hold for photos like those. Where photos
to be located come from elsewhere, ``weights`` say how much more often such photos come up. What is fitted
here is applied by ``graticule.bundle.scaling``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from graticule.bundle.scaling import Scaling, log_of, logit, softmax
from graticule.evaluation.calibration.inputs import Array, Cells, checked_weights, covered

LOWEST_TEMPERATURE: Final = 0.05
HIGHEST_TEMPERATURE: Final = 20.0

RIDGES: Final = (1.0, 10.0, 100.0, 1000.0)
"""Strengths that hold vector scaling back to no scaling, of which cross-validation chooses one."""

FOLDS: Final = 5

_GOLDEN = (5**0.5 - 1) / 2
_STEPS = 60  # each shortens the bracket by 0.618: far below float32's resolution


def fit_temperature(probabilities: ArrayLike, cells: ArrayLike, *, weights: ArrayLike | None = None) -> float:
    """The temperature that makes the true cells most likely.

    Convention:
        - ``probabilities``: (N, K), rows sum to 1; ``cells``: (N,) true cell, -1 where no cell covers the
          place (such photos say nothing about the temperature and are left out)
        - ``weights``: (N,) how much each photo counts; 1 when left out
        - the result is meant as in ``graticule.bundle.scaling.temper``: above 1 flattens; between
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
    logs, truth, counts = covered(probabilities, cells, weights)
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


def fit_vector(
    probabilities: ArrayLike,
    cells: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    seed: int = 0,
) -> Scaling:
    """A slope and a shift of the logarithm for each cell.

    With few photos for each cell that many numbers would be learned by heart; so they are held back to
    slope 1 and shift 0 by a ridge, whose strength is chosen by cross-validation over 5 parts.

    Convention:
        - ``probabilities``: (N, K) after the temperature; ``cells``: (N,), -1 where no cell covers the place
        - ``groups``: (N,) numbers; photos of one group are in one part of the cross-validation
        - without a photo that counts: slopes 1 and shifts 0

    Raises:
        UsageError: the shapes do not belong together.

    Source:
        C. Guo et al., "On Calibration of Modern Neural Networks" (2017), section 4.2.

    Example:
        >>> stated = np.tile([[0.5, 0.5]], (400, 1))
        >>> fit_vector(stated, [0] * 300 + [1] * 100)(stated[:1]).round(2).tolist()
        [[0.75, 0.25]]
    """
    logs, truth, counts = covered(probabilities, cells, weights)
    width = logs.shape[1]
    if not counts.sum() > 0:
        return Scaling(method="vector", slope=(1.0,) * width, shift=(0.0,) * width)
    part = _folds(np.asarray(cells) >= 0, groups, seed)
    losses = [
        sum(
            _vector_loss(
                _fit_vector(logs[part != fold], truth[part != fold], counts[part != fold], ridge),
                logs[part == fold],
                truth[part == fold],
                counts[part == fold],
            )[0]
            for fold in range(int(part.max()) + 1)
        )
        for ridge in RIDGES
    ]
    best = RIDGES[int(np.argmin(losses))] if part.max() > 0 else RIDGES[-1]
    slope, shift = _fit_vector(logs, truth, counts, best).reshape(2, width)
    return Scaling(method="vector", slope=tuple(slope.tolist()), shift=tuple(shift.tolist()))


def _folds(inside: NDArray[np.bool_], groups: ArrayLike | None, seed: int) -> Cells:
    """The part of each photo that a cell covers, whole groups at random."""
    labels = np.arange(len(inside)) if groups is None else np.asarray(groups, dtype=np.int64)
    known, number = np.unique(labels[inside], return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(known)) % FOLDS
    folds: Cells = shuffled[number].astype(np.int64)
    return folds


def _fit_vector(logs: Array, truth: Cells, counts: Array, ridge: float) -> Array:
    """Slopes and shifts one after the other, (2 K,)."""
    width = logs.shape[1]
    start = np.concatenate([np.ones(width), np.zeros(width)])

    def held_back(numbers: Array) -> tuple[float, Array]:
        loss, slope = _vector_loss(numbers, logs, truth, counts)
        away = numbers - start
        return loss + ridge / 2 * float(away @ away), slope + ridge * away

    found: Array = minimize(held_back, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return found


def _vector_loss(numbers: Array, logs: Array, truth: Cells, counts: Array) -> tuple[float, Array]:
    """Negative log-likelihood of the true cells, and its slope over the 2 K numbers."""
    slope, shift = numbers.reshape(2, -1)
    shares = softmax(slope * logs + shift)
    rows = np.arange(len(truth))
    loss = -float((counts * log_of(shares[rows, truth])).sum())
    surplus = shares * counts[:, None]
    surplus[rows, truth] -= counts
    return loss, np.concatenate([(surplus * logs).sum(axis=0), surplus.sum(axis=0)])


def fit_platt(probabilities: ArrayLike, cells: ArrayLike, *, weights: ArrayLike | None = None) -> Scaling:
    """One slope and one shift of the log-odds, the same for every cell against the rest.

    Convention:
        - ``probabilities``: (N, K) after the temperature; ``cells``: (N,), -1 where no cell covers the
          place: then every cell is wrong, which is counted
        - slope 1 and shift 0 without a photo that counts

    Raises:
        UsageError: the shapes do not belong together.

    Source:
        J. Platt, "Probabilistic Outputs for Support Vector Machines" (1999), with his targets, which keep
        a little away from 0 and 1.

    Example:
        >>> stated = np.tile([[0.9, 0.1]], (1000, 1))
        >>> fit_platt(stated, [0] * 700 + [1] * 300)(stated[:1]).round(2).tolist()
        [[0.7, 0.3]]
    """
    shares, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(cells, dtype=np.int64)
    counts = checked_weights(shares, truth, weights)
    if not counts.sum() > 0:
        return Scaling(method="platt", slope=(1.0,), shift=(0.0,))
    odds = logit(shares)
    right = truth[:, None] == np.arange(shares.shape[1])
    weighed = np.broadcast_to(counts[:, None], odds.shape)
    yes, no = float(weighed[right].sum()), float(weighed[~right].sum())
    target = np.where(right, (yes + 1) / (yes + 2), 1 / (no + 2))

    def loss(numbers: Array) -> tuple[float, Array]:
        value = numbers[0] * odds + numbers[1]
        # log(1 + exp(v)) - t v: the cross-entropy, without overflow
        total = float((weighed * (np.logaddexp(0.0, value) - target * value)).sum())
        surplus = weighed * (1 / (1 + np.exp(-np.clip(value, -500, 500))) - target)
        return total, np.array([(surplus * odds).sum(), surplus.sum()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B").x
    return Scaling(method="platt", slope=(float(found[0]),), shift=(float(found[1]),))
