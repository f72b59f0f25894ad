"""Predictions against the truth: every figure of a report, its interval, and the baselines beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from graticule._version import __version__
from graticule.errors import PredictionsError, TableError
from graticule.evaluation import metrics
from graticule.evaluation.answers import Answers, complete
from graticule.evaluation.baselines import Baselines
from graticule.evaluation.breakdown import by_part, part_intervals
from graticule.evaluation.curves import CURVE_KM, cumulative
from graticule.evaluation.figures import Comparison, Resampling
from graticule.evaluation.ground_truth import GroundTruth, continents_of
from graticule.evaluation.intervals import LEVEL, RESAMPLES, percentile_interval
from graticule.evaluation.matching import match
from graticule.evaluation.protocols import Array, protocol_named
from graticule.evaluation.remarks import remarks
from graticule.evaluation.training_places import TrainingPlaces
from graticule.geo.countries import CONTINENTS, country_name

if TYPE_CHECKING:
    from graticule.partitions import Partition
    from graticule.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What came out.

    Convention:
        - ``metrics``: the document of ``metrics.json``: shares in [0, 1], lengths in km, None where a figure
          does not exist or is infinite
        - ``errors_km``: shape (N,), infinite for a photo without an answer; in the order of ``frame``
        - ``frame``: one row per judged photo: ``photo_id``, ``path``, ``latitude``, ``longitude`` (the
          answer), ``true_latitude``, ``true_longitude``, ``error_km``, ``confidence``, ``name`` of the best
          cell, ``country``, ``true_country``, ``true_continent``, ``error``
        - ``curves``: share of photos within each ``distance_km``: columns ``model``, ``low`` and ``high``
          (its interval; null without one), ``constant`` (the place best for the GeoScore),
          ``random``
    """

    metrics: dict[str, Any]
    errors_km: Array
    frame: pl.DataFrame
    curves: pl.DataFrame

    @property
    def is_complete(self) -> bool:
        """Whether every photo was known to both sides and had a true position."""
        matching = self.metrics["matching"]
        return not any(matching[side] for side in ("only_predicted", "only_truth", "without_true_position"))


