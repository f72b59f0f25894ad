"""One phase of a run: what it learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graticule.models import PlaceNetwork
from graticule.partitions import Partition
from graticule.training.augmentation import Cover
from graticule.training.averaging import AveragedWeights
from graticule.training.callbacks import Keeper, Say, Watch
from graticule.training.checkpoints import Checkpoint, Position
from graticule.training.compute import prepare_compute
from graticule.training.features import shared_features
from graticule.training.fitting import explained, fit_phase, loading_processes, plan_batches
from graticule.training.loading import KeptFeatures, Photos, ordered_loader, training_loader, worker_count
from graticule.training.module import CellClassifier, Lesson
from graticule.training.photo_sets import PhotoSets
from graticule.training.profiling import profile
from graticule.training.ranks import ALONE, Ranks
from graticule.training.recipe import PhaseSection, Recipe
from graticule.training.run_folder import RunFolder
from graticule.training.sampling import EpochOrder, sampling_weights
from graticule.training.trainable import set_trainable
from graticule.training.unreadable import name_unreadable


@dataclass(frozen=True, eq=False)
class Work:
    """All that a run works with.

    Convention:
        - ``train_cells``, ``val_cells``: cell of each photo; -1 for validation photos that no cell covers
        - ``averaged``: the moving average of the network's weights, where the recipe asks for one
        - ``say``: takes the lines of the log; ``bar``: whether to draw a progress bar on stderr
        - ``profile``: whether to measure loading and computing alone before the first phase
        - ``watch``: told the history after each validation
        - ``ranks``: the processes that train together
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
    ranks: Ranks = ALONE

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
    prepare_compute(work.network.backbone, recipe.compute)
    workers = loading_processes(recipe, work.ranks)
    try:
        train_data, val_data = _data(work, position.phase, phase)
        module = _module(work, position, begun)
        if work.profile and position.phase == 0:
            profile(work.network, train_data, recipe, position.phase).report(work.run, work.say)
    except (RuntimeError, MemoryError) as error:
        raise explained(error, recipe, work.run) from error
    train_loader = training_loader(train_data, module.batches, workers=workers)
    val_loader = ordered_loader(val_data, batch_size=recipe.batch_size, workers=workers, ranks=work.ranks)
    keeper = Keeper(
        work.run, work.about(), work.say, loading_processes=worker_count(workers), watch=work.watch
    )
    fit_phase(module, train_loader, val_loader, keeper, loggers=work.loggers, bar=work.bar)
    if not work.ranks.is_first:
        return
    unreadable = {"train": position.unreadable, "val": sorted(module.tally.unreadable)}
    name_unreadable(work.run, work.sets, unreadable, work.say)


def _module(work: Work, position: Position, begun: Checkpoint | None) -> CellClassifier:
    recipe, train = work.recipe, work.sets.train
    weights = sampling_weights(recipe.sampling, work.train_cells, train.latlon)
    order = EpochOrder(len(train), seed=recipe.seed, weights=weights)
    batches, timetable = plan_batches(work.run, recipe, position, order, work.ranks)
    photos = np.bincount(work.train_cells, minlength=work.partition.count)
    lesson = Lesson(recipe, train, work.sets.val, work.partition, photos)
    module = CellClassifier(
        work.network,
        lesson,
        position,
        batches,
        timetable,
        begun=begun,
        averaged=work.averaged,
        ranks=work.ranks,
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

    def features(photos: Photos, views: int) -> KeptFeatures:
        say = work.say if work.ranks.is_first else None
        return shared_features(work.network, photos, work.recipe, phase=number, views=views, say=say)

    return features(train_data, phase.cached_views), features(val_data, 1)
