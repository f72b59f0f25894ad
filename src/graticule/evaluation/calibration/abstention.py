"""What is gained by not answering: accuracy of the photos answered against how many are answered.

In: confidences and errors. Out: the curve from the surest photo to all, shares in [0, 1].
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from graticule.evaluation.calibration.inputs import Array

SHARES: Final = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares answered that ``metrics.json`` states."""


def abstention_curve(confidence: ArrayLike, is_right: ArrayLike) -> pl.DataFrame:
    """The photos from the surest on; those equally sure are answered together.

    Convention:
        - ``confidence``: (N,) any number that grows with how sure the answer is; NaN, for a photo without
          an answer, comes last and is never right
        - ``is_right``: (N,)
        - columns of the result, one row for each different confidence: ``answered`` (share of all photos),
          ``accuracy`` (share of those that are right), ``least`` (the confidence it takes)

    Example:
        >>> abstention_curve([0.9, 0.5, 0.5, 0.1], [True, True, False, False])["accuracy"].round(2).to_list()
        [1.0, 0.67, 0.5]
    """
    stated, right = np.asarray(confidence, dtype=np.float64), np.asarray(is_right, dtype=np.float64)
    sure = np.where(np.isnan(stated), -np.inf, stated)
    right = np.where(np.isnan(stated), 0.0, right)
    order = np.argsort(-sure, kind="stable")
    ranked = sure[order]
    last = (
        np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.empty(0, np.int64)
    )
    answered = last + 1
    return pl.DataFrame(
        {
            "answered": answered / max(1, len(sure)),
            "accuracy": right[order].cumsum()[last] / answered,
            "least": ranked[last],
        }
    )


def area_under(curve: pl.DataFrame) -> float:
    """Mean accuracy over all shares answered: 1 is perfect, the overall accuracy is worthless confidence.

    Source:
        Y. Geifman, R. El-Yaniv, "Selective Classification for Deep Neural Networks" (2017).
    """
    answered, accuracy = curve["answered"].to_numpy(), curve["accuracy"].to_numpy()
    steps = np.diff(np.concatenate([[0.0], answered]))
    return float((steps * accuracy).sum())


def at_shares(curve: pl.DataFrame, shares: tuple[float, ...] = SHARES) -> list[dict[str, Any]]:
    """The curve at a few shares: the fewest surest photos that are at least so many."""
    answered = curve["answered"].to_numpy()
    rows = [int(np.searchsorted(answered, share - 1e-9)) for share in shares]
    return [curve.row(min(row, curve.height - 1), named=True) for row in rows] if curve.height else []


def best_possible(is_right: ArrayLike) -> Array:
    """The curve of a confidence that puts every right answer first, at each of the N shares."""
    right = np.sort(np.asarray(is_right, dtype=np.float64))[::-1]
    return right.cumsum() / np.arange(1, len(right) + 1)
