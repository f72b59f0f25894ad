"""A model calibrated and judged: scaling, promises, and both measured on photos that neither was fitted on.

In: what the network says of N photos, (N, K), and where they were taken. Out: the numbers that the bundle's
card takes, and a document of what they are worth, before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from graticule.bundle.regions import (
    ELSEWHERE,
    RegionMethod,
    RegionRule,
    continents_of_cells,
    distances_km,
    is_within,
    limits_of,
    promise_key,
)
from graticule.bundle.scaling import log_of, scaled, temper
from graticule.config import THRESHOLDS_KM
from graticule.errors import TableError, UsageError
from graticule.evaluation.calibration.abstention import abstention_curve, area_under, at_shares
from graticule.evaluation.calibration.conformal import Promises, fit_promises, fit_raps, is_held
from graticule.evaluation.calibration.coverage import (
    coverage_in_words,
    coverage_of,
    effective_count,
    shift_in_words,
)
from graticule.evaluation.calibration.inputs import Array, Cells, check_sums
from graticule.evaluation.calibration.parts import JUDGE, NAMES, REGIONS, SCALE, check_parts, split_parts
from graticule.evaluation.calibration.reliability import classwise_error, reliability, share_within
from graticule.evaluation.calibration.scaling import fit_platt, fit_temperature, fit_vector
from graticule.geo.countries import continent_of
from graticule.geo.outlines import country_of
from graticule.geo.sphere import great_circle_km
from graticule.photos.units import joined

if TYPE_CHECKING:
    from graticule.bundle import BundleCard, Scaling
    from graticule.partitions import Partition

ScalingMethod = Literal["temperature", "vector", "platt", "none"]
SCALING_METHODS: tuple[ScalingMethod, ...] = ("temperature", "vector", "platt", "none")

Answer = Callable[[Array], Array]
"""The point (N, 2) in degrees that a model answers for stated probabilities (N, K)."""


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
class Sample:
    """N photos with what the network says of them.

    Convention:
        - ``raw``: (N, K) before calibration; ``latlon``: (N, 2) true places in degrees; ``groups``: (N,)
        - ``cells``: (N,) true cell, -1 where none covers the place; ``continents``: (N,) of the true cell,
          or of the place where no cell covers it
    """

    raw: Array
    latlon: Array
    groups: Sequence[str | None]
    cells: Cells
    continents: list[str | None]

    @classmethod
    def of(
        cls, raw: ArrayLike, latlon: ArrayLike, partition: Partition, groups: Sequence[str | None]
    ) -> Sample:
        """Photos whose cells and continents are looked up.

        Raises:
            TableError: there is no photo, or all lie in one cell.
            UsageError: a row of ``raw`` is no probabilities.
        """
        shares, places = np.asarray(raw, dtype=np.float64), np.asarray(latlon, dtype=np.float64)
        if not len(shares):
            raise TableError(
                "No photo with a place could be read, so there is nothing to calibrate on.\n"
                "Give a photo table with latitude and longitude:  graticule ingest PHOTOS -o FOLDER"
            )
        check_sums(shares)
        found = cls.located(shares, places, partition, groups)
        cells = found.cells
        if len(set(cells.tolist())) == 1:
            where = "outside all cells" if cells[0] < 0 else f"in one cell ('{partition.names[cells[0]]}')"
            raise TableError(
                f"All {len(cells)} photos lie {where}: what is calibrated on one place says nothing of "
                "others.\nGive photos from where the model is to be used."
            )
        return found

    @classmethod
    def located(
        cls, raw: ArrayLike, latlon: ArrayLike, partition: Partition, groups: Sequence[str | None]
    ) -> Sample:
        """Photos whose cells and continents are looked up, whatever they are."""
        places = np.asarray(latlon, dtype=np.float64).reshape(-1, 2)
        cells = np.asarray(partition.encode(places), dtype=np.int64)
        own = np.array([*continents_of_cells(partition), None], dtype=object)[cells]
        outside = np.flatnonzero(cells < 0)
        codes = country_of(places[outside])
        own[outside] = [continent_of(code) if code else None for code in codes]
        return cls(np.asarray(raw, dtype=np.float64), places, groups, cells, own.tolist())

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def units(self) -> Cells:
        """(N,) number of each photo's group; a photo of no group is one of its own."""
        return joined([pl.Series("group", list(self.groups), dtype=pl.String)], len(self))

    def __getitem__(self, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> Sample:
        kept = np.flatnonzero(rows).tolist()
        return Sample(
            self.raw[rows],
            self.latlon[rows],
            [self.groups[row] for row in kept],
            self.cells[rows],
            [self.continents[row] for row in kept],
        )


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
    fitted_on = _effective(regions, scores, made, partition)
    judged = _judge(judge, partition, {"before": card, "after": after}, made, fitted_on, answer)
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


def _effective(regions: Sample, scores: Array, made: Promises, partition: Partition) -> dict[str, float]:
    """As how many independent photos those count that each threshold was found on."""
    names = continents_of_cells(partition)
    found = {}
    for promise, limit in made.pooled.items():
        held = is_held(scores, regions.cells, limits_of(limit, made.by_group.get(promise), names))
        found[promise] = effective_count(held, regions.units)
    return found


def _judge(
    judge: Sample,
    partition: Partition,
    cards: dict[str, BundleCard],
    made: Promises,
    fitted_on: dict[str, float],
    answer: Answer | None,
) -> dict[str, Any]:
    """What the photos of the third part say, under the card as it was and as it is."""
    stated = {
        name: scaled(judge.raw, temperature=card.temperature, scaling=card.scaling)
        for name, card in cards.items()
    }
    document: dict[str, Any] = {
        "confidence": {name: _confidence(shares, judge.cells) for name, shares in stated.items()},
        "coverage": {},
    }
    for name, card in cards.items():
        document["coverage"][name] = _coverage(
            judge, partition, card, stated[name], fitted_on if name == "after" else {}
        )
    if answer is not None:
        document["within_km"] = {
            name: _distances(shares, judge.latlon, answer(shares), partition)
            for name, shares in stated.items()
        }
    best = stated["after"].max(axis=1)
    right = stated["after"].argmax(axis=1) == judge.cells
    curve = abstention_curve(best, right)
    document["abstention"] = {"area": area_under(curve), "curve": at_shares(curve)}
    document["remarks"] = _remarks(document, judge, made)
    return document


def _confidence(shares: Array, cells: Cells) -> dict[str, Any]:
    best, right = shares.max(axis=1), shares.argmax(axis=1) == cells
    inside = cells >= 0
    nll = -log_of(shares[inside, cells[inside]]).mean() if inside.any() else float("nan")
    by_width = reliability(best, right)
    return {
        **by_width.to_dict(),
        "ece_equal_mass": reliability(best, right, spacing="mass").error,
        "classwise_ece": classwise_error(shares, cells),
        "nll": float(nll),
    }


def _coverage(
    judge: Sample, partition: Partition, card: BundleCard, shares: Array, fitted_on: dict[str, float]
) -> list[dict[str, Any]]:
    rule = card.region_rule
    between_km = distances_km(partition.centres) if rule.needs_distances else None
    scores = rule.scores(shares, between_km)
    groups = continents_of_cells(partition) if rule.by == "continent" else None
    found = []
    for promise in sorted(card.conformal, key=float):
        limits = limits_of(card.conformal[promise], card.conformal_by_group.get(promise), groups)
        areas = is_within(scores, limits) @ partition.areas_km2
        held = is_held(scores, judge.cells, limits)
        row = coverage_of(
            held,
            areas,
            promise=float(promise),
            calibrated_on=fitted_on.get(promise),
            groups=judge.units,
        )
        names = np.array(judge.continents, dtype=object)
        row["by_continent"] = {
            name: coverage_of(
                held[names == name],
                areas[names == name],
                promise=float(promise),
                groups=judge.units[names == name],
            )
            for name in sorted({name for name in judge.continents if name})
        }
        found.append(row)
    return found


def _distances(shares: Array, latlon: Array, points: Array, partition: Partition) -> dict[str, Any]:
    """Distance-aware calibration: how probable "within so many km" was said to be, and how often it was."""
    errors_km = great_circle_km(points, latlon)
    return {
        f"{limit}": reliability(
            share_within(shares, points, partition.centres, limit), errors_km <= limit
        ).to_dict()
        for limit in THRESHOLDS_KM
        if limit >= 200  # cells are wider than a city: their centres say nothing of 1 and 25 km
    }


def _remarks(document: dict[str, Any], judge: Sample, made: Promises) -> list[str]:
    said = [reason.splitlines()[0] for reason in made.refused.values()]
    outside = float((judge.cells < 0).mean())
    for row in document["coverage"]["after"]:
        if row["verdict"] != "kept":
            said.append(coverage_in_words(row))
            said += shift_in_words(row, outside=outside, groups=judge.continents)[:-1]
    said += _without_own(made)
    gain = document["confidence"]["before"]["nll"] - document["confidence"]["after"]["nll"]
    if gain < 0:
        said.append(
            f"The scaling did not help: on other photos the log-loss rose by {-gain:.3f}. More photos, or "
            "--scaling temperature, may do better."
        )
    return said


def _without_own(made: Promises) -> list[str]:
    """For which continents a promise is shared with others, or is only that over all photos."""
    said = []
    for promise in made.by_group:
        shared = [name for name in made.shared[promise] if name and name != ELSEWHERE]
        few = [name for name in made.unpromised[promise] if name and name != ELSEWHERE]
        if len(shared) > 1:
            said.append(
                f"At {100 * float(promise):g} % {', '.join(shared)} have too few photos for a promise each "
                "and "
                "share one."
            )
        if few:
            said.append(
                f"At {100 * float(promise):g} % too few photos for a promise of their own: {', '.join(few)}; "
                "there the one over all photos is used, and may not hold."
            )
    return said


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
