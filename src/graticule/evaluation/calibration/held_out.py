"""What scaling and promises are worth on photos that neither was fitted on: the document of a calibration.

In: a sample of photos, and the bundle's card as it was and as it is. Out: confidence, coverage, distances and
abstention, shares in [0, 1] and km, with remarks in words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from graticule.bundle.regions import (
    ELSEWHERE,
    continents_of_cells,
    distances_km,
    is_within,
    limits_of,
)
from graticule.bundle.scaling import log_of, scaled
from graticule.config import THRESHOLDS_KM
from graticule.evaluation.calibration.abstention import abstention_curve, area_under, at_shares
from graticule.evaluation.calibration.conformal import Promises, is_held
from graticule.evaluation.calibration.coverage import (
    coverage_in_words,
    coverage_of,
    effective_count,
    shift_in_words,
)
from graticule.evaluation.calibration.inputs import Array, Cells
from graticule.evaluation.calibration.reliability import classwise_error, reliability, share_within
from graticule.evaluation.calibration.sample import Sample
from graticule.geo.sphere import great_circle_km

if TYPE_CHECKING:
    from graticule.bundle import BundleCard
    from graticule.partitions import Partition

Answer = Callable[[Array], Array]
"""The point (N, 2) in degrees that a model answers for stated probabilities (N, K)."""


def effective_photos(
    regions: Sample, scores: Array, made: Promises, partition: Partition
) -> dict[str, float]:
    """As how many independent photos those count that each threshold was found on."""
    names = continents_of_cells(partition)
    found = {}
    for promise, limit in made.pooled.items():
        held = is_held(scores, regions.cells, limits_of(limit, made.by_group.get(promise), names))
        found[promise] = effective_count(held, regions.units)
    return found


def judge_cards(
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
