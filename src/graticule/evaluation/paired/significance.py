"""Paired tests, as pure functions on the errors of two models for the same photos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from graticule.evaluation.protocols import Array


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
    from scipy import stats

    a, b = np.asarray(is_right_a, dtype=bool), np.asarray(is_right_b, dtype=bool)
    only_a, only_b = int(np.count_nonzero(a & ~b)), int(np.count_nonzero(b & ~a))
    if only_a + only_b == 0:
        return Outcome(0.0, 1.0)
    p = min(1.0, 2 * float(stats.binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)))
    return Outcome(float(only_a - only_b), p)


def bootstrap_p(differences: Array) -> float:
    """Two-sided p-value of resampled differences: twice the smaller share on either side of 0.

    Convention:
        - shape (B,), NaN where a resample cannot tell; never below 2 / (B + 1), since no finite number of
          resamples proves more

    Example:
        >>> round(bootstrap_p(np.arange(1.0, 200.0)), 3)
        0.01
    """
    known = differences[~np.isnan(differences)]
    if not known.size:
        return math.nan
    below, above = np.count_nonzero(known <= 0), np.count_nonzero(known >= 0)
    return float(min(1.0, 2 * (min(below, above) + 1) / (known.size + 1)))


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
