"""Means over seeds, with Student's intervals. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from graticule.training.experiments.measures import Kind

LEVEL: Final = 0.95
"""The share of experiments whose intervals hold the mean over all seeds, were results Gaussian."""

NOTHING: Final = "–"
"""What a table writes where there is no number."""


@dataclass(frozen=True)
class Mean:
    """A mean over seeds.

    Convention:
        - ``half_width``: of Student's interval at ``LEVEL``; NaN of one value
        - ``count``: how many seeds
    """

    value: float
    half_width: float
    count: int

    def words(self, kind: Kind) -> str:
        """As a table writes it: ``17.2 ± 3.4``, or ``17.2`` of one seed."""
        if not self.count:
            return NOTHING
        if math.isnan(self.half_width):
            return kind.words(self.value)
        return f"{kind.words(self.value)} ± {kind.words(self.half_width)}"

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.count > 1 and abs(self.value) > self.half_width


def mean_over_seeds(values: Sequence[float]) -> Mean:
    """Mean and Student's interval; without values NaN.

    Convention:
        - of one value there is no interval: ``half_width`` is NaN

    Example:
        >>> mean = mean_over_seeds([1.0, 2.0, 3.0])
        >>> mean.value, round(mean.half_width, 3)
        (2.0, 2.484)
    """
    from scipy import stats

    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers):
        return Mean(math.nan, math.nan, 0)
    if len(numbers) < 2:
        return Mean(float(numbers[0]), math.nan, 1)
    error = float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    half = float(stats.t.ppf(0.5 + LEVEL / 2, len(numbers) - 1)) * error
    return Mean(float(numbers.mean()), half, len(numbers))
