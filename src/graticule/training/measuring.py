"""How well an exported model does, on photos with a known place: what the card and the bundle state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.evaluation import evaluate_predictions
from graticule.evaluation.document import HEADLINES
from graticule.inference import Model
from graticule.partitions import Partition
from graticule.predictions import Predictions
from graticule.training.by_country import BY_COUNTRY, by_country_in_words
from graticule.training.photo_sets import PhotoSet

Document = Mapping[str, Any]
"""The contents of a ``metrics.json``."""


def truth_of(photos: PhotoSet) -> pl.DataFrame:
    """The photos as a table of true places: ``photo_id``, ``path``, place, country, group.

    Convention:
        - ``by_country``, where a recipe asks for it: whether the place is but a point of the country
    """
    paths = pl.Series([str(path) for path in photos.paths], dtype=pl.String)
    columns = ["photo_id", "latitude", "longitude", "country", "group"]
    columns += [name for name in (BY_COUNTRY,) if name in photos.table.columns]
    return photos.table.select(columns).with_columns(path=paths)


def judge(
    predictions: Predictions,
    truth: pl.DataFrame,
    partition: Partition,
    *,
    training_places: NDArray[np.float64] | None = None,
) -> dict[str, Any]:
    """The contents of ``metrics.json`` for photos of a run; says which places are but those of countries."""
    judged = evaluate_predictions(predictions, truth, training_places=training_places, partition=partition)
    document = dict(judged.metrics)
    if BY_COUNTRY in truth.columns and (photos := int(truth[BY_COUNTRY].sum())):
        document["remarks"] = [*document["remarks"], by_country_in_words(photos)]
    return document


def measure(model: Model, truth: pl.DataFrame) -> Document:
    """Predict the photos of ``truth`` and judge the answers, trivial guesses beside them."""
    return judge(model.predict(truth), truth, model.partition)


def in_short(document: Document) -> dict[str, Any]:
    """What of a ``metrics.json`` goes into ``bundle.json``."""
    constant = document["baselines"]["constant"]
    beside = {key: constant[key] for key in ("median_km", "within_km", "geoscore")}
    return {**{key: document[key] for key in HEADLINES}, "constant": beside}


def in_words(document: Document) -> str:
    """One line for people, the best constant guess beside each figure."""
    constant = document["baselines"]["constant"]
    within = ", ".join(
        f"{document['within_km'][limit]:.1%} within {limit} km (constant guess "
        f"{constant['within_km'][limit]:.1%})"
        for limit in ("200", "750", "2500")
    )
    median = "none" if document["median_km"] is None else f"{document['median_km']:,.0f} km"
    return f"median {median} (constant guess {constant['median_km']:,.0f} km), {within}."
