"""Lightning around a phase: the trainer, which batches come when, and what its errors mean to a user."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import lightning.pytorch as lightning
import torch

from graticule.errors import TrainingError
from graticule.training.callbacks import Keeper
from graticule.training.checkpoints import Position
from graticule.training.loading import worker_count
from graticule.training.phase_module import PhaseModule
from graticule.training.progress_bar import Bar
from graticule.training.ranks import Ranks, SumsPerStep
from graticule.training.run_folder import RunFolder
from graticule.training.sampling import EpochOrder, RoundBatches
from graticule.training.schedules import Timetable

_REMARKS: Final = (
    ".*does not have many workers which may be a bottleneck.*",  # workers: are chosen by the cores
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",  # Lightning's own use of torch
)
"""Warnings of Lightning that nobody here can act on."""

_OUT_OF_MEMORY: Final = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch says on GPUs and on CPUs."""


def plan_batches(
    run: RunFolder, recipe: Any, position: Position, order: EpochOrder, ranks: Ranks
) -> tuple[RoundBatches, Timetable]:
    """The batches from ``position`` on and the timetable of its phase; ``position`` is told their number.

    Raises:
        TrainingError: an epoch has other batches than when the run was begun.
    """
    batches = RoundBatches(order, batch_size=recipe.batch_size, phase=position.phase, ranks=ranks)
    if position.per_epoch not in (0, batches.per_epoch):
        raise TrainingError(
            f"The run '{run.path}' was begun with {position.per_epoch} batches in an epoch, now they "
            f"are {batches.per_epoch}: its batch_size or its photos have changed.\n"
            "Put back its recipe.yaml and its photos, or train anew."
        )
    position.per_epoch = batches.per_epoch
    timetable = Timetable.of(
        recipe.phases[position.phase],
        per_epoch=batches.per_epoch,
        accumulate=recipe.accumulate,
        every_steps=recipe.validation.every_steps,
    )
    ends = timetable.round_ends
    batches.longest = max(stop - start for start, stop in zip((0, *ends), ends, strict=False))
    batches.start, batches.stop = position.batch, timetable.round_after(position.batch)[1]
    return batches, timetable


def fit_phase(
    module: PhaseModule,
    train_loader: Any,
    val_loader: Any,
    keeper: Keeper,
    *,
    loggers: tuple[Any, ...] = (),
    bar: bool = False,
) -> None:
    """Train until the phase is over.

    Raises:
        StoppedError: the user pressed Ctrl-C; all is saved.
        TrainingError: the loss diverged, memory ran out, or nothing can be written.
    """
    try:
        with _quiet():
            rounds = module.timetable.rounds_left(module.position.batch)
            trainer = _trainer(module.ranks, rounds, keeper, loggers=loggers, bar=bar)
            _fit(trainer, module, train_loader, val_loader)
    except (RuntimeError, MemoryError) as error:
        raise explained(error, module.recipe, keeper.run) from error


def loading_processes(recipe: Any, ranks: Ranks) -> int | None:
    """The recipe's ``workers``; where it leaves them to the cores, the ranks of a machine share those."""
    if recipe.workers is not None or not ranks.several:
        workers: int | None = recipe.workers
        return workers
    return worker_count(None) // ranks.per_node


def _trainer(
    ranks: Ranks, rounds: int, keeper: Keeper, *, loggers: tuple[Any, ...], bar: bool
) -> lightning.Trainer:
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    together: dict[str, Any] = {}
    if ranks.several:
        together = {"strategy": SumsPerStep(process_group_backend=backend), "num_nodes": ranks.nodes}
        if not torch.cuda.is_available():
            together["accelerator"] = "cpu"
    return lightning.Trainer(
        max_epochs=rounds,  # what Lightning calls an epoch is the stretch between two validations
        **{"accelerator": "auto", **together},
        devices=ranks.per_node,
        callbacks=[keeper, Bar()] if bar else [keeper],
        logger=list(loggers) or False,
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=str(keeper.run.path),
    )


def _fit(trainer: lightning.Trainer, module: PhaseModule, train_loader: Any, val_loader: Any) -> None:
    try:
        trainer.fit(module, train_loader, val_loader)
    except SystemExit as error:  # what Lightning makes of a second Ctrl-C
        if isinstance(error.__context__, KeyboardInterrupt):
            raise error.__context__ from None
        raise


def explained(error: Exception, recipe: Any, run: RunFolder) -> Exception:
    """What a user can do about torch's own errors; others are returned as they are."""
    if isinstance(error, TrainingError):
        return error
    first = (str(error).splitlines() or [type(error).__name__])[0]
    onward = f"graticule {run.verb} --resume {run.path}"
    if "DataLoader worker" in first:
        return TrainingError(
            f"A process that loads photos was killed; often memory ran out ({first}).\n"
            f"Set 'workers: 0' in '{run.path / 'recipe.yaml'}', then go on:  {onward}"
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
