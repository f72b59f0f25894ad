"""Predictions against the truth: every figure of a report, its interval, and the baselines beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from numpy.typing import ArrayLike

from graticule.evaluation import metrics
from graticule.evaluation.answers import BY_POLYGON, Answers, complete
from graticule.evaluation.areas import (
    MOST_UNASKED,
    country_accuracy,
    nearest_town_accuracy,
    polygon_accuracy,
)
from graticule.evaluation.baselines import Baselines
from graticule.evaluation.document import curves, document, judged
from graticule.evaluation.figures import Comparison
from graticule.evaluation.ground_truth import GroundTruth
from graticule.evaluation.intervals import LEVEL, RESAMPLES, Ratio, Sampling
from graticule.evaluation.judging import Judged
from graticule.evaluation.protocols import Array, Protocol, protocol_named
from graticule.evaluation.training_places import TrainingPlaces

if TYPE_CHECKING:
    from graticule.partitions import Partition
    from graticule.partitions.outlines.regions import Regions
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
        - ``comparison``, ``judging``: what all that was made from; ``graticule.evaluation.details`` finds
          more in it
    """

    metrics: dict[str, Any]
    errors_km: Array
    frame: pl.DataFrame
    curves: pl.DataFrame
    comparison: Comparison
    judging: Judged

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
    regions: Mapping[str, Regions] | None = None,
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
        - ``regions``: polygons by a name of their own, in which the answer and the truth shall lie together
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
    judging = Judged.of(table, truth, repeated=len(predictions) - table.height)
    facts = GroundTruth.of(judging.frame, partition)
    answers = Answers.of(judging.frame, facts)
    places = _training_places(training_places, partition, facts)
    comparison = Comparison(
        answers=answers,
        truth=facts,
        errors_km=metrics.errors_km(answers.latlon, facts.latlon, protocol=rules),
        baselines=Baselines.of(facts, places, protocol=rules, seed=seed),
        protocol=rules,
        sampling=Sampling(resamples, level, seed, facts.groups),
        areas=_areas(answers, facts, rules, regions or {}),
    )
    return Evaluation(
        document(comparison, judging),
        comparison.errors_km,
        judged(judging.frame, comparison),
        curves(comparison),
        comparison,
        judging,
    )


def _areas(
    answers: Answers, facts: GroundTruth, rules: Protocol, regions: Mapping[str, Regions]
) -> dict[str, dict[str, Any]]:
    found = {
        "polygon": {
            name: polygon_accuracy(answers.latlon, facts.latlon, each) for name, each in regions.items()
        }
    }
    if facts.country.is_known.any():
        if answers.country_rule == BY_POLYGON:
            found["polygon"]["country"] = Ratio(
                answers.country.agrees_with(facts.country), facts.country.is_known
            )
        elif rules.area_rule == "polygon" or len(facts) <= MOST_UNASKED:
            found["polygon"]["country"] = country_accuracy(answers.latlon, facts.country)
    if rules.area_rule == "nearest-town" or len(facts) <= MOST_UNASKED:
        found["nearest_town"] = nearest_town_accuracy(answers.latlon, facts.latlon)
    return found


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
