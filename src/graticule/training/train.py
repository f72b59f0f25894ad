"""Training: from a recipe to a run folder, and on from where a run was stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from graticule.config import require
from graticule.errors import MissingFileError, PartitionError, TrainingError
from graticule.models import PlaceNetwork
from graticule.partitions import Partition
from graticule.training.augmentation import Cover
from graticule.training.averaging import AveragedWeights
from graticule.training.callbacks import Say, Watch
from graticule.training.cells import build_cells
from graticule.training.checkpoints import LAST, Checkpoint, Position, read_checkpoint, write_checkpoint
from graticule.training.encoders import with_encoder
from graticule.training.evaluating import evaluate_run
from graticule.training.loggers import create_loggers
from graticule.training.networks import bare_network, build_network
from graticule.training.phases import Work, train_phase
from graticule.training.photo_sets import PhotoSets, read_photo_sets
from graticule.training.planet import with_photos
from graticule.training.ranks import Ranks, joined
from graticule.training.recipe import Recipe
from graticule.training.recipe.files import with_absolute_paths
from graticule.training.run_folder import RunFolder
from graticule.training.sampling import evenly_over_cells
from graticule.training.seeds import derived_seed
from graticule.training.telling import logged, silent, told_how_to_go_on
from graticule.training.trainable import set_trainable

BEYOND_MOST: Final = "beyond photos.most_train"


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
    recipe: Recipe,
    output: str | Path,
    *,
    force: bool = False,
    say: Say = print,
    bar: bool = False,
    profile: bool = False,
    watch: Watch | None = None,
) -> TrainingReport:
    """Train what ``recipe`` describes, into a new run folder.

    Convention:
        - ``say``: called with each line of the log; ``bar``: draw a progress bar on stderr
        - ``profile``: measure loading and computing alone first, and say which limits
        - ``watch``: told the history after each validation; what it raises ends the run, all of it saved

    Raises:
        TrainingError: the folder is not empty, the photos do not suffice, or the loss diverges.
        StoppedError: the user pressed Ctrl-C; all is saved.
        RecipeError, MissingFileError, TableError, PartitionError: what the recipe names cannot be used.
        MissingPackageError: a logger of the recipe is not installed.
    """
    with joined() as ranks:
        if ranks.is_first:
            work, beginning = _begin(recipe, Path(output), say, force=force)
            ranks.wait()
            work = replace(work, bar=bar, profile=profile, watch=watch, ranks=ranks)
            with told_how_to_go_on(work.run):  # from here on a kill loses no more than the work since
                return _run(work, beginning)
        ranks.wait()  # until the first rank has written what a run begins with
        return _go_on(Path(output), ranks, say=silent)


def _begin(recipe: Recipe, output: Path, say: Say, *, force: bool) -> tuple[Work, Checkpoint]:
    """Make the run folder, with all that it needs to go on from the beginning."""
    recipe = with_encoder(with_absolute_paths(with_photos(recipe, say)), say)
    run = RunFolder(output)
    run.check_free(force=force)  # before minutes of work, and so that a wrong name leaves nothing behind
    for name in recipe.loggers:
        require(name)
    sets = read_photo_sets(recipe.photos)
    partition = build_cells(recipe.partition, sets.train.latlon, say)
    network = _first_network(recipe, partition)
    for phase in recipe.phases:
        set_trainable(network, phase)  # refuses parts and stages that the network does not have
    work = _work(run, recipe, sets, partition, network, say=say)
    run.begin(recipe, force=force)
    partition.write(run.cells)
    unused = work.sets.dropped.get(BEYOND_MOST, 0)
    uncovered = len(sets.train) - len(work.train_cells) - unused
    val_uncovered = int((work.val_cells < 0).sum())
    run.write_counts(work.sets, work.train_cells, uncovered)
    work.say(sets.in_words())
    empty = partition.count - len(np.unique(work.train_cells))
    work.say(
        f"Cells: {partition.count} ({partition.method}), {empty} of them without a training photo; "
        f"{uncovered:,} training photos lie in none and are left out; {val_uncovered:,} of {len(sets.val):,} "
        "validation photos lie in none and count as wrong."
    )
    if unused:
        work.say(f"photos.most_train leaves out {unused:,} more training photos.")
    for line in network.in_words():
        work.say(line)
    beginning = Checkpoint(Position(), network.state_dict(), cells=partition.fingerprint)
    write_checkpoint(run.checkpoint(LAST), beginning)
    return work, beginning


def resume(
    run_path: str | Path, *, say: Say = print, bar: bool = False, watch: Watch | None = None
) -> TrainingReport:
    """Go on with a run that was stopped or killed, to the same numbers.

    Raises:
        MissingFileError: this is no run, or it was stopped before it began.
        TrainingError: the checkpoint is damaged, or photos, cells or network are no longer those of the run.
    """
    with joined() as ranks:
        said = say if ranks.is_first else silent
        return _go_on(Path(run_path), ranks, say=said, bar=bar and ranks.is_first, watch=watch)


def _go_on(
    path: Path, ranks: Ranks, *, say: Say, bar: bool = False, watch: Watch | None = None
) -> TrainingReport:
    run = RunFolder(path)
    recipe, partition = run.read_recipe(), run.read_cells()
    if not run.checkpoint(LAST).is_file():
        raise MissingFileError(
            f"The run '{run.path}' was stopped before it began: it has no checkpoint.\n{run.start_over()}"
        )
    checkpoint = read_checkpoint(run.checkpoint(LAST))
    sets, planned = read_photo_sets(recipe.photos), run.read_counts()["train"]
    network = _restored(run, recipe, partition, checkpoint)
    work = _work(run, recipe, sets, partition, network, say=say, averaged=checkpoint.averaged)
    work = replace(work, bar=bar, watch=watch, ranks=ranks)
    if not ranks.is_first:
        work = replace(work, say=silent)
    if len(work.train_cells) != planned:
        raise TrainingError(
            f"The photo table of '{run.path}' has changed: the run began with {planned:,} training photos in "
            f"cells, now there are {len(work.train_cells):,}.\nPut the table back, or train anew."
        )
    work.say(f"Going on with '{run.path}' in {checkpoint.position.in_words()}.")
    with told_how_to_go_on(run):
        return _run(work, checkpoint)


def _run(work: Work, checkpoint: Checkpoint) -> TrainingReport:
    position = checkpoint.position
    begun = None if checkpoint.optimizer is None else checkpoint
    if work.ranks.is_first:
        work = replace(work, loggers=create_loggers(work.recipe, work.run))
        work.run.write_history(position.history)
    work.network.to(memory_format=torch.channels_last)
    while True:
        if not position.phase_is_over:
            train_phase(work, position, begun)
        if position.phase + 1 >= len(work.recipe.phases):
            break
        position, begun = position.next_phase(), None
    if work.ranks.is_first:
        evaluate_run(work)
    work.ranks.wait()
    work.say(f"Export it:  graticule export {work.run.path} -o MODEL")
    return TrainingReport(work.run.path, work.partition.count, len(work.train_cells), position.history)


def _work(
    run: RunFolder,
    recipe: Recipe,
    sets: PhotoSets,
    partition: Partition,
    network: PlaceNetwork,
    *,
    say: Say,
    averaged: dict[str, Any] | None = None,
) -> Work:
    cells = partition.encode(sets.train.latlon)
    inside, dropped = cells >= 0, dict(sets.dropped)
    if recipe.photos.most_train is not None:
        kept = evenly_over_cells(cells, recipe.photos.most_train, seed=recipe.seed)
        dropped[BEYOND_MOST] = int((inside & ~kept).sum())
        inside = kept
    if int(inside.sum()) < 2:
        raise PartitionError(
            f"Only {int(inside.sum())} of {len(cells):,} training photos lie in a cell of the partition.\n"
            "Build it from these photos:  --set partition.file=null"
        )
    rule = recipe.averaging
    return Work(
        run=run,
        recipe=recipe,
        sets=replace(sets, train=sets.train[inside], dropped=dropped),
        partition=partition,
        train_cells=cells[inside],
        val_cells=partition.encode(sets.val.latlon),
        network=network,
        averaged=None if rule is None else AveragedWeights(network, rule.decay, averaged),
        cover=Cover.of(recipe.augmentation),
        say=logged(run, say),
    )


def _first_network(recipe: Recipe, partition: Partition) -> PlaceNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(recipe.seed))
        return build_network(recipe.network, partition)


def _restored(run: RunFolder, recipe: Recipe, partition: Partition, checkpoint: Checkpoint) -> PlaceNetwork:
    if checkpoint.cells != partition.fingerprint:
        raise TrainingError(
            f"The checkpoint of '{run.path}' was trained on other cells than its cells.parquet holds.\n"
            "Put the run's own cells.parquet back, or train anew."
        )
    network = bare_network(recipe.network, partition)
    try:
        network.load_state_dict(checkpoint.network)
    except RuntimeError as error:
        raise TrainingError(
            f"The checkpoint of '{run.path}' is of another network than its recipe says: "
            f"{str(error).splitlines()[-1].strip()}\nGive the run its own recipe.yaml back, or train anew."
        ) from error
    return network
