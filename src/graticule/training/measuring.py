"""How well an exported model does, on photos with a known place: what the card and the bundle state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from graticule.evaluation import evaluate_predictions
from graticule.evaluation.document import HEADLINES
from graticule.inference import Model
from graticule.training.photo_sets import PhotoSet

Document = Mapping[str, Any]
"""The contents of a ``metrics.json``."""


def truth_of(photos: PhotoSet) -> pl.DataFrame:
    """The photos as a table of true places: ``photo_id``, ``path``, place, country, group."""
    paths = pl.Series([str(path) for path in photos.paths], dtype=pl.String)
    return photos.table.select("photo_id", "latitude", "longitude", "country", "group").with_columns(
        path=paths
    )


def measure(model: Model, truth: pl.DataFrame) -> Document:
    """Predict the photos of ``truth`` and judge the answers, trivial guesses beside them."""
    return evaluate_predictions(model.predict(truth), truth, partition=model.partition).metrics


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
