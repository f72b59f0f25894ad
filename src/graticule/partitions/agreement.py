"""How far two groupings of the same things agree, whatever their groups are called."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import UsageError

Array = NDArray[np.float64]


class Agreement(NamedTuple):
    """Two measures of one comparison.

    Convention:
        - ``ari``: adjusted Rand index: pairs grouped alike, 0 by chance and 1 when equal; may be below 0
        - ``nmi``: mutual information over the mean of both entropies, 0 to 1
        - ``things``: how many were compared
    """

    ari: float
    nmi: float
    things: int


def agreement(one: ArrayLike, other: ArrayLike, weights: ArrayLike | None = None) -> Agreement:
    """Adjusted Rand index and normalised mutual information of two groupings.

    Convention:
        - ``one``, ``other``: (N,) labels of any kind, of the same things in the same order
        - ``weights``: (N,) how many things each stands for, whole; 1 each when left out
        - two groupings that both are one group, or all singles, agree fully

    Raises:
        UsageError: the groupings differ in length, or are empty.

    Source:
        L. Hubert, P. Arabie, "Comparing partitions" (1985); entropies averaged as in scikit-learn.

    Example:
        >>> same = agreement(["a", "a", "b", "b"], [7, 7, 3, 3])
        >>> same.ari, round(same.nmi, 12)
        (1.0, 1.0)
    """
    rows, columns = (np.unique(np.asarray(each), return_inverse=True)[1] for each in (one, other))
    if len(rows) != len(columns) or not len(rows):
        raise UsageError(
            f"Groupings of {len(rows)} and {len(columns)} things cannot be compared.\n"
            "Give a group for each thing, in the same order."
        )
    mass = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
    # Only pairs of groups that meet: two partitions of 10,000 cells need no table of 100 million.
    width = int(columns.max()) + 1
    pair, of_pair = np.unique(rows * width + columns, return_inverse=True)
    both, first, second = (_sums(each, mass) for each in (of_pair, rows, columns))
    total = float(mass.sum())
    entropy = (_entropy(first, total) + _entropy(second, total)) / 2
    shared = _mutual(both, first[pair // width], second[pair % width], total)
    return Agreement(
        ari=_rand(both, first, second, total),
        nmi=shared / entropy if entropy > 0 else 1.0,  # both are one group
        things=round(total),
    )


def _sums(labels: NDArray[np.intp], mass: Array) -> Array:
    return np.bincount(labels, mass).astype(np.float64)


def _rand(both: Array, first: Array, second: Array, total: float) -> float:
    together, one, other = (float((each * (each - 1) / 2).sum()) for each in (both, first, second))
    pairs = total * (total - 1) / 2
    by_chance = one * other / pairs if pairs else 0.0
    most = (one + other) / 2
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)


def _mutual(both: Array, first: Array, second: Array, total: float) -> float:
    some = both > 0
    share = both[some] / total
    return float((share * np.log(both[some] * total / (first[some] * second[some]))).sum())


def _entropy(sizes: Array, total: float) -> float:
    share = sizes[sizes > 0] / total
    return float(-(share * np.log(share)).sum())
