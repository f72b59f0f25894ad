"""How sure a figure is: bootstrap intervals, by photo or by group of photos.

Photos are drawn with replacement, as many as there are, and every figure is computed again. Photos of
one author or one trip are not independent; where groups are known, whole groups are drawn.

A resample is a count per photo, so every mean of all resamples is one matrix product, and a median is
found in a running sum over the sorted errors: nothing is sorted again. All figures come from the same
resamples, so that the difference of two of them is a paired comparison.

Where photos cannot tell, resampling them cannot either: of no hit at all it would say 0 to 0. A share of few
hits or few misses has an exact interval instead, and a figure of fewer than six photos or groups has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import UsageError
from graticule.evaluation.protocols import Array
from graticule.evaluation.shares import Share

LEVEL: Final = 0.95
RESAMPLES: Final = 1000

MOST_RESAMPLES: Final = 1_000_000

METHOD: Final = "percentile bootstrap (shares of few hits or few misses: exact)"
"""How intervals are made, in words."""

LEAST_UNITS: Final = 6
"""Of fewer photos or groups not even the least and the greatest hold the median 95 times in 100."""

CHUNK_NUMBERS: Final = 4_000_000
"""Counts held at once; 32 MB."""

Interval = tuple[float, float]

Statistic = Callable[[Array], Mapping[str, float]]
"""Figures, by name, of photos that count as often as their weight, shape (N,), says."""


@dataclass(frozen=True, eq=False, slots=True)
class Sampling:
    """How intervals are made.

    Convention:
        - ``resamples``: bootstrap samples; ``level``: a share
        - ``groups``: (N,) group index 0..G-1 of each photo, then groups are drawn; None draws photos
    """

    resamples: int = RESAMPLES
    level: float = LEVEL
    seed: int = 0
    groups: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Check the words.

        Raises:
            UsageError: too few resamples to have a percentile at each end, absurdly many, or no level.
        """
        if not 0 < self.level < 1:
            raise UsageError(f"An interval's level is a share in (0, 1), not {self.level:g}.\nTake 0.95.")
        least = math.ceil(2 / (1 - self.level) - 1e-9)
        if self.resamples and not least <= self.resamples <= MOST_RESAMPLES:
            raise UsageError(
                f"An interval of {100 * self.level:g} % takes {least} to {MOST_RESAMPLES:,} resamples, not "
                f"{self.resamples:,}.\nTake {RESAMPLES:,}, or 0 for no intervals."
            )


@dataclass(frozen=True, eq=False, slots=True)
class Ratio:
    """A figure that is a mean over photos, or over those of them that are counted.

    Convention:
        - ``values``: one number per photo, shape (N,); of true and false, the figure is the share of true
        - ``counted``: shape (N,), which photos enter the mean, or how often; all once when None
    """

    values: NDArray[np.generic]
    counted: NDArray[np.generic] | None = None

    @property
    def mean(self) -> float:
        """The figure itself; NaN where no photo counts."""
        if self.counted is None:
            if self.values.dtype == np.bool_:
                return float(np.count_nonzero(self.values) / len(self.values))
            return float(self.values.mean(dtype=np.float64))
        counted = self.counted
        if counted.dtype == np.bool_:
            kept = self.values[counted]
            return float(kept.mean(dtype=np.float64)) if kept.size else float("nan")
        total = float(counted.sum(dtype=np.float64))
        return float(self.values[counted != 0].sum(dtype=np.float64)) / total if total else float("nan")


