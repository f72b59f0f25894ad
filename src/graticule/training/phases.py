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
from graticule.training.augmentation import Cover
from graticule.training.averaging import AveragedWeights
from graticule.training.callbacks import Keeper, Say, Watch
from graticule.training.checkpoints import Checkpoint, Position
from graticule.training.compute import prepare_compute
from graticule.training.features import keep_features
from graticule.training.loading import KeptFeatures, Photos, ordered_loader, training_loader, worker_count
from graticule.training.module import CellClassifier, Lesson
from graticule.training.photo_sets import PhotoSets
from graticule.training.profiling import profile
from graticule.training.progress_bar import Bar
from graticule.training.recipe import PhaseSection, Recipe
from graticule.training.run_folder import RunFolder
from graticule.training.sampling import EpochOrder, RoundBatches, sampling_weights
from graticule.training.schedules import Timetable
from graticule.training.trainable import set_trainable

_REMARKS: Final = (
    ".*does not have many workers which may be a bottleneck.*",  # workers: are chosen by the cores
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",  # Lightning's own use of torch
)
"""Warnings of Lightning that nobody here can act on."""

_OUT_OF_MEMORY: Final = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch says on GPUs and on CPUs."""


@dataclass(frozen=True, eq=False)
class Work:
    """All that a run works with.

    Convention:
        - ``train_cells``, ``val_cells``: cell of each photo; -1 for validation photos that no cell covers
        - ``averaged``: the moving average of the network's weights, where the recipe asks for one
        - ``say``: takes the lines of the log; ``bar``: whether to draw a progress bar on stderr
        - ``profile``: whether to measure loading and computing alone before the first phase
        - ``watch``: told the history after each validation
    """

    run: RunFolder
    recipe: Recipe
    sets: PhotoSets
    partition: Partition
    train_cells: NDArray[np.int64]
    val_cells: NDArray[np.int64]
    network: PlaceNetwork
    averaged: AveragedWeights | None
    cover: Cover | None
    say: Say
    bar: bool = False
    profile: bool = False
    watch: Watch | None = None
    loggers: tuple[Any, ...] = ()

    def about(self) -> dict[str, str]:
        """What a file of the network's weights says of itself."""
        return {
            "architecture": self.recipe.network.backbone.name,
            "cells_fingerprint": self.partition.fingerprint,
        }


def train_phase(work: Work, position: Position, begun: Checkpoint | None) -> None:
    """Train the phase at ``position`` to its end; ``position`` is moved along.

    Convention:
        - ``begun``: the checkpoint to go on from when the phase is under way, else None

    Raises:
        StoppedError: the user pressed Ctrl-C; all is saved.
        TrainingError: the loss diverged, memory ran out, or nothing can be written.
    """
    recipe, phase = work.recipe, work.recipe.phases[position.phase]
    work.say(f"{set_trainable(work.network, phase)}, at {phase.learning_rate:g}, {phase.schedule}.")
    prepare_compute(work.network, recipe.compute)
    try:
        train_data, val_data = _data(work, position.phase, phase)
        module = _module(work, position, begun)
        if work.profile and position.phase == 0:
            profile(work.network, train_data, recipe, position.phase).report(work.run, work.say)
        with _quiet():
            trainer = _trainer(work, module.timetable.rounds_left(position.batch))
            train_loader = training_loader(train_data, module.batches, workers=recipe.workers)
            val_loader = ordered_loader(val_data, batch_size=recipe.batch_size, workers=recipe.workers)
            _fit(trainer, module, train_loader, val_loader)
    except (RuntimeError, MemoryError) as error:
        raise _explained(error, work) from error
    _name_unreadable(work, position, module)


