"""How far off, and how often right: pure functions on arrays, each a definition that can be read.

A photo without an answer has an infinite error and no cell: it counts as wrong everywhere and is never
dropped from a denominator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.config import THRESHOLDS_KM
from graticule.evaluation.intervals import Statistic
from graticule.evaluation.protocols import GRATICULE, Array, Protocol

BINS: Final = 20
"""Bins of confidence, as many as the reliability diagram of S4 has."""

NO_CELL = -1
"""Index that stands for "no cell": a place that no cell covers, or a candidate that is not there."""


def errors_km(predicted: ArrayLike, truth: ArrayLike, *, protocol: Protocol = GRATICULE) -> Array:
    """Distance in km from each answer to the true place; infinite where there is no answer.

    Convention:
        - ``predicted``, ``truth``: (latitude, longitude) in degrees, shape (N, 2)
        - a row of ``predicted`` with a NaN is a photo without an answer

    Raises:
        CoordinateError: a true place is not finite, or a latitude lies outside [-90, 90].

    Example:
        >>> errors_km([[52.52, 13.405], [np.nan, np.nan]], [[48.857, 2.352], [0.0, 0.0]]).round(1)
        array([877.5,   inf])
    """
    places = np.asarray(predicted, dtype=np.float64).reshape(-1, 2)
    true_places = np.asarray(truth, dtype=np.float64).reshape(-1, 2)
    answered = ~(np.isnan(places[:, 0]) | np.isnan(places[:, 1]))
    if answered.all():
        return protocol.distance_km(places, true_places)
    errors = np.full(len(places), np.inf)
    errors[answered] = protocol.distance_km(places[answered], true_places[answered])
    return errors


def within_km(
    errors: ArrayLike, thresholds_km: Iterable[float] = THRESHOLDS_KM, *, protocol: Protocol = GRATICULE
) -> dict[str, float]:
    """Share of photos within each threshold.

    Convention:
        - ``errors``: km, shape (N,), infinite for a photo without an answer
        - keys are the thresholds in km as text, values shares in [0, 1]

    Example:
        >>> within_km([0.5, 25.0, np.inf, 3000.0])
        {'1': 0.25, '25': 0.5, '200': 0.5, '750': 0.5, '2500': 0.5}
    """
    return {f"{limit:g}": float(protocol.is_within(errors, limit).mean()) for limit in thresholds_km}


def median_km(errors: ArrayLike) -> float:
    """Median error in km; infinite when at least half of the photos have no answer.

    Example:
        >>> median_km([1.0, 3.0, np.inf])
        3.0
    """
    ordered = np.sort(np.asarray(errors, dtype=np.float64))
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float(low) if low == high else float((low + high) / 2)


def mean_km(errors: ArrayLike) -> float:
    """Mean error in km over the photos that have an answer; NaN when none has.

    Unlike every other figure this one leaves photos out, since an infinite error has no mean; reports
    therefore say beside it how many were answered.

    Example:
        >>> mean_km([1.0, 3.0, np.inf])
        2.0
    """
    values = np.asarray(errors, dtype=np.float64)
    answered = values[np.isfinite(values)]
    return float(answered.mean()) if answered.size else float("nan")


def geoscore(errors: ArrayLike, *, protocol: Protocol = GRATICULE) -> float:
    """Mean GeoScore, 0..5000; a photo without an answer has 0 points.

    Example:
        >>> geoscore([0.0, np.inf])
        2500.0
    """
    return float(protocol.geoscore(errors).mean())


def is_in_top_k(true_cells: ArrayLike, ranked_cells: ArrayLike, k: int) -> NDArray[np.bool_]:
    """Whether the true cell is among the first ``k`` candidates of each photo.

    Convention:
        - ``true_cells``: (N,) cell indices; -1 where no cell covers the true place, which is never right
        - ``ranked_cells``: (N, M) cell indices, best first, filled up with -1

    Example:
        >>> is_in_top_k([4, 4, -1], [[4, 2], [2, 4], [-1, -1]], k=1)
        array([ True, False, False])
    """
    truth = np.asarray(true_cells, dtype=np.int64)[:, None]
    ranked = np.asarray(ranked_cells, dtype=np.int64).reshape(len(truth), -1)
    found: NDArray[np.bool_] = ((ranked[:, :k] == truth) & (truth != NO_CELL)).any(axis=1)
    return found


def expected_calibration_error(confidence: ArrayLike, is_right: ArrayLike, *, bins: int = BINS) -> float:
    """Mean gap between stated confidence and share of right answers, over bins of equal width.

    Convention:
        - ``confidence``: shares in [0, 1], shape (N,); ``is_right``: shape (N,)
        - bin i holds confidences in (i / bins, (i + 1) / bins]; the first also holds 0

    Source:
        Naeini, Cooper, Hauskrecht: "Obtaining Well Calibrated Probabilities Using Bayesian Binning"
        (2015); 20 bins as in S4, figure 6.8.

    Example:
        >>> round(expected_calibration_error([0.9, 0.9, 0.1], [True, False, False]), 3)
        0.3
    """
    stated = np.asarray(confidence, dtype=np.float64)
    right = np.asarray(is_right, dtype=np.float64)
    gaps = np.bincount(_bins(stated, bins), weights=right - stated, minlength=bins)
    return float(np.abs(gaps).sum() / len(stated))


def calibration_statistic(
    confidence: ArrayLike, is_right: ArrayLike, stated: ArrayLike, *, bins: int = BINS
) -> Statistic:
    """The expected calibration error as a function of the photos' weights, for the bootstrap.

    Convention:
        - figures ``ece``, and ``noise``: by how much the weights change the gaps of the bins, absolutely
        - ``confidence``, ``is_right`` as ``expected_calibration_error``; ``stated``: which photos state a
          confidence, shape (N,); the others are in no bin
    """
    told = np.flatnonzero(np.asarray(stated))
    shares = np.asarray(confidence, dtype=np.float64)[told]
    gaps, index = np.asarray(is_right, dtype=np.float64)[told] - shares, _bins(shares, bins)

    plain = np.bincount(index, weights=gaps, minlength=bins) / max(1, len(told))

    def figures(weights: Array) -> dict[str, float]:
        loads = weights[told]
        if not loads.sum():
            return {"ece": float("nan"), "noise": float("nan")}
        found = np.bincount(index, weights=gaps * loads, minlength=bins) / loads.sum()
        return {"ece": float(np.abs(found).sum()), "noise": float(np.abs(found - plain).sum())}

    return figures


def _bins(stated: Array, bins: int) -> NDArray[np.int64]:
    return np.clip(np.ceil(stated * bins).astype(np.int64) - 1, 0, bins - 1)