@dataclass(frozen=True, eq=False, slots=True)
class Distribution:
    """Errors whose median is wanted, and the share of them up to certain distances.

    Convention:
        - ``errors_km``: shape (N,), may be infinite; ``distances_km``: shape (P,), empty when not wanted
        - ``counted``: shape (N,), which photos it is of; all when None
    """

    errors_km: Array
    distances_km: Array | None = None
    counted: NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Resamples:
    """The figures of every resample.

    Convention:
        - ``ratios``, ``medians``: one value per resample, shape (B,), by name
        - ``curves``: shares in [0, 1], shape (B, P), by name
        - ``others``: further statistics, shape (B,), by name
        - ``shares``: of the figures that are shares, hits and misses as they were counted; ``units``: on how
          many photos or groups each figure rests
    """

    ratios: dict[str, Array]
    medians: dict[str, Array]
    curves: dict[str, Array]
    others: dict[str, Array] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The figures that have an interval."""
        return {*self.ratios, *self.medians, *self.others}

    def interval(self, name: str, *, minus: str | None = None, level: float = LEVEL) -> Interval:
        """Percentile interval of a figure, or of its difference to the figure ``minus``, paired.

        A share of few hits or few misses has an exact interval. NaN where too few photos or groups are known
        (``LEAST_UNITS``), and for a difference that no photo shows.
        """
        if minus is None and name in self.shares and self.shares[name].is_rare:
            return self.shares[name].interval(level)
        if min(self.units.get(each, LEAST_UNITS) for each in (name, minus or name)) < LEAST_UNITS:
            return float("nan"), float("nan")
        values = self._values(name) if minus is None else self.differences(name, minus)
        low, high = percentile_interval(values, level=level)
        # resampling says nothing of what never happened
        if low == high and (name in self.others or (minus is not None and low == 0)):
            return float("nan"), float("nan")
        return low, high

    def gap_interval(self, name: str, noise: str, figure: float, *, level: float = LEVEL) -> Interval:
        """Interval of a mean of absolute gaps, which chance alone makes larger.

        Resamples lie too high, since chance is in them twice: a perfect model would have an interval without
        0. What chance may have added to the figure is at most the mean absolute change of the gaps.

        Convention:
            - ``noise``: that change in each resample, a figure of its own; ``figure``: of all photos
            - NaN where too few photos or groups are known
        """
        if self.units.get(name, LEAST_UNITS) < LEAST_UNITS:
            return float("nan"), float("nan")
        added = percentile_interval(self._values(noise), level=2 * level - 1)[1]  # one end: all below it
        highest = percentile_interval(self._values(name), level=level)[1]
        return max(0.0, figure - added), max(figure, min(figure + added, highest))

    def differences(self, name: str, minus: str) -> Array:
        """A figure less another on the same resamples, shape (B,)."""
        with np.errstate(invalid="ignore"):  # infinity less infinity: a resample that cannot tell
            return self._values(name) - self._values(minus)

    def _values(self, name: str) -> Array:
        return next(each[name] for each in (self.ratios, self.medians, self.others) if name in each)


def resample(
    ratios: Mapping[str, Ratio],
    distributions: Mapping[str, Distribution] | None = None,
    *,
    statistics: Mapping[str, Statistic] | None = None,
    groups: NDArray[np.int64] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Resamples:
    """Compute figures of N photos again on ``resamples`` bootstrap samples of them.

    Convention:
        - ``statistics``: functions of the photos' weights whose figures are wanted too, each under the
          key, a blank, and the name that the function gives it
        - ``groups``: (N,) group index 0..G-1 of each photo; then groups are drawn, not photos
        - the same ``seed`` gives the same resamples

    Source:
        B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13; groups as
        in A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their Application" (1997), 3.8.

    Example:
        >>> hits = np.arange(400) < 100
        >>> low, high = resample({"share": Ratio(hits)}).interval("share")
        >>> bool(0.20 < low < 0.25 < high < 0.30)
        True
    """
    tables = {name: _Sorted(each, groups) for name, each in (distributions or {}).items()}
    count = _count(ratios, distributions)
    sums = _Sums(ratios, groups, count)
    parts: dict[str, list[Array]] = {name: [] for name in ratios}
    medians: dict[str, list[Array]] = {name: [] for name in tables}
    curves: dict[str, list[Array]] = {name: [] for name in tables}
    others: dict[str, list[float]] = {}
    for counts in _counts(count if groups is None else int(groups.max()) + 1, resamples, seed):
        for name, values in sums.ratios(counts).items():
            parts[name].append(values)
        for name, table in tables.items():
            median, curve = table.figures(counts)
            medians[name].append(median)
            curves[name].append(curve)
        for key, statistic in (statistics or {}).items():
            for row in counts:
                for name, value in statistic(row if groups is None else row[groups]).items():
                    others.setdefault(f"{key} {name}", []).append(value)
    every = count if groups is None else int(groups.max()) + 1
    return Resamples(
        {name: np.concatenate(some) for name, some in parts.items()},
        {name: np.concatenate(some) for name, some in medians.items()},
        {name: np.concatenate(some) for name, some in curves.items()},
        {name: np.array(values, dtype=np.float64) for name, values in others.items()},
        {name: share for name, each in ratios.items() if (share := _share_of(each, groups)) is not None},
        sums.units | {name: table.count for name, table in tables.items()} | dict.fromkeys(others, every),
    )


def _share_of(ratio: Ratio, groups: NDArray[np.int64] | None) -> Share | None:
    """Hits and misses of a figure that is a share; None where it is none."""
    counted = np.ones(1, np.bool_) if ratio.counted is None else ratio.counted
    values = np.asarray(ratio.values)
    if values.dtype != np.bool_ and (
        ratio.counted is None or not ((values == 0) | (values == counted)).all()
    ):
        return None
    return Share.of(values.astype(np.float64) > 0, ratio.counted, groups)


def percentile_interval(values: ArrayLike, *, level: float = LEVEL) -> Interval:
    """The middle ``level`` of resampled values; NaN when no resample has the figure.

    The ends are values that occurred, without interpolation, since between a number and infinity there is
    no middle.

    Example:
        >>> percentile_interval(np.arange(1, 1001.0))
        (25.0, 975.0)
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = np.sort(numbers[~np.isnan(numbers)])
    if not known.size:
        return float("nan"), float("nan")
    ranks = np.ceil(np.array([(1 - level) / 2, (1 + level) / 2]) * known.size - 1e-9).astype(int) - 1
    low, high = known[np.clip(ranks, 0, known.size - 1)]
    return float(low), float(high)


