"""Recall against area: how much ground has to be searched until the photo is found.

The measure of answers that are regions. A model that marks half the Earth is always right; what counts is
how little ground holds how many photos.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.evaluation.metrics import NO_CELL
from graticule.evaluation.protocols import Array

AREAS_KM2: Final = (1e3, 1e4, 1e5, 1e6, 1e7, 1e8)
"""Areas at which reports state the recall: a city, a small country, ... a fifth of the Earth."""


def ranked_by_density(probabilities: ArrayLike, areas_km2: ArrayLike) -> NDArray[np.int64]:
    """The cells of each photo in the order in which they hold the most probability for their ground.

    Convention:
        - ``probabilities``: shape (N, K); ``areas_km2``: km2, shape (K,); the result: cell indices, (N, K)
    """
    density = np.asarray(probabilities, dtype=np.float64) / np.asarray(areas_km2, dtype=np.float64)
    return np.argsort(-density, axis=1, kind="stable")


def searched_km2(ranked_cells: ArrayLike, true_cells: ArrayLike, areas_km2: ArrayLike) -> Array:
    """The ground that is searched, cell by cell, until the true one is through; infinite where it never is.

    Convention:
        - ``ranked_cells``: (N, M) cell indices in the order of the search, filled up with -1
        - ``true_cells``: (N,), -1 where no cell covers the true place
        - ``areas_km2``: km2, shape (K,); the result: km2, shape (N,)

    Example:
        >>> searched_km2([[1, 0], [1, -1]], [0, 0], [100.0, 20.0]).tolist()
        [120.0, inf]
    """
    ranked = np.asarray(ranked_cells, dtype=np.int64)
    truth = np.asarray(true_cells, dtype=np.int64)
    areas = np.asarray(areas_km2, dtype=np.float64)
    if not ranked.shape[1]:
        return np.full(len(truth), np.inf)
    ground = np.cumsum(np.where(ranked == NO_CELL, 0.0, areas[ranked]), axis=1)
    is_true = (ranked == truth[:, None]) & (truth != NO_CELL)[:, None]
    first = is_true.argmax(axis=1)
    return np.where(is_true.any(axis=1), ground[np.arange(len(truth)), first], np.inf)


def recall_at_km2(searched: ArrayLike, areas_km2: ArrayLike = AREAS_KM2) -> Array:
    """Share of photos that are found on at most so much ground.

    Convention:
        - ``searched``: km2, shape (N,), infinite where the photo is never found
        - ``areas_km2``: km2, shape (P,); the result, shares in [0, 1], has its shape

    Source:
        "Recall vs. Area" of arXiv 2407.13862, with the ground of each photo limited by itself.

    Example:
        >>> recall_at_km2([50.0, np.inf], [10, 100]).tolist()
        [0.0, 0.5]
    """
    ordered = np.sort(np.asarray(searched, dtype=np.float64))
    return np.searchsorted(ordered, np.asarray(areas_km2), side="right") / len(ordered)
