"""Training: from a recipe to a run folder, and on from where a run was stopped."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graticule.errors import PartitionError, TrainingError
from graticule.models import PlaceNetwork, create_network
from graticule.partitions import Partition
from graticule.training.augmentation import POLICIES, vary_batch
from graticule.training.callbacks import Bar, Keeper, Say, run_says
from graticule.training.cells import build_cells
from graticule.training.checkpoints import LAST, Checkpoint, Position, read_checkpoint
from graticule.training.loading import EpochBatches, KeptFeatures, Photos, ordered_loader, training_loader
from graticule.training.module import CellClassifier, as_image
from graticule.training.photo_sets import PhotoSets, read_photo_sets
from graticule.training.predicting import predict_cells, write_predictions
from graticule.training.recipe import Recipe
from graticule.training.recipe_files import with_absolute_paths
from graticule.training.run_folder import RunFolder
from graticule.training.schedules import set_trainable
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


@dataclass(frozen=True)
class _Data:
    """The photos of a run and their cells (-1 where uncovered; never for training photos)."""

    sets: PhotoSets
    partition: Partition
    train_cells: NDArray[np.int64]
    val_cells: NDArray[np.int64]


def train(
    recipe: Recipe, output: str | Path, *, force: bool = False, say: Say = print, bar: bool = False
) -> TrainingReport:
    """Train what ``recipe`` describes, into a new run folder.

    Convention:
        - ``say``: called with each line of the log; ``bar``: draw a progress bar on stderr

    Raises:
        TrainingError: the folder is not empty, the photos do not suffice, or the loss diverges.
        RecipeError, MissingFileError, TableError, PartitionError: what the recipe names cannot be used.
    """
    recipe = with_absolute_paths(recipe)
    sets = read_photo_sets(recipe.photos)
    partition = build_cells(recipe.partition, sets.train.latlon)
    data, uncovered = _encode(sets, partition)
    network = _network(recipe, partition.count)  # before the folder: a wrong name leaves nothing behind
    run = RunFolder(Path(output))
    run.begin(recipe, force=force)
    partition.write(run.cells)
    run.write_counts(data.sets, data.train_cells, uncovered)
    logged = _logged(run, say)
    logged(sets.in_words())
    logged(
        f"Cells: {partition.count} ({partition.method}); {uncovered:,} training photos lie in none "
        "and are left "
        f"out; {int((data.val_cells < 0).sum()):,} of {len(data.sets.val):,} validation photos lie in "
        "none and "
        "count as wrong."
    )
    return _run(run, recipe, data, network, Checkpoint(Position(), {}, None), logged, bar=bar)


def resume(run_path: str | Path, *, say: Say = print, bar: bool = False) -> TrainingReport:
    """Go on with a run that was stopped or killed, to the same numbers.

    Raises:
        MissingFileError: this is no run, or it has no checkpoint.
        TrainingError: the checkpoint is damaged, or the photos are no longer those of the run.
    """
    run = RunFolder(Path(run_path))
    recipe, partition = run.read_recipe(), run.read_cells()
    checkpoint = read_checkpoint(run.checkpoint(LAST))
    data, _ = _encode(read_photo_sets(recipe.photos), partition)
    network = create_network(**network_arguments(recipe, partition.count, weights="none"))
    try:
        network.load_state_dict(checkpoint.network)
    except RuntimeError as error:
        raise TrainingError(
            f"The checkpoint of '{run.path}' is of another network than its recipe says: "
            f"{str(error).splitlines()[-1].strip()}\nGive the run its own recipe.yaml back, or train anew."
        ) from error
    logged = _logged(run, say)
    logged(f"Going on with '{run.path}' in {checkpoint.position.in_words()}.")
    return _run(run, recipe, data, network, checkpoint, logged, bar=bar)


def _run(
    run: RunFolder,
    recipe: Recipe,
    data: _Data,
    network: PlaceNetwork,
    checkpoint: Checkpoint,
    say: Say,
    *,
    bar: bool,
) -> TrainingReport:
    position, state = checkpoint.position, checkpoint.optimizer
    run.write_history(position.history)
    network.to(memory_format=torch.channels_last)
    while True:
        if not position.phase_is_over:
            _train_phase(run, recipe, data, network, position, state, say, bar=bar)
        if position.phase + 1 >= len(recipe.phases):
            break
        position = Position(phase=position.phase + 1, history=position.history)
        state = None
    _predict(run, recipe, data, network, say)
    say(run_says(run.path))
    return TrainingReport(run.path, data.partition.count, len(data.train_cells), position.history)


def _train_phase(
    run: RunFolder,
    recipe: Recipe,
    data: _Data,
    network: PlaceNetwork,
    position: Position,
    state: dict[str, Any] | None,
    say: Say,
    *,
    bar: bool,
) -> None:
    phase = recipe.phases[position.phase]
    say(set_trainable(network, phase) + f", at {phase.learning_rate:g}, {phase.schedule}.")
    train_data: Photos | KeptFeatures
    val_data: Photos | KeptFeatures
    augmentation = recipe.augmentation
    train_data = Photos(data.sets.train, data.train_cells, network.preprocessing, augmentation)
    val_data = Photos(data.sets.val, data.val_cells, network.preprocessing)
    if phase.cached_views:
        say(f"Running the backbone over {len(train_data):,} photos x {phase.cached_views} views, once.")
        train_data = _keep(network, train_data, recipe, position.phase, phase.cached_views)
        val_data = _keep(network, val_data, recipe, position.phase, 1)
    batches = EpochBatches(len(train_data), batch_size=recipe.batch_size, seed=recipe.seed)
    module = CellClassifier(
        network,
        recipe,
        position,
        batches,
        centres=data.partition.centres,
        val_latlon=data.sets.val.latlon,
        train=data.sets.train,
        optimizer_state=state,
    )
    module.train()  # what stands still is told so when each epoch begins
    keeper = Keeper(run, about_network(recipe, data.partition), say)
    with _quiet():
        trainer = lightning.Trainer(
            max_epochs=phase.epochs - position.epoch,
            accelerator="auto",
            devices=1,
            callbacks=[keeper, Bar()] if bar else [keeper],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            default_root_dir=str(run.path),
        )
        trainer.fit(
            module,
            training_loader(train_data, batches, workers=recipe.workers),
            ordered_loader(val_data, batch_size=recipe.batch_size, workers=recipe.workers),
        )
    if module.unreadable:
        names = ", ".join(data.sets.train.ids[row] for row in sorted(module.unreadable)[:3])
        say(f"{len(module.unreadable):,} photos could not be read and taught nothing: {names}, ...")


def about_network(recipe: Recipe, partition: Partition) -> dict[str, str]:
    """What a file of weights says of itself."""
    return {"architecture": recipe.network.backbone.name, "cells_fingerprint": partition.fingerprint}


def _encode(sets: PhotoSets, partition: Partition) -> tuple[_Data, int]:
    cells = partition.encode(sets.train.latlon)
    inside = cells >= 0
    if int(inside.sum()) < 2:
        raise PartitionError(
            f"Only {int(inside.sum())} of {len(cells):,} training photos lie in a cell of the partition.\n"
            "Build it from these photos:  --set partition.file=null"
        )
    kept = PhotoSets(sets.train[inside], sets.val, sets.test, sets.rows, sets.dropped)
    return _Data(kept, partition, cells[inside], partition.encode(sets.val.latlon)), int((~inside).sum())


def _network(recipe: Recipe, cells: int) -> PlaceNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(recipe.seed))
        return create_network(**network_arguments(recipe, cells, weights=recipe.network.backbone.weights))


def network_arguments(recipe: Recipe, cells: int, *, weights: str) -> dict[str, Any]:
    """What ``create_network`` is called with for a recipe; ``weights`` in place of the recipe's own."""
    section = recipe.network
    return {
        "backbone": section.backbone.name,
        "kwargs": section.backbone.kwargs,
        "identity_modules": section.backbone.identity_modules,
        "weights": weights,
        "cells": cells,
        "pooling": section.pooling,
        "head": section.head,
        "dropout": section.dropout,
        "feature_norm": section.feature_norm,
        "image_size_px": section.image_size_px,
        "crop": section.crop,
        "mean": section.mean,
        "std": section.std,
    }


