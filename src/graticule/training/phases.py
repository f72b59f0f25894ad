"""One phase of a run: what it learns from, and Lightning around it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import lightning.pytorch as lightning
import numpy as np
from numpy.typing import NDArray

from graticule.errors import TrainingError
from graticule.models import PlaceNetwork
from graticule.partitions import Partition
from graticule.training.callbacks import Bar, Keeper, Say
from graticule.training.checkpoints import Position
from graticule.training.features import keep_features
from graticule.training.loading import EpochBatches, KeptFeatures, Photos, ordered_loader, training_loader
from graticule.training.module import CellClassifier
from graticule.training.photo_sets import PhotoSets
from graticule.training.recipe import PhaseSection, Recipe
from graticule.training.run_folder import RunFolder
from graticule.training.schedules import set_trainable

_REMARKS: Final = (
    ".*does not have many workers which may be a bottleneck.*",  # workers: are chosen by the cores
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",  # Lightning's own use of torch
)
"""Warnings of Lightning that nobody here can act on."""


@dataclass(frozen=True, eq=False)
class Work:
    """All that a run works with.

    Convention:
        - ``train_cells``, ``val_cells``: cell of each photo; -1 for validation photos that no cell covers
        - ``say``: takes the lines of the log; ``bar``: whether to draw a progress bar on stderr
    """

    run: RunFolder
    recipe: Recipe
    sets: PhotoSets
    partition: Partition
    train_cells: NDArray[np.int64]
    val_cells: NDArray[np.int64]
    network: PlaceNetwork
    say: Say
    bar: bool

    def about(self) -> dict[str, str]:
        """What a file of the network's weights says of itself."""
        return {
            "architecture": self.recipe.network.backbone.name,
            "cells_fingerprint": self.partition.fingerprint,
        }


def train_phase(work: Work, position: Position, optimizer_state: dict[str, Any] | None) -> None:
    """Train the phase at ``position`` to its end; ``position`` is moved along.

    Raises:
        StoppedError: the user pressed Ctrl-C; all is saved.
        TrainingError: the loss diverged, memory ran out, or nothing can be written.
    """
    recipe, phase = work.recipe, work.recipe.phases[position.phase]
    work.say(f"{set_trainable(work.network, phase)}, at {phase.learning_rate:g}, {phase.schedule}.")
    train_data, val_data = _data(work, position.phase, phase)
    batches = EpochBatches(len(train_data), batch_size=recipe.batch_size, seed=recipe.seed)
    module = CellClassifier(
        work.network,
        recipe,
        position,
        batches,
        centres=work.partition.centres,
        val_latlon=work.sets.val.latlon,
        train=work.sets.train,
        optimizer_state=optimizer_state,
    )
    module.train()  # what stands still is told so when each epoch begins
    with _quiet():
        trainer = _trainer(work, phase.epochs - position.epoch)
        train_loader = training_loader(train_data, batches, workers=recipe.workers)
        val_loader = ordered_loader(val_data, batch_size=recipe.batch_size, workers=recipe.workers)
        try:
            trainer.fit(module, train_loader, val_loader)
        except RuntimeError as error:
            raise _explained(error, work) from error
    if module.unreadable:
        names = ", ".join(work.sets.train.ids[row] for row in sorted(module.unreadable)[:3])
        work.say(f"{len(module.unreadable):,} photos could not be read and taught nothing: {names}, ...")


def _data(
    work: Work, number: int, phase: PhaseSection
) -> tuple[Photos | KeptFeatures, Photos | KeptFeatures]:
    preprocessing = work.network.preprocessing
    train_data = Photos(work.sets.train, work.train_cells, preprocessing, work.recipe.augmentation)
    val_data = Photos(work.sets.val, work.val_cells, preprocessing)
    if not phase.cached_views:
        return train_data, val_data
    work.say(f"Running the backbone over {len(train_data):,} photos x {phase.cached_views} views, once.")
    return (
        keep_features(work.network, train_data, work.recipe, phase=number, views=phase.cached_views),
        keep_features(work.network, val_data, work.recipe, phase=number, views=1),
    )


def _trainer(work: Work, epochs: int) -> lightning.Trainer:
    keeper = Keeper(work.run, work.about(), work.say)
    return lightning.Trainer(
        max_epochs=epochs,
        accelerator="auto",
        devices=1,
        callbacks=[keeper, Bar()] if work.bar else [keeper],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=str(work.run.path),
    )


def _explained(error: RuntimeError, work: Work) -> RuntimeError:
    """What a user can do about torch's own errors; others are returned as they are."""
    if isinstance(error, TrainingError):
        return error
    first, onward = str(error).splitlines()[0], f"graticule train --resume {work.run.path}"
    if "DataLoader worker" in first:
        return TrainingError(
            f"A process that loads photos was killed; often memory ran out ({first}).\n"
            f"Set 'workers: 0' in '{work.run.path / 'recipe.yaml'}', then go on:  {onward}"
        )
    if "out of memory" in str(error):
        return TrainingError(
            f"Memory ran out ({first}).\n"
            f"Train anew with smaller batches, now {work.recipe.batch_size}, or smaller photos:  "
            f"--set batch_size={max(2, work.recipe.batch_size // 2)}  or  --set network.image_size_px=PIXELS"
        )
    return error


@contextmanager
def _quiet() -> Iterator[None]:
    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for remark in _REMARKS:
            warnings.filterwarnings("ignore", remark)
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
