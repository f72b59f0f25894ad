"""The share of photos within any distance: an error distribution that can be drawn."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from graticule.config import EARTH_RADIUS_KM, THRESHOLDS_KM
from graticule.evaluation.protocols import Array

FARTHEST_KM: Final = float(np.pi * EARTH_RADIUS_KM)
"""Half the way round the Earth."""

CURVE_KM: Final[Array] = np.unique(
    np.concatenate([np.geomspace(1.0, FARTHEST_KM, 96), np.array(THRESHOLDS_KM, dtype=np.float64)])
)
"""Distances in km at which a curve has a point: even steps of the logarithm, and the thresholds."""


def cumulative(errors_km: ArrayLike, distances_km: ArrayLike = CURVE_KM) -> Array:
    """Share of photos whose error is at most each distance.

    Convention:
        - ``errors_km``: km, shape (N,), infinite for a photo without an answer, which is in no share
        - ``distances_km``: km, shape (P,); the result, shares in [0, 1], has its shape

    Example:
        >>> cumulative([1.0, 10.0, np.inf], [5.0, 50.0]).round(2).tolist()
        [0.33, 0.67]
    """
    ordered = np.sort(np.asarray(errors_km, dtype=np.float64))
    return np.searchsorted(ordered, np.asarray(distances_km), side="right") / len(ordered)
