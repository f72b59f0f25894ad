"""From answers and truth to the figures of ``metrics.json``, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from graticule.config import THRESHOLDS_KM
from graticule.evaluation import metrics
from graticule.evaluation.answers import Answers
from graticule.evaluation.areas import LEVELS
from graticule.evaluation.baselines import TOP_K, Baselines
from graticule.evaluation.classification import FIGURES, ClassCounts, class_statistic
from graticule.evaluation.curves import CURVE_KM
from graticule.evaluation.ground_truth import GroundTruth, continents_of
from graticule.evaluation.intervals import (
    METHOD,
    Distribution,
    Interval,
    Ratio,
    Resamples,
    Sampling,
    Statistic,
    resample,
)
from graticule.evaluation.labels import Labels
from graticule.evaluation.protocols import Array, Protocol
from graticule.evaluation.recall_against_area import AREAS_KM2, searched_km2
from graticule.evaluation.shares import mcnemar_p
from graticule.evaluation.verdicts import against_constant

GOALS: Final = (*(f"{limit}" for limit in THRESHOLDS_KM), "median_km", "mean_km", "geoscore")
"""The figures for which there is a best constant guess."""

SINGLE: Final = (
    "median_km",
    "mean_km",
    "geoscore",
    "country_accuracy",
    "true_cell_centre_km",
    "coverage_90",
    "ece",
)
"""Figures that are one number each."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Answers beside the truth of the same N photos, and all figures that follow.

    Convention:
        - ``errors_km``: shape (N,), infinite without an answer
        - ``areas``: right photos by rule and level, such as "nearest_town" and "city"
        - figures are shares in [0, 1], km or points; None where one does not exist
    """

    answers: Answers
    truth: GroundTruth
    errors_km: Array
    baselines: Baselines
    protocol: Protocol
    sampling: Sampling
    areas: Mapping[str, Mapping[str, Ratio]] = field(default_factory=dict)

    @cached_property
    def ratios(self) -> dict[str, Ratio]:
        """Every figure of the model that is a mean over photos."""
        found = {
            "mean_km": Ratio(self.errors_km, self.answers.answered),
            "geoscore": Ratio(self.protocol.geoscore(self.errors_km)),
        }
        for limit in THRESHOLDS_KM:
            found[f"{limit}"] = Ratio(self.protocol.is_within(self.errors_km, limit))
        return found | self._ratios_of_areas | self._ratios_of_cells

    @property
    def _ratios_of_areas(self) -> dict[str, Ratio]:
        found = {}
        if self.truth.country.is_known.any():
            right = Ratio(self.answers.country.agrees_with(self.truth.country), self.truth.country.is_known)
            found = {"country_accuracy": right}
        for rule, levels in self.areas.items():
            found |= {f"{rule} {level}": ratio for level, ratio in levels.items()}
        asked = {"nearest-town": "nearest_town country", "polygon": "polygon country"}
        if self.protocol.area_rule in asked and asked[self.protocol.area_rule] in found:
            found["country_accuracy"] = found[asked[self.protocol.area_rule]]
        return found

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
        if self.answers.listed:
            searched = searched_km2(self.answers.ranked_cells, cells, partition.areas_km2)
            found |= {f"on {area:g} km2": Ratio(searched <= area) for area in AREAS_KM2}
        return found

    @cached_property
    def class_pairs(self) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], int]]:
        """True and answered class of each photo, and the number of classes, by kind of class."""
        truth, answers = self.truth, self.answers
        pairs = {
            "country": _common(truth.country, answers.country),
            "continent": _common(truth.continent, continents_of(answers.country)),
        }
        if truth.cells is not None and truth.partition is not None and answers.listed:
            pairs["cell"] = (truth.cells, answers.ranked_cells[:, 0], truth.partition.count)
        return pairs

    @cached_property
    def resamples(self) -> Resamples | None:
        """All figures on bootstrap samples of the photos, or of their groups; None when not wanted."""
        if not self.sampling.resamples:
            return None
        constant = self.baselines.constant_errors_km
        beside = {
            "constant mean_km": Ratio(constant["mean_km"]),
            "constant geoscore": Ratio(self.protocol.geoscore(constant["geoscore"])),
            **{f"constant {limit}": Ratio(flags) for limit, flags in self.baselines.constant_within.items()},
            **{
                f"{kind} accuracy": Ratio((true == said) & (true >= 0), true >= 0)
                for kind, (true, said, _) in self.class_pairs.items()
            },
        }
        statistics: dict[str, Statistic] = {
            kind: class_statistic(*pair) for kind, pair in self.class_pairs.items()
        }
        if (stated := self._stated()) is not None:
            statistics["ece"] = metrics.calibration_statistic(*stated)
        return resample(
            self.ratios | beside,
            {
                "median_km": Distribution(self.errors_km, CURVE_KM),
                "constant median_km": Distribution(constant["median_km"]),
            },
            statistics=statistics,
            groups=self.sampling.groups,
            resamples=self.sampling.resamples,
            seed=self.sampling.seed,
        )

    def figures(self) -> dict[str, Any]:
        """The model's figures, as ``metrics.json`` names them."""
        cells = self.truth.cells
        return {
            "n": len(self.truth),
            "n_answered": int(np.count_nonzero(self.answers.answered)),
            "n_failed": int(np.count_nonzero(~self.answers.answered)),
            "n_country": sum(self.truth.country.counts.values()),
            "n_covered": None if cells is None else int(np.count_nonzero(cells != metrics.NO_CELL)),
            "median_km": metrics.median_km(self.errors_km),
            "mean_km": self._mean("mean_km"),
            "within_km": {f"{limit}": self._mean(f"{limit}") for limit in THRESHOLDS_KM},
            "geoscore": self._mean("geoscore"),
            "top_k": {f"{k}": self._mean(f"top {k}") for k in TOP_K},
            "country_accuracy": self._mean("country_accuracy"),
            "true_cell_centre_km": self._mean("true_cell_centre_km"),
            "ece": self._calibration_error(),
            "coverage_90": self._mean("coverage_90"),
            "areas": self._areas(self._mean),
            "classes": {kind: ClassCounts.of(*pair).figures() for kind, pair in self.class_pairs.items()},
            "recall_against_area": self._on_ground(self._mean),
        }

    def intervals(self) -> dict[str, Any] | None:
        """The interval of each figure in the same shape, and how it was made."""
        drawn = self.resamples
        if drawn is None:
            return None
        level, names = self.sampling.level, drawn.names

        def of(name: str) -> Interval | None:
            return drawn.interval(name, level=level) if name in names else None

        groups = self.sampling.groups
        return {
            "method": METHOD,
            "level": level,
            "resamples": self.sampling.resamples,
            "seed": self.sampling.seed,
            "unit": "photo" if groups is None else "group",
            "units": len(self.truth) if groups is None else int(groups.max()) + 1,
            **{name: of(name) for name in SINGLE},
            "ece": self._calibration_interval(drawn, level),
            "within_km": {f"{limit}": of(f"{limit}") for limit in THRESHOLDS_KM},
            "top_k": {f"{k}": of(f"top {k}") for k in TOP_K},
            "areas": self._areas(of),
            "classes": {kind: {name: of(f"{kind} {name}") for name in FIGURES} for kind in self.class_pairs},
            "recall_against_area": self._on_ground(of),
            "constant": {
                **{name: of(f"constant {name}") for name in ("median_km", "mean_km", "geoscore")},
                "within_km": {f"{limit}": of(f"constant {limit}") for limit in THRESHOLDS_KM},
            },
        }

    def against_constant(self, baselines: dict[str, Any]) -> dict[str, Any]:
        """The comparison with the best constant guess for each goal; ``baselines``: the finished part."""
        constant, found = baselines["constant"], {}
        for goal in GOALS:
            value = metrics.median_km(self.errors_km) if goal == "median_km" else self._mean(goal)
            interval = None
            if self.resamples is not None:
                interval = self.resamples.interval(goal, minus=f"constant {goal}", level=self.sampling.level)
            against = constant[goal] if goal in constant else constant["within_km"][goal]
            p = None
            if interval is not None and goal in self.baselines.constant_within:
                p = mcnemar_p(self.ratios[goal].values, self.baselines.constant_within[goal])
            found[goal] = against_constant(
                goal, value, against, constant["places"][goal]["name"], interval, p=p
            )
        return found

    def _mean(self, name: str) -> float | None:
        if name not in self.ratios:
            return None
        mean = self.ratios[name].mean
        return None if np.isnan(mean) else mean

    def _areas(self, of: Any) -> dict[str, dict[str, Any]]:
        """Right country and so on by rule; ``of`` gives the figure, or its interval, of a ratio."""
        polygons = ("country", *(name for name in self.areas.get("polygon", {}) if name != "country"))
        return {
            "polygon": {level: of(f"polygon {level}") for level in polygons},
            "nearest_town": {level: of(f"nearest_town {level}") for level in LEVELS},
        }

    def _on_ground(self, of: Any) -> dict[str, Any] | None:
        if f"on {AREAS_KM2[0]:g} km2" not in self.ratios:
            return None
        return {f"{area:.0f}": of(f"on {area:g} km2") for area in AREAS_KM2}

    def _stated(self) -> tuple[Array, np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
        """Confidence, whether right, and which photos state one."""
        stated = self.answers.answered & ~np.isnan(self.answers.confidence)
        if "top 1" not in self.ratios or not stated.any():
            return None
        return self.answers.confidence, np.asarray(self.ratios["top 1"].values), stated

    def _calibration_interval(self, drawn: Resamples, level: float) -> Interval | None:
        error = self._calibration_error()
        return None if error is None else drawn.gap_interval("ece ece", "ece noise", error, level=level)

    def _calibration_error(self) -> float | None:
        """Expected calibration error of the best cell's confidence, over the photos that state one."""
        found = self._stated()
        if found is None:
            return None
        confidence, right, stated = found
        return metrics.expected_calibration_error(confidence[stated], right[stated])


def _common(truth: Labels, answers: Labels) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], int]:
    """Both as indices of the same classes; the answered class of a photo of no country is not counted."""
    names = (*truth.names, *(name for name in answers.names if name not in set(truth.names)))
    return truth.index, np.where(truth.is_known, answers.among(names), -1), len(names)
