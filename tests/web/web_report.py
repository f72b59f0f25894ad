"""A report as ``graticule evaluate -o`` writes its figures, of photos that a small model sees."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
from PIL import Image

from graticule.evaluation import evaluate_predictions
from graticule.evaluation.details import details_of
from graticule.inference import load_model

COLOURS = {"r": (255, 0, 0), "g": (0, 255, 0), "b": (0, 0, 255), "p": (200, 60, 60)}


def write_figures(folder: Path, bundle: Path) -> dict:
    """Twelve photos, some of them where their colour does not say; the document that was written."""
    model = load_model(bundle)
    places = dict(zip("rgbp", [*model.partition.centres, model.partition.centres[1]], strict=True))
    (folder / "photos").mkdir(parents=True)
    rows = []
    for number, letter in enumerate("rrrggbbbpppp"):
        Image.new("RGB", (20, 20), COLOURS[letter]).save(folder / "photos" / f"{number:02}.png")
        rows.append((f"{number:02}.png", *map(float, places[letter])))
    truth = pl.DataFrame(rows, schema=["photo_id", "latitude", "longitude"], orient="row")
    answers = model.predict(folder / "photos").to_polars()
    truth = truth.with_columns(photo_id=answers["photo_id"])
    evaluation = evaluate_predictions(answers, truth, partition=model.partition, resamples=50)
    document = evaluation.metrics | details_of(evaluation).document
    (folder / "metrics.json").write_text(json.dumps(document), encoding="utf-8")
    return document
