"""Training: from a recipe to a run folder, and on from where a run was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graticule.errors import PartitionError, TrainingError
from graticule.models import PlaceNetwork, read_tensors
from graticule.partitions import Partition
from graticule.training.callbacks import Say
from graticule.training.cells import build_cells
from graticule.training.checkpoints import LAST, Checkpoint, Position, read_checkpoint
from graticule.training.loading import Photos
from graticule.training.networks import bare_network, build_network
from graticule.training.phases import Work, train_phase
from graticule.training.photo_sets import PhotoSets, read_photo_sets
from graticule.training.predicting import predict_cells, write_predictions
from graticule.training.recipe import Recipe
from graticule.training.recipe_files import with_absolute_paths
from graticule.training.run_folder import RunFolder
from graticule.training.seeds import derived_seed


@dataclass(frozen=True)
class TrainingReport:
    """What came of a run: its folder, the epochs done, and the last and best scores."""

    run: Path
    cells: int
    photos: int
    history: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values; the best epochs by loss and by accuracy."""
        by_loss = min(self.history, key=lambda row: row["val_loss"])
        by_accuracy = max(self.history, key=lambda row: row["val_top1"])
        return {
            "run": str(self.run),
            "cells": self.cells,
            "photos": self.photos,
            "epochs": len(self.history),
            "best_loss": by_loss,
            "best_accuracy": by_accuracy,
        }


def train(
    recipe: Recipe, output: str | Path, *, force: bool = False, say: Say = print, bar: bool = False
) -> TrainingReport:
    """Train what ``recipe`` describes, into a new run folder.

    Convention:
        - ``say``: called with each line of the log; ``bar``: draw a progress bar on stderr

    Raises:
        TrainingError: the folder is not empty, the photos do not suffice, or the loss diverges.
        StoppedError: the user pressed Ctrl-C; all is saved.
        RecipeError, MissingFileError, TableError, PartitionError: what the recipe names cannot be used.
    """
    recipe = with_absolute_paths(recipe)
    sets = read_photo_sets(recipe.photos)
    partition = build_cells(recipe.partition, sets.train.latlon)
    network = _first_network(recipe, partition)  # before the folder: a wrong name leaves nothing behind
    run = RunFolder(Path(output))
    work = _work(run, recipe, sets, partition, network, say=say, bar=bar)
    run.begin(recipe, force=force)
    partition.write(run.cells)
    uncovered, val_uncovered = len(sets.train) - len(work.train_cells), int((work.val_cells < 0).sum())
    run.write_counts(work.sets, work.train_cells, uncovered)
    work.say(sets.in_words())
    work.say(
        f"Cells: {partition.count} ({partition.method}); {uncovered:,} training photos lie in none and are "
        f"left out; {val_uncovered:,} of {len(sets.val):,} validation photos lie in none and count as wrong."
    )
    return _run(work, Position(), None)


def resume(run_path: str | Path, *, say: Say = print, bar: bool = False) -> TrainingReport:
    """Go on with a run that was stopped or killed, to the same numbers.

    Raises:
        MissingFileError: this is no run.
        TrainingError: the checkpoint is damaged, or the photos are no longer those of the run.
    """
    run = RunFolder(Path(run_path))
    recipe, partition = run.read_recipe(), run.read_cells()
    sets, planned = read_photo_sets(recipe.photos), run.read_counts()["train"]
    begun = run.checkpoint(LAST).is_file()
    checkpoint = read_checkpoint(run.checkpoint(LAST)) if begun else None
    network = (
        _first_network(recipe, partition)
        if checkpoint is None
        else _restored(run, recipe, partition, checkpoint)
    )
    work = _work(run, recipe, sets, partition, network, say=say, bar=bar)
    if len(work.train_cells) != planned:
        raise TrainingError(
            f"The photo table of '{run.path}' has changed: the run began with {planned:,} training photos in "
            f"cells, now there are {len(work.train_cells):,}.\nPut the table back, or train anew."
        )
    if checkpoint is None:
        work.say(f"'{run.path}' was stopped before its first checkpoint: starting from the beginning.")
        return _run(work, Position(), None)
    work.say(f"Going on with '{run.path}' in {checkpoint.position.in_words()}.")
    return _run(work, checkpoint.position, checkpoint.optimizer)


def _run(work: Work, position: Position, optimizer_state: dict[str, Any] | None) -> TrainingReport:
    work.run.write_history(position.history)
    work.network.to(memory_format=torch.channels_last)
    while True:
        if not position.phase_is_over:
            train_phase(work, position, optimizer_state)
        if position.phase + 1 >= len(work.recipe.phases):
            break
        position, optimizer_state = Position(phase=position.phase + 1, history=position.history), None
    _predict(work)
    work.say(f"Export it:  graticule export {work.run.path} -o MODEL")
    return TrainingReport(work.run.path, work.partition.count, len(work.train_cells), position.history)


def _predict(work: Work) -> None:
    """Predictions of the best checkpoint on the validation photos."""
    recipe, name = work.recipe, work.recipe.evaluation.checkpoint
    work.network.load_state_dict(read_tensors(work.run.weights(name)).tensors)
    photos = Photos(work.sets.val, work.val_cells, work.network.preprocessing)
    probabilities = predict_cells(work.network, photos, batch_size=recipe.batch_size, workers=recipe.workers)
    write_predictions(
        work.run.predictions,
        probabilities,
        work.sets.val,
        work.partition,
        model=recipe.card.name,
        estimate=recipe.evaluation.estimate,
    )
    read = ~np.isnan(probabilities[:, 0])
    top1 = float((read & (probabilities.argmax(axis=1) == work.val_cells)).mean())
    work.say(
        f"Predictions of '{name}' on {len(read):,} validation photos (top-1 {top1:.1%}): "
        f"{work.run.predictions}"
    )


def _work(
    run: RunFolder,
    recipe: Recipe,
    sets: PhotoSets,
    partition: Partition,
    network: PlaceNetwork,
    *,
    say: Say,
    bar: bool,
) -> Work:
    cells = partition.encode(sets.train.latlon)
    inside = cells >= 0
    if int(inside.sum()) < 2:
        raise PartitionError(
            f"Only {int(inside.sum())} of {len(cells):,} training photos lie in a cell of the partition.\n"
            "Build it from these photos:  --set partition.file=null"
        )
    return Work(
        run=run,
        recipe=recipe,
        sets=PhotoSets(sets.train[inside], sets.val, sets.test, sets.rows, sets.dropped),
        partition=partition,
        train_cells=cells[inside],
        val_cells=partition.encode(sets.val.latlon),
        network=network,
        say=_logged(run, say),
        bar=bar,
    )


def _first_network(recipe: Recipe, partition: Partition) -> PlaceNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(recipe.seed))
        return build_network(recipe.network, partition)


def _restored(run: RunFolder, recipe: Recipe, partition: Partition, checkpoint: Checkpoint) -> PlaceNetwork:
    network = bare_network(recipe.network, partition)
    try:
        network.load_state_dict(checkpoint.network)
    except RuntimeError as error:
        raise TrainingError(
            f"The checkpoint of '{run.path}' is of another network than its recipe says: "
            f"{str(error).splitlines()[-1].strip()}\nGive the run its own recipe.yaml back, or train anew."
        ) from error
    return network


def _logged(run: RunFolder, say: Say) -> Say:
    def both(line: str) -> None:
        run.say(line)
        say(line)

    return both