def _count(ratios: Mapping[str, Ratio], distributions: Mapping[str, Distribution] | None) -> int:
    sizes = {len(each.values) for each in ratios.values()}
    sizes |= {len(each.errors_km) for each in (distributions or {}).values()}
    if len(sizes) != 1:
        raise ValueError(f"All figures must be over the same photos, but there are {sorted(sizes)} of them.")
    return sizes.pop()


class _Sums:
    """Sums over each unit that is drawn, so that all means of all resamples are one matrix product."""

    def __init__(self, ratios: Mapping[str, Ratio], groups: NDArray[np.int64] | None, count: int) -> None:
        columns: list[Array] = [np.ones(count)]
        self.places: dict[str, tuple[int, int]] = {}
        self.units: dict[str, int] = {}
        for name, ratio in ratios.items():
            below = 0
            values = np.asarray(ratio.values, dtype=np.float64)
            if ratio.counted is not None:
                values = np.where(ratio.counted != 0, values, 0.0)  # what is not counted may be infinite
                below = len(columns)
                columns.append(ratio.counted.astype(np.float64))
            self.places[name] = (len(columns), below)
            columns.append(values)
        if groups is not None:
            columns = [np.bincount(groups, weights=column).astype(np.float64) for column in columns]
        self.sums = np.stack(columns, axis=1)
        for name, (_, below) in self.places.items():
            self.units[name] = int(np.count_nonzero(self.sums[:, below]))

    def ratios(self, counts: Array) -> dict[str, Array]:
        totals = counts @ self.sums
        with np.errstate(invalid="ignore", divide="ignore"):
            return {name: totals[:, above] / totals[:, below] for name, (above, below) in self.places.items()}


class _Sorted:
    """Errors in ascending order, each with the unit that is drawn."""

    def __init__(self, distribution: Distribution, groups: NDArray[np.int64] | None) -> None:
        order = np.argsort(distribution.errors_km, kind="stable")
        if distribution.counted is not None:
            order = order[distribution.counted[order]]
        self.errors_km = distribution.errors_km[order]
        self.units = order if groups is None else groups[order]
        self.count = len(order) if groups is None else len(np.unique(self.units))
        distances = np.empty(0) if distribution.distances_km is None else distribution.distances_km
        self.up_to = np.searchsorted(self.errors_km, distances, side="right")

    def figures(self, counts: Array) -> tuple[Array, Array]:
        medians, curves = np.empty(len(counts)), np.empty((len(counts), len(self.up_to)))
        for row, count in enumerate(counts):
            running = np.cumsum(count[self.units])
            total = int(running[-1]) if len(running) else 0
            if not total:  # a resample without any of the photos that are counted
                medians[row], curves[row] = np.nan, np.nan
                continue
            # the two middle ones of `total` values, of which value i stands `count` times in a row
            low, high = self.errors_km[np.searchsorted(running, [(total - 1) // 2, total // 2], side="right")]
            medians[row] = low if low == high else (low + high) / 2
            curves[row] = np.where(self.up_to > 0, running[self.up_to - 1], 0.0) / total
        return medians, curves


def _counts(units: int, resamples: int, seed: int) -> Iterator[Array]:
    """How often each unit was drawn, shape (some resamples, units), until all resamples are through."""
    random = np.random.default_rng(seed)
    at_once = max(1, CHUNK_NUMBERS // units)
    for start in range(0, resamples, at_once):
        counts = np.empty((min(at_once, resamples - start), units))
        for row in counts:
            row[:] = np.bincount(random.integers(0, units, size=units, dtype=np.int32), minlength=units)
        yield counts
