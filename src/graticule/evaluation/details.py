"""What a report says beyond the main figures: calibration, regions, abstention, confusion, slices.

In: an ``Evaluation``. Out: a document that is added to ``metrics.json`` of the report, and the confusions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from graticule.evaluation.calibration.abstention import abstention_curve, area_under, at_shares
from graticule.evaluation.calibration.coverage import coverage_in_words, coverage_of, shift_in_words
from graticule.evaluation.calibration.reliability import Reliability, reliability
from graticule.evaluation.confusions import (
    Confusion,
    confusion_of_cells,
    confusion_of_countries,
    country_centres,
    flows,
)
from graticule.evaluation.document import plain
from graticule.evaluation.evaluate import Evaluation
from graticule.evaluation.figures import Comparison
from graticule.evaluation.metrics import NO_CELL
from graticule.evaluation.slices import by_cell_photos, by_scene, by_training_distance
from graticule.geo.countries import CONTINENTS, continent_of, country_name

ABSTAIN_KM: Final = (200, 750, 2500)


@dataclass(frozen=True, eq=False)
class Details:
    """What was found.

    Convention:
        - ``document``: for ``metrics.json``
        - ``reliability``: "cell" and "country", where confidences are stated; ``abstention``: curve by
          threshold in km; ``confusions``: "cell" and "country", where classes are known
        - ``confidences``: (N,) of the best cell, NaN where none is stated
    """

    document: dict[str, Any]
    reliability: dict[str, Reliability]
    abstention: dict[int, pl.DataFrame]
    confusions: dict[str, Confusion]
    confidences: dict[str, np.ndarray[Any, np.dtype[np.float64]]]


def details_of(evaluation: Evaluation) -> Details:
    """Everything that the photos and their predictions allow; what they do not is left out."""
    comparison, frame = evaluation.comparison, evaluation.judging.frame
    stated = _confidences(comparison, frame)
    curves = {name: reliability(confidence, right) for name, (confidence, right) in stated.items()}
    abstention = _abstention(comparison)
    confusions = _confusions(comparison)
    training = comparison.baselines.training
    document = {
        "calibration": {
            name: {
                **curves[name].to_dict(),
                "ece_equal_mass": reliability(confidence, right, spacing="mass").error,
            }
            for name, (confidence, right) in stated.items()
        },
        "coverage": _coverage(comparison, frame),
        "abstention": {
            f"{limit}": {"area": area_under(curve), "curve": at_shares(curve)}
            for limit, curve in abstention.items()
        },
        "confusion": {
            name: {**confusion.to_dict(), "flows": flows(confusion)} for name, confusion in confusions.items()
        },
        "by_scene": by_scene(frame, comparison.errors_km, comparison.protocol),
        "by_training_distance": by_training_distance(
            comparison.truth.latlon, training, comparison.errors_km, comparison.protocol
        ),
        "training_distance_of": training.source,
        "by_cell_photos": _by_cell_photos(comparison),
    }
    confidences = {name: confidence for name, (confidence, _) in stated.items()}
    return Details(plain(document), curves, abstention, confusions, confidences)


def _confidences(comparison: Comparison, frame: pl.DataFrame) -> dict[str, tuple[Any, Any]]:
    """Stated confidence and whether it came true, of the photos that state one, by what is claimed."""
    found = {}
    answers, truth = comparison.answers, comparison.truth
    if truth.cells is not None and answers.ranked_cells.shape[1]:
        known = answers.answered & ~np.isnan(answers.confidence) & (answers.ranked_cells[:, 0] != NO_CELL)
        right = (answers.ranked_cells[:, 0] == truth.cells) & (truth.cells != NO_CELL)
        found["cell"] = (answers.confidence[known], right[known])
    said = frame["country_confidence"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known = answers.answered & ~np.isnan(said) & truth.country.is_known
    found["country"] = (said[known], answers.country.agrees_with(truth.country)[known])
    return {name: pair for name, pair in found.items() if len(pair[0])}


def _coverage(comparison: Comparison, frame: pl.DataFrame) -> dict[str, Any] | None:
    """Whether stated regions held the truth as often as promised, and for which continents not."""
    truth = comparison.truth
    promises = frame["region_promise"].drop_nulls().unique().to_list()
    if truth.cells is None or frame["region_cells"].null_count() == frame.height or len(promises) > 1:
        return None
    promise = float(promises[0]) if promises else 0.9
    held = frame.select(
        pl.col("region_cells")
        .cast(pl.List(pl.Int64))
        .list.contains(pl.Series("cell", truth.cells))
        .fill_null(False)
        .alias("held")
    )["held"].to_numpy() & (truth.cells != NO_CELL)
    areas = frame["region_km2"].cast(pl.Float64).fill_null(0.0).to_numpy()
    found = coverage_of(held, areas, promise=promise, groups=truth.groups)
    names = truth.continents
    found["by_continent"] = {
        name: coverage_of(
            held[names == name],
            areas[names == name],
            promise=promise,
            groups=None if truth.groups is None else truth.groups[names == name],
        )
        for name in CONTINENTS
        if (names == name).any()
    }
    outside = float((truth.cells == NO_CELL).mean())
    found["words"] = [
        coverage_in_words(found),
        *_broken_by_continent(found),
        *shift_in_words(found, outside=outside, groups=names.tolist()),
    ]
    return found


def _broken_by_continent(found: dict[str, Any]) -> list[str]:
    """For which continents the promise is not kept, though it may be over all photos."""
    broken = [
        f"{CONTINENTS[code]} ({100 * row['coverage']:.0f} %)"
        for code, row in found["by_continent"].items()
        if row["verdict"] == "not kept"
    ]
    if not broken:
        return []
    return [
        f"Of photos of {', '.join(broken)} the regions held fewer than promised: a promise over all photos "
        "is none for each continent.\nFor that:  graticule calibrate MODEL --photos TABLE -o MODEL2"
    ]


def _abstention(comparison: Comparison) -> dict[int, pl.DataFrame]:
    confidence = comparison.answers.confidence
    if np.isnan(confidence).all():
        return {}
    return {
        limit: abstention_curve(confidence, comparison.protocol.is_within(comparison.errors_km, limit))
        for limit in ABSTAIN_KM
    }


def _confusions(comparison: Comparison) -> dict[str, Confusion]:
    truth, answers = comparison.truth, comparison.answers
    found = {}
    if truth.cells is not None and truth.partition is not None and answers.ranked_cells.shape[1]:
        found["cell"] = confusion_of_cells(truth.cells, answers.ranked_cells[:, 0], truth.partition)
    true, answered = truth.country.texts().tolist(), answers.country.texts().tolist()
    centres = country_centres({code for code in (*true, *answered) if code is not None})
    if centres:
        named = {code: continent_of(code) or "" for code in centres}
        confusion = confusion_of_countries(true, answered, centres, named)
        names = [country_name(code) or code for code in confusion.names]
        found["country"] = Confusion(
            confusion.counts, names, confusion.centres, confusion.what, confusion.left_out
        )
    return found


def _by_cell_photos(comparison: Comparison) -> list[dict[str, Any]]:
    truth = comparison.truth
    if truth.cells is None or truth.partition is None:
        return []
    return by_cell_photos(truth.cells, truth.partition.photos, comparison.errors_km, comparison.protocol)
