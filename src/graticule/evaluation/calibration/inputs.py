"""What every fit is given: probabilities, true cells and weights that belong together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import UsageError

Array = NDArray[np.float64]
Cells = NDArray[np.int64]

SUM_TOLERANCE = 0.01
"""Rows may miss the sum of 1 by so much: float16 over many cells."""


def covered(
    probabilities: ArrayLike, cells: ArrayLike, weights: ArrayLike | None
) -> tuple[Array, Cells, Array]:
    """Logarithms (M, K), true cells (M,) and weights (M,) of the photos whose true place a cell covers."""
    shares, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(cells, dtype=np.int64)
    counts = checked_weights(shares, truth, weights)
    inside = truth >= 0
    return np.log(np.maximum(shares[inside], np.finfo(np.float64).tiny)), truth[inside], counts[inside]


def checked_weights(shares: Array, truth: Cells, weights: ArrayLike | None) -> Array:
    """The weight of each photo, 1 when none is given.

    Raises:
        UsageError: the shapes do not belong together, or a weight is negative or not finite.
    """
    if shares.ndim != 2 or truth.shape != shares.shape[:1] or (len(truth) and truth.max() >= shares.shape[1]):
        raise UsageError(
            f"Probabilities of shape {shares.shape} and cells of shape {truth.shape} do not belong together: "
            "expected (N, K) and (N,), with cells below K."
        )
    counts = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    if counts.shape != truth.shape or not (np.isfinite(counts) & (counts >= 0)).all():
        raise UsageError(f"Weights of shape {counts.shape} must be {truth.shape}, finite and not negative.")
    return counts


def check_sums(probabilities: Array) -> None:
    """Refuse rows that are no probabilities.

    Raises:
        UsageError: a value is negative or not finite, or a row does not sum to 1.
    """
    if not probabilities.size:
        return
    sums = probabilities.sum(axis=1)
    wrong = ~(np.abs(sums - 1) <= SUM_TOLERANCE) | ~(probabilities >= 0).all(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UsageError(
            f"The probabilities of {int(wrong.sum())} of {len(sums)} photos are none: those of photo {row} "
            f"add up to {sums[row]:.4g} and begin at {probabilities[row].min():.4g}.\n"
            "Give shares in [0, 1] that add up to 1 for each photo, such as a softmax gives."
        )
