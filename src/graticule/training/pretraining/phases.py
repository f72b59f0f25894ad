"""One phase of pre-training: photos in, probes and pictures on the way."""

from __future__ import annotations

from typing import Any

from graticule.training.callbacks import Keeper, Watch
from graticule.training.checkpoints import Checkpoint, Position
from graticule.training.compute import prepare_compute
from graticule.training.fitting import explained, fit_phase, loading_processes, plan_batches
from graticule.training.loading import ordered_loader, training_loader, worker_count
from graticule.training.pretraining.module import Restorer, Study
from graticule.training.pretraining.work import Work
from graticule.training.sampling import EpochOrder
from graticule.training.trainable import set_trainable
from graticule.training.unreadable import NO_CELLS, name_unreadable


def train_phase(work: Work, position: Position, begun: Checkpoint | None) -> None:
    """Train the phase at ``position`` to its end; ``position`` is moved along.

    Convention:
        - ``begun``: the checkpoint to go on from when the phase is under way, else None

    Raises:
        StoppedError: the user pressed Ctrl-C; all is saved.
        TrainingError: the loss diverged, memory ran out, or nothing can be written.
    """
    recipe, run, ranks = work.recipe, work.run, work.ranks
    phase = recipe.phases[position.phase]
    work.say(f"{set_trainable(work.network, phase)}, at {phase.learning_rate:g}, {phase.schedule}.")
    prepare_compute(work.network, recipe.compute)
    workers = loading_processes(recipe, ranks)
    try:
        train_data = work.data(work.sets.train, varied=True)
        val_data = work.data(work.sets.val, varied=False)
        order = EpochOrder(len(work.sets.train), seed=recipe.seed)
        batches, timetable = plan_batches(run, recipe, position, order, ranks)
    except (RuntimeError, MemoryError) as error:
        raise explained(error, recipe, run) from error
    study = Study(recipe, work.sets.train, work.sets.val, work.prober, work.gallery)
    module = Restorer(
        work.network,
        study,
        position,
        batches,
        timetable,
        begun=begun,
        averaged=work.averaged,
        ranks=ranks,
    )
    keeper = Keeper(run, work.about(), work.say, loading_processes=worker_count(workers), watch=_told(work))
    fit_phase(
        module.train(),
        training_loader(train_data, batches, workers=workers),
        ordered_loader(val_data, batch_size=recipe.batch_size, workers=workers, ranks=ranks),
        keeper,
        loggers=work.loggers,
        bar=work.bar,
    )
    if ranks.is_first:
        unreadable = {"train": position.unreadable, "val": sorted(module.tally.unreadable)}
        name_unreadable(run, work.sets, unreadable, work.say, meaning=NO_CELLS)


def _told(work: Work) -> Watch:
    """Says each new probe once its epoch is booked; then tells the watch of the caller."""

    def watch(history: list[dict[str, Any]]) -> None:
        latest = history[-1]
        if work.ranks.is_first and latest["probe_top1"] is not None and work.prober is not None:
            work.say(work.prober.latest().in_words())
        if work.watch is not None:
            work.watch(history)

    return watch
