"""From answers and truth to the figures of ``metrics.json``, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from graticule.config import THRESHOLDS_KM
from graticule.evaluation import metrics
from graticule.evaluation.answers import Answers
from graticule.evaluation.baselines import TOP_K, Baselines
from graticule.evaluation.curves import CURVE_KM
from graticule.evaluation.ground_truth import GroundTruth, is_known
from graticule.evaluation.intervals import LEVEL, RESAMPLES, Distribution, Ratio, Resamples, resample
from graticule.evaluation.protocols import Array, Protocol
from graticule.evaluation.verdicts import against_constant

GOALS: Final = (*(f"{limit}" for limit in THRESHOLDS_KM), "median_km", "mean_km", "geoscore")
"""The figures for which there is a best constant guess."""


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are made: ``resamples`` bootstrap samples (0: none), ``level`` a share, the ``seed``."""

    resamples: int = RESAMPLES
    level: float = LEVEL
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Comparison:
    """Answers beside the truth of the same N photos, and all figures that follow.

    Convention:
        - ``errors_km``: shape (N,), infinite without an answer
        - figures are shares in [0, 1], km or points; None where one does not exist
    """

    answers: Answers
    truth: GroundTruth
    errors_km: Array
    baselines: Baselines
    protocol: Protocol
    resampling: Resampling

    @cached_property
    def ratios(self) -> dict[str, Ratio]:
        """Every figure that is a mean over photos; those of the constant guess begin with "constant"."""
        constant = self.baselines.constant_errors_km
        found = {
            "mean_km": Ratio(self.errors_km, self.answers.answered),
            "geoscore": Ratio(self.protocol.geoscore(self.errors_km)),
            "constant mean_km": Ratio(constant["mean_km"]),
            "constant geoscore": Ratio(self.protocol.geoscore(constant["geoscore"])),
        }
        for limit in THRESHOLDS_KM:
            found[f"{limit}"] = Ratio(self.protocol.is_within(self.errors_km, limit))
            found[f"constant {limit}"] = Ratio(self.protocol.is_within(constant[f"{limit}"], limit))
        return found | self._ratios_of_countries | self._ratios_of_cells

    @property
    def _ratios_of_countries(self) -> dict[str, Ratio]:
        known = is_known(self.truth.countries)
        right = self.answers.countries == self.truth.countries
        return {"country_accuracy": Ratio(right, known)} if known.any() else {}

    @property
    def _ratios_of_cells(self) -> dict[str, Ratio]:
        partition, cells = self.truth.partition, self.truth.cells
        if partition is None or cells is None:
            return {}
        found = {
            f"top {k}": Ratio(metrics.is_in_top_k(cells, self.answers.ranked_cells, k))
            for k in TOP_K
            if self.answers.listed >= min(k, partition.count)
        }
        counted = self.answers.answered & (cells != metrics.NO_CELL)
        to_centre = np.full(len(self.truth), np.inf)
        to_centre[counted] = self.protocol.distance_km(
            self.answers.latlon[counted], np.asarray(partition.centres)[cells[counted]]
        )
        found["true_cell_centre_km"] = Ratio(to_centre, counted)
        if self.answers.is_in_region is not None:
            found["coverage_90"] = Ratio(self.answers.is_in_region)
        return found

    @cached_property
    def resamples(self) -> Resamples | None:
        """All figures on bootstrap samples of the photos, or of their groups; None when not wanted."""
        if not self.resampling.resamples:
            return None
        constant = self.baselines.constant_errors_km["median_km"]
        return resample(
            self.ratios,
            {
                "median_km": Distribution(self.errors_km, CURVE_KM),
                "constant median_km": Distribution(constant),
            },
            groups=self.truth.groups,
            resamples=self.resampling.resamples,
            seed=self.resampling.seed,
        )

    def figures(self) -> dict[str, Any]:
        """The model's figures, as ``metrics.json`` names them."""
        return {
            "n": len(self.truth),
            "n_answered": int(self.answers.answered.sum()),
            "n_failed": int((~self.answers.answered).sum()),
            "n_country": sum(self.truth.country_counts.values()),
            "n_covered": None
            if self.truth.cells is None
            else int((self.truth.cells != metrics.NO_CELL).sum()),
            "median_km": metrics.median_km(self.errors_km),
            "mean_km": metrics.mean_km(self.errors_km),
            "within_km": {f"{limit}": self._mean(f"{limit}") for limit in THRESHOLDS_KM},
            "geoscore": self._mean("geoscore"),
            "top_k": {f"{k}": self._mean(f"top {k}") for k in TOP_K},
            "country_accuracy": self._mean("country_accuracy"),
            "true_cell_centre_km": self._mean("true_cell_centre_km"),
            "ece": self._calibration_error(),
            "coverage_90": self._mean("coverage_90"),
        }

    def intervals(self) -> dict[str, Any] | None:
        """The interval of each figure in the same shape, and how it was made."""
        drawn = self.resamples
        if drawn is None:
            return None
        level = self.resampling.level

        def of(name: str) -> tuple[float, float] | None:
            return drawn.interval(name, level=level) if name in self.ratios or name == "median_km" else None

        single = (
            "median_km",
            "mean_km",
            "geoscore",
            "country_accuracy",
            "true_cell_centre_km",
            "coverage_90",
        )
        groups = self.truth.groups
        return {
            "method": "percentile bootstrap",
            "level": level,
            "resamples": self.resampling.resamples,
            "seed": self.resampling.seed,
            "unit": "photo" if groups is None else "group",
            "units": len(self.truth) if groups is None else int(groups.max()) + 1,
            **{name: of(name) for name in single},
            "within_km": {f"{limit}": of(f"{limit}") for limit in THRESHOLDS_KM},
            "top_k": {f"{k}": of(f"top {k}") for k in TOP_K},
        }

    def against_constant(self, baselines: dict[str, Any]) -> dict[str, Any]:
        """The comparison with the best constant guess for each goal; ``baselines``: the finished part."""
        constant, found = baselines["constant"], {}
        for goal in GOALS:
            value = metrics.median_km(self.errors_km) if goal == "median_km" else self._mean(goal)
            interval = None
            if self.resamples is not None:
                interval = self.resamples.interval(
                    goal, minus=f"constant {goal}", level=self.resampling.level
                )
            against = constant[goal] if goal in constant else constant["within_km"][goal]
            found[goal] = against_constant(goal, value, against, constant["places"][goal]["name"], interval)
        return found

    def _mean(self, name: str) -> float | None:
        if name not in self.ratios:
            return None
        ratio = self.ratios[name]
        values = np.asarray(ratio.values, dtype=np.float64)
        counted = values if ratio.counted is None else values[ratio.counted]
        return float(counted.mean()) if counted.size else None

    def _calibration_error(self) -> float | None:
        """Expected calibration error of the best cell's confidence, over the photos that state one."""
        if "top 1" not in self.ratios:
            return None
        stated = self.answers.answered & ~np.isnan(self.answers.confidence)
        right = np.asarray(self.ratios["top 1"].values)[stated]
        if not stated.any():
            return None
        return metrics.expected_calibration_error(self.answers.confidence[stated], right)
