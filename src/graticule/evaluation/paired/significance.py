"""Paired tests, as pure functions on the errors of two models for the same photos."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.evaluation.intervals import CHUNK_NUMBERS
from graticule.evaluation.protocols import Array
from graticule.evaluation.shares import mcnemar_p

MOST_EXACT: Final = 12
"""Up to so many photos or groups every sign is tried."""

MOST_SIGNS: Final = 100_000_000
"""Beyond, so many signs are drawn, or 999 for each photo."""


class Outcome(NamedTuple):
    """A statistic and its two-sided p-value; both NaN where the test says nothing, as for one photo."""

    statistic: float
    p: float


def paired_t_test(a: ArrayLike, b: ArrayLike) -> Outcome:
    """Student's t-test of the mean difference of pairs, a - b; two-sided.

    Convention:
        - shape (N,), finite; where all differences are the same and not 0, p is 0; where all are 0, p is 1

    Source:
        As in section 5.3 of K. Yang, "Self-supervised Learning for Image-based Geolocation", DTU (2024).

    Example:
        >>> outcome = paired_t_test([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
        >>> round(outcome.statistic, 4), round(outcome.p, 4)
        (1.7321, 0.2254)
    """
    from scipy import stats

    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    if not np.any(differences):
        return Outcome(0.0, 1.0) if len(differences) else Outcome(math.nan, math.nan)
    if len(differences) < 2:
        return Outcome(math.nan, math.nan)
    spread = differences.std(ddof=1) / math.sqrt(len(differences))
    if spread == 0:
        return Outcome(math.copysign(math.inf, differences[0]), 0.0)
    t = float(differences.mean() / spread)
    return Outcome(t, float(2 * stats.t.sf(abs(t), len(differences) - 1)))


def wilcoxon_test(a: ArrayLike, b: ArrayLike) -> Outcome:
    """Wilcoxon's signed-rank test of pairs, two-sided, normal approximation with ties; few are exact.

    Convention:
        - shape (N,), finite; pairs without a difference keep their ranks (Pratt) and are not dropped
        - the statistic is the sum of the ranks where ``a`` is larger

    Source:
        F. Wilcoxon (1945); J. W. Pratt, "Remarks on zeros and ties in the Wilcoxon signed rank
        procedures", JASA 54 (1959).

    Example:
        >>> wilcoxon_test([1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 0]).p
        0.03125
    """
    from scipy import stats

    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    if not np.any(differences):
        return Outcome(0.0, 1.0) if len(differences) else Outcome(math.nan, math.nan)
    sizes = np.abs(differences)
    is_tied = bool((sizes == 0).any()) or len(np.unique(sizes)) < len(sizes)
    method = "exact" if len(differences) <= 50 and not is_tied else "approx"
    found = stats.wilcoxon(differences, zero_method="pratt", alternative="greater", method=method)
    both = stats.wilcoxon(differences, zero_method="pratt", method=method)
    return Outcome(float(found.statistic), float(both.pvalue))


def mcnemar_test(is_right_a: ArrayLike, is_right_b: ArrayLike) -> Outcome:
    """McNemar's exact test: of the photos that only one model has right, is either model's share too large?

    Convention:
        - shape (N,); the statistic is the number that only ``a`` has right less that of ``b``
        - exact, by the binomial distribution, for any number of photos

    Source:
        Q. McNemar, Psychometrika 12 (1947).

    Example:
        >>> mcnemar_test([True] * 6 + [False], [False] * 6 + [False])
        Outcome(statistic=6.0, p=0.03125)
    """
    a, b = np.asarray(is_right_a, dtype=bool), np.asarray(is_right_b, dtype=bool)
    return Outcome(float(np.count_nonzero(a) - np.count_nonzero(b)), mcnemar_p(a, b))


def sign_flip_test(
    a: ArrayLike, b: ArrayLike, *, groups: NDArray[np.int64] | None = None, seed: int = 0
) -> Outcome:
    """Permutation test of the mean difference of pairs, a - b: what if the two models were interchangeable?

    Then the sign of each difference would be a coin's. All signs are tried for a few photos, else thousands
    of draws of signs; for groups of photos each group has one sign.

    Convention:
        - shape (N,), finite; ``groups``: 0..G-1, shape (N,); the statistic is the mean difference
        - the p-value never claims more than the draws can show

    Source:
        R. A. Fisher, "The Design of Experiments" (1935), 21; counted as in B. Phipson, G. K. Smyth,
        "Permutation P-values should never be zero" (2010).

    Example:
        >>> sign_flip_test([2.0, 3.0, 4.0], [1.0, 1.0, 1.0])
        Outcome(statistic=2.0, p=0.25)
    """
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    if not len(differences):
        return Outcome(math.nan, math.nan)
    return sign_flip_tests(differences[:, None], groups=groups, seed=seed)[0]


def sign_flip_tests(
    differences: ArrayLike, *, groups: NDArray[np.int64] | None = None, seed: int = 0
) -> list[Outcome]:
    """``sign_flip_test`` of several figures at once, with the same signs.

    Convention:
        - ``differences``: a - b of each photo and figure, shape (N, M), finite; M results

    Example:
        >>> [outcome.p for outcome in sign_flip_tests([[1.0, 1.0], [1.0, 3.0], [-2.0, 2.0]])]
        [1.0, 0.25]
    """
    each = np.asarray(differences, dtype=np.float64)
    sums = each
    if groups is not None:
        sums = np.stack([np.bincount(groups, weights=column) for column in each.T], axis=1)
    found, slack = np.abs(sums.sum(axis=0)), 1e-12 * np.abs(sums).sum(axis=0)
    means = each.mean(axis=0)
    if len(sums) <= MOST_EXACT:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(sums))))
        p_values = np.mean(np.abs(signs @ sums) >= found - slack, axis=0)
    else:
        random, draws = np.random.default_rng(seed), int(np.clip(MOST_SIGNS // len(sums), 999, 9999))
        as_far, at_once = np.zeros(len(found)), max(1, CHUNK_NUMBERS // len(sums))
        for start in range(0, draws, at_once):
            signs = random.integers(0, 2, (min(at_once, draws - start), len(sums)), dtype=np.int8)
            # signs of 0 and 1 for -1 and 1: twice the sum of those kept, less the sum of all
            as_far += (np.abs(2 * (signs @ sums) - sums.sum(axis=0)) >= found - slack).sum(axis=0)
        p_values = (as_far + 1) / (draws + 1)
    return [Outcome(float(mean), float(p)) for mean, p in zip(means, p_values, strict=True)]


def signed_ranks(a: ArrayLike, b: ArrayLike) -> Array:
    """Wilcoxon's ranks of the sizes of a - b, with its signs; 0 where nothing differs (Pratt).

    Example:
        >>> signed_ranks([3.0, 1.0, 2.0], [0.0, 2.0, 2.0]).tolist()
        [3.0, -2.0, 0.0]
    """
    from scipy import stats

    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    ranks: Array = stats.rankdata(np.abs(differences)) * np.sign(differences)
    return ranks


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number: Holm's step-down, which holds however the tests depend.

    Convention:
        - NaN stays NaN and is not counted

    Source:
        S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    known = [index for index, p in enumerate(p_values) if not math.isnan(p)]
    found = [math.nan] * len(p_values)
    least = 0.0
    for step, index in enumerate(sorted(known, key=lambda index: p_values[index])):
        least = max(least, min(1.0, (len(known) - step) * p_values[index]))
        found[index] = least
    return found
