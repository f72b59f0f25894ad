"""A model calibrated and judged: scaling, promises, and both measured on photos that neither was fitted on.

In: what the network says of N photos, (N, K), and where they were taken. Out: the numbers that the bundle's
card takes, and a document of what they are worth, before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from graticule.bundle.regions import (
    RegionMethod,
    RegionRule,
    distances_km,
    promise_key,
)
from graticule.bundle.scaling import scaled, temper
from graticule.errors import UsageError
from graticule.evaluation.calibration.conformal import fit_promises, fit_raps
from graticule.evaluation.calibration.held_out import Answer, effective_photos, judge_cards
from graticule.evaluation.calibration.inputs import Cells
from graticule.evaluation.calibration.parts import JUDGE, NAMES, REGIONS, SCALE, check_parts, split_parts
from graticule.evaluation.calibration.sample import Sample
from graticule.evaluation.calibration.scaling import fit_platt, fit_temperature, fit_vector

if TYPE_CHECKING:
    from graticule.bundle import BundleCard, Scaling
    from graticule.partitions import Partition

ScalingMethod = Literal["temperature", "vector", "platt", "none"]
SCALING_METHODS: tuple[ScalingMethod, ...] = ("temperature", "vector", "platt", "none")


@dataclass(frozen=True)
class CalibrationSettings:
    """What to fit.

    Convention:
        - ``promises``: coverages, shares in (0, 1)
        - ``by``: "continent" gives each continent with enough photos thresholds of its own
    """

    scaling: ScalingMethod = "temperature"
    regions: RegionMethod = "aps"
    promises: tuple[float, ...] = (0.8, 0.9, 0.95)
    by: Literal["continent"] | None = "continent"
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What came out: ``fields`` of the bundle's card, and the ``document`` of what they are worth."""

    fields: dict[str, Any]
    document: dict[str, Any]


def calibrate(
    sample: Sample,
    partition: Partition,
    *,
    card: BundleCard,
    settings: CalibrationSettings | None = None,
    answer: Answer | None = None,
) -> Calibrated:
    """Fit scaling and promises on one part of the photos each, and judge them on the rest.

    Convention:
        - ``card``: of the bundle as it is: what is measured "before"
        - ``answer``: how the model chooses its point; without it nothing is said of distances

    Raises:
        TableError: too few photos or groups for a promise; says how many are needed.
        UsageError: a promise lies outside (0, 1).
    """
    how = settings or CalibrationSettings()
    promises = tuple(float(promise_key(share)) for share in how.promises)
    if not promises:
        raise UsageError("There is no promise to calibrate for.\nName one:  --promise 0.9")
    parts = split_parts(sample.groups, seed=how.seed)
    check_parts(parts, promises, sample.groups)
    scale, regions, judge = (sample[parts == part] for part in (SCALE, REGIONS, JUDGE))
    temperature, scaling = _fit_scaling(scale, how)
    between_km = distances_km(partition.centres) if how.regions == "distance" else None
    rule = RegionRule(method=how.regions, by=how.by)
    if how.regions == "raps":
        stated = scaled(scale.raw, temperature=temperature, scaling=scaling)
        found = fit_raps(stated, scale.cells, partition.areas_km2, max(promises))
        rule = found.model_copy(update={"by": how.by})
    scores = rule.scores(scaled(regions.raw, temperature=temperature, scaling=scaling), between_km)
    groups = [name or "" for name in regions.continents] if how.by else None
    made = fit_promises(scores, regions.cells, promises, groups=groups, units=regions.units)
    fields: dict[str, Any] = {
        "temperature": temperature,
        "scaling": scaling,
        "region_rule": rule,
        "conformal": made.pooled,
        "conformal_by_group": made.by_group if how.by else {},
    }
    after = card.model_copy(update=fields)
    fitted_on = effective_photos(regions, scores, made, partition)
    judged = judge_cards(judge, partition, {"before": card, "after": after}, made, fitted_on, answer)
    facts = {
        "photos": {"n": len(sample), "groups": len(set(sample.groups) - {None}), **_sizes(parts)},
        "outside": float((sample.cells < 0).mean()),
        "continents": _counts(sample.continents),
        "scaling": how.scaling,
        "temperature": temperature,
        "regions": rule.model_dump(),
        "own_thresholds": {key: sorted(own) for key, own in fields["conformal_by_group"].items()},
        "seed": how.seed,
    }
    document = {**facts, **judged}
    return Calibrated({**fields, "calibration": _in_short(document)}, document)


def _fit_scaling(scale: Sample, how: CalibrationSettings) -> tuple[float, Scaling | None]:
    method = how.scaling
    if method == "none":
        return 1.0, None
    temperature = fit_temperature(scale.raw, scale.cells)
    stated = temper(scale.raw, temperature)
    if method == "vector":
        return temperature, fit_vector(stated, scale.cells, groups=scale.units, seed=how.seed)
    return temperature, fit_platt(stated, scale.cells) if method == "platt" else None


def _in_short(document: dict[str, Any]) -> dict[str, Any]:
    """What of the document goes into the bundle's card."""
    kept = ("photos", "outside", "continents", "scaling", "seed")
    confidence = {
        name: {key: values[key] for key in ("n", "ece", "ece_debiased", "nll")}
        for name, values in document["confidence"].items()
    }
    coverage = [
        {key: row[key] for key in ("promise", "coverage", "interval", "verdict", "mean_km2")}
        for row in document["coverage"]["after"]
    ]
    return {**{key: document[key] for key in kept}, "confidence": confidence, "coverage": coverage}


def _sizes(parts: Cells) -> dict[str, int]:
    return {name: int((parts == part).sum()) for part, name in enumerate(NAMES)}


def _counts(names: Sequence[str | None]) -> dict[str, int]:
    counted = pl.Series("name", list(names), dtype=pl.String).fill_null("none").value_counts(sort=True)
    return dict(counted.iter_rows())