def _module(work: Work, position: Position, begun: Checkpoint | None) -> CellClassifier:
    recipe, phase, train = work.recipe, work.recipe.phases[position.phase], work.sets.train
    weights = sampling_weights(recipe.sampling, work.train_cells, train.latlon)
    order = EpochOrder(len(train), seed=recipe.seed, weights=weights)
    batches = RoundBatches(order, batch_size=recipe.batch_size, phase=position.phase)
    if position.per_epoch not in (0, batches.per_epoch):
        raise TrainingError(
            f"The run '{work.run.path}' was begun with {position.per_epoch} batches in an epoch, now they "
            f"are {batches.per_epoch}: its batch_size or its photos have changed.\n"
            "Put back its recipe.yaml and its photos, or train anew."
        )
    position.per_epoch = batches.per_epoch
    timetable = Timetable.of(
        phase,
        per_epoch=batches.per_epoch,
        accumulate=recipe.accumulate,
        every_steps=recipe.validation.every_steps,
    )
    ends = timetable.round_ends
    batches.longest = max(stop - start for start, stop in zip((0, *ends), ends, strict=False))
    batches.start, batches.stop = position.batch, timetable.round_after(position.batch)[1]
    photos = np.bincount(work.train_cells, minlength=work.partition.count)
    lesson = Lesson(recipe, train, work.sets.val, work.partition, photos)
    module = CellClassifier(
        work.network, lesson, position, batches, timetable, begun=begun, averaged=work.averaged
    )
    return module.train()  # what stands still is told so when each round begins


def _data(
    work: Work, number: int, phase: PhaseSection
) -> tuple[Photos | KeptFeatures, Photos | KeptFeatures]:
    preprocessing, cover = work.network.preprocessing, work.cover
    train_data = Photos(
        work.sets.train, work.train_cells, preprocessing, work.recipe.augmentation, cover=cover
    )
    val_data = Photos(work.sets.val, work.val_cells, preprocessing, cover=cover)
    if not phase.cached_views:
        return train_data, val_data
    work.say(f"Running the backbone over {len(train_data):,} photos x {phase.cached_views} views, once.")
    return (
        keep_features(work.network, train_data, work.recipe, phase=number, views=phase.cached_views),
        keep_features(work.network, val_data, work.recipe, phase=number, views=1),
    )


def _trainer(work: Work, rounds: int) -> lightning.Trainer:
    processes = worker_count(work.recipe.workers)
    keeper = Keeper(work.run, work.about(), work.say, loading_processes=processes, watch=work.watch)
    return lightning.Trainer(
        max_epochs=rounds,  # what Lightning calls an epoch is the stretch between two validations
        accelerator="auto",
        devices=1,
        callbacks=[keeper, Bar()] if work.bar else [keeper],
        logger=list(work.loggers) or False,
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=str(work.run.path),
    )


def _fit(trainer: lightning.Trainer, module: CellClassifier, train_loader: Any, val_loader: Any) -> None:
    try:
        trainer.fit(module, train_loader, val_loader)
    except SystemExit as error:  # what Lightning makes of a second Ctrl-C
        if isinstance(error.__context__, KeyboardInterrupt):
            raise error.__context__ from None
        raise


def _name_unreadable(work: Work, position: Position, module: CellClassifier) -> None:
    sets, said = work.sets, {"train": "taught nothing", "val": "count as wrong"}
    found = {"train": position.unreadable, "val": sorted(module.tally.unreadable)}
    named = {}
    for split, photos in (("train", sets.train), ("val", sets.val)):
        names = named[split] = [photos.ids[row] for row in found[split]]
        if names:
            more = ", ..." if len(names) > 3 else ""
            work.say(
                f"{len(names):,} photos of '{split}' could not be read and {said[split]}: "
                f"{', '.join(names[:3])}{more}"
            )
    work.run.write_unreadable(named)


def _explained(error: Exception, work: Work) -> Exception:
    """What a user can do about torch's own errors; others are returned as they are."""
    if isinstance(error, TrainingError):
        return error
    first = (str(error).splitlines() or [type(error).__name__])[0]
    recipe, onward = work.recipe, f"graticule train --resume {work.run.path}"
    if "DataLoader worker" in first:
        return TrainingError(
            f"A process that loads photos was killed; often memory ran out ({first}).\n"
            f"Set 'workers: 0' in '{work.run.path / 'recipe.yaml'}', then go on:  {onward}"
        )
    if isinstance(error, MemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY):
        half = max(2, recipe.batch_size // 2)
        return TrainingError(
            f"Memory ran out ({first}).\n"
            f"Train anew with smaller batches, now {recipe.batch_size}, in as many photos a step:  "
            f"--set batch_size={half} --set accumulate={2 * recipe.accumulate}\n"
            "or with less memory for each photo:  --set compute.activation_checkpointing=true  or  "
            "--set network.image_size_px=PIXELS"
        )
    if recipe.compute.compile and type(error).__module__.startswith("torch._"):
        return TrainingError(
            f"torch.compile failed ({first}).\nTrain without it:  --set compute.compile=false"
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