def evaluate_predictions(
    predictions: Predictions | pl.DataFrame,
    truth: pl.DataFrame,
    *,
    training_places: TrainingPlaces | pl.DataFrame | ArrayLike | None = None,
    partition: Partition | None = None,
    protocol: str = "graticule",
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Evaluation:
    """Judge predictions.

    Photos known to both sides are judged; how many are known to one side alone is reported. A photo
    without an answer counts as wrong everywhere.

    Convention:
        - ``predictions``: the columns of a predictions file, of which ``photo_id``, ``latitude`` and
          ``longitude`` (degrees) are needed
        - ``truth``: ``photo_id``, ``latitude``, ``longitude``; optional ``path``, ``country`` (ISO alpha-2),
          ``group`` (then intervals are by group); ids unique
        - ``training_places``: what the baselines may know: (latitude, longitude) in degrees; from
          ``partition`` when left out, else from the test itself, which flatters the baselines
        - ``partition``: the cells that the predictions speak of; without it there is no top-k, no
          calibration error and no coverage
        - ``resamples``: 0 leaves the intervals out; ``level``: a share

    Raises:
        PredictionsError: the tables do not belong together, or an answer is impossible.
        TableError: the truth holds no position.
        UsageError: there is no such protocol.

    Example:
        >>> answers = pl.DataFrame({"photo_id": ["a"], "latitude": [48.8], "longitude": [2.3]})
        >>> truth = pl.DataFrame({"photo_id": ["a"], "latitude": [48.9], "longitude": [2.3]})
        >>> evaluate_predictions(answers, truth).metrics["within_km"]["25"]
        1.0
    """
    rules = protocol_named(protocol)
    table = complete(predictions)
    known, without_place = _with_position(truth)
    pairs = match(table, truth)
    judged = _with_known_place(pairs.frame, known)
    facts = GroundTruth.of(judged, partition)
    answers = Answers.of(judged, facts)
    places = _training_places(training_places, partition, facts)
    comparison = Comparison(
        answers=answers,
        truth=facts,
        errors_km=metrics.errors_km(answers.latlon, facts.latlon, protocol=rules),
        baselines=Baselines.of(facts, places, protocol=rules, seed=seed),
        protocol=rules,
        resampling=Resampling(resamples, level, seed),
    )
    document = {
        **comparison.figures(),
        "intervals": comparison.intervals(),
        "baselines": comparison.baselines.to_dict(),
    }
    document |= {
        "against_constant": comparison.against_constant(document["baselines"]),
        "by_continent": _by_continent(comparison),
        "by_country": _by_country(comparison),
        "country_rule": answers.country_rule,
        "protocol": rules.to_dict(),
        "matching": {
            **pairs.to_dict(),
            "without_true_position": sum(without_place.values()),
            "without_true_position_by_reason": without_place,
        },
        "model": ", ".join(sorted(set(judged["model"].drop_nulls()))) or None,
        "graticule": __version__,
    }
    document["remarks"] = remarks(document, table)
    return Evaluation(
        _plain(document), comparison.errors_km, _judged(judged, comparison), _curves(comparison)
    )


def _with_position(truth: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows that have a place, and how many others have none, by reason."""
    usable = (
        pl.col("latitude").is_between(-90, 90)
        & pl.col("longitude").is_finite()
        & pl.col("latitude").is_finite()
    ).fill_null(False)
    known, others = truth.filter(usable), truth.filter(~usable)
    if known.is_empty():
        raise TableError(
            f"None of the {truth.height} photos of the truth has a position, so no error can be measured.\n"
            "Give a table with latitude and longitude in degrees; name the columns:  --latitude, --longitude"
        )
    reason = pl.col("reason") if "reason" in truth.columns else pl.lit(None, dtype=pl.String).alias("reason")
    counts = others.select(reason.fill_null("no-position"))["reason"].value_counts(sort=True)
    return known, dict(counts.iter_rows())


def _with_known_place(pairs: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The matched photos that can be judged. All were matched, so that none is taken for a stranger."""
    judged = pairs.join(
        known.select("photo_id"),
        left_on="true_photo_id",
        right_on="photo_id",
        how="semi",
        maintain_order="left",
    )
    if judged.is_empty():
        raise PredictionsError(
            f"{pairs.height} predicted photos are in the truth, but none of them has a true position.\n"
            "Give a truth with the places of these photos."
        )
    return judged


def _training_places(
    given: TrainingPlaces | pl.DataFrame | ArrayLike | None, partition: Partition | None, facts: GroundTruth
) -> TrainingPlaces:
    if isinstance(given, TrainingPlaces):
        return given
    if isinstance(given, pl.DataFrame):
        return TrainingPlaces.of_table(given, "the training photos")
    if given is not None:
        return TrainingPlaces.of(given, "the given training places")
    if partition is not None:
        return TrainingPlaces.of_partition(partition)
    return TrainingPlaces.of_test(facts.latlon)


def _by_continent(comparison: Comparison) -> list[dict[str, Any]]:
    truth, answers, how = comparison.truth, comparison.answers, comparison.resampling
    rows = by_part(
        truth.continents,
        continents_of(answers.countries),
        comparison.errors_km,
        comparison.baselines.constant_errors_km,
        protocol=comparison.protocol,
        name_of=CONTINENTS.get,
    )
    if not how.resamples:
        return rows
    intervals = part_intervals(
        truth.continents,
        comparison.errors_km,
        comparison.protocol,
        groups=truth.groups,
        resamples=how.resamples,
        level=how.level,
        seed=how.seed,
    )
    return [{**row, "intervals": intervals[row["code"]]} for row in rows]


def _by_country(comparison: Comparison) -> list[dict[str, Any]]:
    return by_part(
        comparison.truth.countries,
        comparison.answers.countries,
        comparison.errors_km,
        comparison.baselines.constant_errors_km,
        protocol=comparison.protocol,
        name_of=country_name,
    )


def _judged(frame: pl.DataFrame, comparison: Comparison) -> pl.DataFrame:
    return frame.select(
        "photo_id",
        "path",
        "latitude",
        "longitude",
        "true_latitude",
        "true_longitude",
        pl.Series("error_km", comparison.errors_km),
        "confidence",
        pl.col("candidates").list.first().struct.field("name").alias("name"),
        pl.Series("country", list(comparison.answers.countries), dtype=pl.String),
        pl.Series("true_country", list(comparison.truth.countries), dtype=pl.String),
        pl.Series("true_continent", list(comparison.truth.continents), dtype=pl.String),
        "error",
    )


def _curves(comparison: Comparison) -> pl.DataFrame:
    drawn = comparison.resamples
    band = np.full((len(CURVE_KM), 2), np.nan)
    if drawn is not None:
        level = comparison.resampling.level
        band = np.array([percentile_interval(column, level=level) for column in drawn.curves["median_km"].T])
    return pl.DataFrame(
        {
            "distance_km": CURVE_KM,
            "model": cumulative(comparison.errors_km),
            "low": band[:, 0],
            "high": band[:, 1],
            "constant": comparison.baselines.constant_curve,
            "random": comparison.baselines.draw.curve,
        },
        nan_to_null=True,
    )


def _plain(value: Any) -> Any:
    """The same for JSON, which knows neither NaN nor infinity: both become None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
