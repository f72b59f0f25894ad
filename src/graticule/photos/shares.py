"""Whole numbers in given proportions: how many photos each split, or each part of a cell, is to get."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import UsageError


def apportion(weights: ArrayLike, total: int) -> NDArray[np.int64]:
    """``total`` things shared out in proportion to ``weights``, by largest remainder.

    Each gets its quota rounded down; what is left goes, one each, to the largest remainders, then to the
    larger weight, then to the first. When the weights are counts that add up to at least ``total``, nobody
    gets more than its count.

    Convention:
        - ``weights``: (n,), not negative, not all zero unless ``total`` is 0
        - the result: (n,), it adds up to ``total``

    Raises:
        UsageError: a weight is negative or not finite, all are zero, or ``total`` is negative.

    Source:
        Hamilton's method; M. Balinski, H. P. Young, "Fair Representation" (1982), chapter 3.

    Example:
        >>> apportion([50, 30, 20], 7).tolist()
        [4, 2, 1]
    """
    parts = np.asarray(weights, dtype=np.float64)
    whole = parts.sum()
    if total < 0 or not np.isfinite(whole) or (parts < 0).any() or (total > 0 and whole == 0):
        raise UsageError(
            f"{total} things cannot be shared out by the weights {parts[:8].tolist()}.\n"
            "Give weights that are not negative, at least one of them above zero, and a total of 0 or more."
        )
    if total == 0:
        return np.zeros(len(parts), dtype=np.int64)
    quota = parts * (total / whole)
    # a quota that is whole but for rounding is whole: 3 * (1 / 3) must not leave a remainder of almost 1
    nearest = np.rint(quota)
    quota = np.where(np.abs(quota - nearest) < 1e-9 * np.maximum(nearest, 1), nearest, quota)
    shares: NDArray[np.int64] = np.floor(quota).astype(np.int64)
    order = np.lexsort([np.arange(len(parts)), -parts, -np.round(quota - shares, 9)])
    shares[order[: total - int(shares.sum())]] += 1
    return shares
