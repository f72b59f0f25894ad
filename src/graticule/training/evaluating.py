"""What a run leaves when it is over: both best checkpoints on the validation and test photos, and figures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.models import read_tensors
from graticule.predictions import Predictions
from graticule.reports.training_curves import confusion_figure, training_curves
from graticule.training.checkpoints import BEST_ACCURACY, BEST_LOSS, read_checkpoint
from graticule.training.loading import Photos
from graticule.training.measuring import judge, truth_of
from graticule.training.phases import Work
from graticule.training.photo_sets import PhotoSet
from graticule.training.predicting import predict_photos, write_predictions
from graticule.training.run_folder import HISTORY


def evaluate_run(work: Work) -> None:
    """Predict and judge with both best checkpoints, and draw the curves of the run.

    Raises:
        MissingFileError: a checkpoint is missing.
        TrainingError: it is damaged.
    """
    steps: dict[int, str] = {}
    for name in (BEST_LOSS, BEST_ACCURACY):
        step = read_checkpoint(work.run.checkpoint(name)).position.steps
        twin = steps.setdefault(step, name)
        work.network.load_state_dict(read_tensors(work.run.weights(name)).tensors)
        for split, photos in (("val", work.sets.val), ("test", work.sets.test)):
            if not len(photos):
                continue
            folder = work.run.evaluation(name, split)
            if twin == name:
                _evaluate(work, name, split, photos)
            else:  # the same state was the best twice
                shutil.copytree(work.run.evaluation(twin, split), folder, dirs_exist_ok=True)
    chosen = work.run.evaluation(work.recipe.evaluation.checkpoint, "val") / "predictions.parquet"
    shutil.copyfile(chosen, work.run.predictions)
    history = pl.read_csv(work.run.history, schema_overrides=HISTORY)
    for name, canvas in training_curves(history).items():
        _write(work.run.figures / f"{name}.svg", canvas.svg())
    work.say(f"Predictions of '{work.recipe.evaluation.checkpoint}': {work.run.predictions}")


def _evaluate(work: Work, name: str, split: str, photos: PhotoSet) -> None:
    recipe, partition, folder = work.recipe, work.partition, work.run.evaluation(name, split)
    folder.mkdir(parents=True, exist_ok=True)
    cells = partition.encode(photos.latlon)
    data = Photos(photos, cells, work.network.preprocessing, cover=work.cover)
    answers = predict_photos(work.network, data, batch_size=recipe.batch_size, workers=recipe.workers)
    best = answers.best_cells(partition)
    path = folder / "predictions.parquet"
    write_predictions(path, answers, photos, partition, model=recipe.card.name, estimate=recipe.estimate)
    metrics = judge(
        Predictions.read(path), truth_of(photos), partition, training_places=work.sets.train.latlon
    )
    _write(folder / "metrics.json", json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    pairs = confusion(best, cells)
    pairs.write_csv(folder / "confusion.csv")
    _write(folder / "confusion.svg", confusion_figure(pairs, partition.count).svg())
    top1 = float(((cells >= 0) & (best == cells)).mean())
    median = metrics["median_km"]
    constant = metrics["baselines"]["constant"]["median_km"]
    work.say(
        f"'{name}' on {len(photos):,} photos of '{split}': top-1 {top1:.1%}, median "
        + ("none" if median is None else f"{median:,.0f} km")
        + f" (constant guess {constant:,.0f} km)"
    )


def confusion(best: NDArray[np.int64], cells: NDArray[np.int64]) -> pl.DataFrame:
    """How often each true cell was taken for each: columns ``true``, ``predicted``, ``count``.

    Convention:
        - ``best``: (N,) cells answered; ``cells``: (N,) those of the truth
        - -1: a true place in no cell, or a photo without an answer
    """
    table = pl.DataFrame({"true": cells, "predicted": best})
    return table.group_by("true", "predicted").agg(count=pl.len()).sort("true", "predicted")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