@torch.no_grad()
def _keep(network: PlaceNetwork, photos: Photos, recipe: Recipe, phase: int, views: int) -> KeptFeatures:
    """Features of every photo: the first view is its centre, the others are augmented."""
    network.eval()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    policy = POLICIES[recipe.augmentation.policy]
    kept: list[Tensor] = []
    cells = photos.cells.copy()
    for view in range(views):
        varied = photos.augmentation if view else None
        dataset = Photos(photos.photos, photos.cells, photos.preprocessing, varied)
        features: Tensor | None = None
        generator = torch.Generator().manual_seed(derived_seed(recipe.seed, phase, view))
        loader = ordered_loader(
            dataset,
            batch_size=recipe.batch_size,
            workers=recipe.workers,
            seed=derived_seed(recipe.seed, phase, view),
        )
        for batch in loader:
            cells[batch.unreadable] = -1
            if not len(batch.rows):
                continue
            image = as_image(batch.inputs)
            found = network.embed((vary_batch(image, policy, generator) if view else image).to(device)).cpu()
            if features is None:
                features = torch.zeros(len(photos), found.shape[1])
            features[batch.rows] = found
        if features is None:
            raise TrainingError(
                "None of the photos could be read.\nCheck them:  graticule ingest PHOTOS -o FOLDER"
            )
        kept.append(features)
    return KeptFeatures(torch.stack(kept), cells)


def _predict(run: RunFolder, recipe: Recipe, data: _Data, network: PlaceNetwork, say: Say) -> None:
    from graticule.models import read_tensors

    name = recipe.evaluation.checkpoint
    network.load_state_dict(read_tensors(run.weights(name)).tensors)
    photos = Photos(data.sets.val, data.val_cells, network.preprocessing)
    probabilities = predict_cells(network, photos, batch_size=recipe.batch_size, workers=recipe.workers)
    write_predictions(
        run.predictions,
        probabilities,
        data.sets.val,
        data.partition,
        model=recipe.card.name,
        estimate=recipe.evaluation.estimate,
    )
    best = probabilities.argmax(axis=1)
    top1 = float(np.mean(np.where(np.isnan(probabilities[:, 0]), -2, best) == data.val_cells))
    say(f"Predictions of '{name}' on {len(best):,} validation photos (top-1 {top1:.1%}): {run.predictions}")


def _logged(run: RunFolder, say: Say) -> Say:
    def both(line: str) -> None:
        run.say(line)
        say(line)

    return both


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the remarks of Lightning that nobody here can act on; each is named."""
    loggers = [
        logging.getLogger(name)
        for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    ]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for message in (
            ".*does not have many workers which may be a bottleneck.*",  # workers: is chosen by the cores
            ".*You are trying to `self.log\\(\\)`.*",
            ".*GPU available but not used.*",
            ".*The number of training batches .* is smaller than the logging interval.*",
            ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",  # Lightning's own use of torch
        ):
            warnings.filterwarnings("ignore", message)
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
