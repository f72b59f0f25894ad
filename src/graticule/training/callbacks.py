"""What happens around the steps: saving, stopping early, stopping when asked to, and saying how far it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import lightning.pytorch as lightning
from lightning.pytorch.callbacks import Callback

from graticule.errors import TrainingError
from graticule.training.checkpoints import (
    BEST_ACCURACY,
    BEST_LOSS,
    LAST,
    Position,
    write_checkpoint,
    write_weights,
)
from graticule.training.loading import Batch
from graticule.training.phase_module import PhaseModule
from graticule.training.run_folder import RunFolder
from graticule.training.stopping import StopRequest
from graticule.training.validating import Scores

SAVE_EVERY_S: Final = 600.0
"""A long epoch is saved within so many seconds, and gone on from in its middle."""

Say = Callable[[str], None]

Watch = Callable[[list[dict[str, Any]]], None]
"""Told the history after each validation, once all of it is saved; may raise to end the run there."""


class StoppedError(TrainingError):
    """The user pressed Ctrl-C, or a scheduler asked to end; all that was done is saved."""

    exit_status = 130


class Keeper(Callback):
    """Writes the run folder: after each validation, every ten minutes, and before stopping when asked to."""

    def __init__(
        self,
        run: RunFolder,
        about: dict[str, str],
        say: Say,
        *,
        loading_processes: int = 1,
        watch: Watch | None = None,
    ) -> None:
        self.run = run
        self.about = about
        self.say = say
        self.watch = watch
        self.loading_processes = max(1, loading_processes)
        self.stop_request = StopRequest(say)
        self._saved_at = time.monotonic()
        self._round_began = time.perf_counter()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:  # noqa: ARG002
        """From now on the first Ctrl-C only asks to stop; a second one stops at once."""
        self.stop_request.listen()

    def teardown(self, trainer: lightning.Trainer, pl_module: Any, stage: str) -> None:  # noqa: ARG002
        """Give Ctrl-C back its usual meaning."""
        self.stop_request.end()

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:  # noqa: ARG002
        """The clock of ``seconds`` starts."""
        self._round_began = time.perf_counter()

    def on_train_batch_start(
        self,
        trainer: lightning.Trainer,  # noqa: ARG002 -- Lightning's signature
        pl_module: Any,
        batch: Batch,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Ranks agree on stopping when they add up."""
        pl_module.stop_asked = self.stop_request.is_asked

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: Any,
        outputs: Any,  # noqa: ARG002 -- Lightning's signature
        batch: Batch,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Save in the middle of an epoch when it is time, or when asked to stop; never within a step."""
        done = pl_module.position.batch
        if (
            pl_module.is_padding(batch_idx)
            or done >= pl_module.batches.stop
            or not pl_module.timetable.step_is_over(done)
        ):
            return
        if pl_module.stop_agreed if pl_module.ranks.several else self.stop_request.is_asked:
            self._save(trainer, pl_module, [LAST])
            raise StoppedError(stopped(pl_module.position, self.run))
        if time.monotonic() - self._saved_at > SAVE_EVERY_S:
            self._save(trainer, pl_module, [LAST])

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Book a validation, keep what is best, and end the phase when it no longer helps."""
        scores, position = pl_module.val_scores, pl_module.position
        assert scores is not None
        if not position.photos:
            raise TrainingError(
                f"None of the photos of phase '{pl_module.phase.name}' could be read.\n"
                "Check them:  graticule ingest PHOTOS -o FOLDER"
            )
        row = self._row(pl_module, scores)
        names = [LAST, *_records(position.history, scores)]
        position.history.append(row)
        position.next_round()
        lowered = _lower_rate(pl_module, scores)
        stops = _stops_early(pl_module, scores)
        position.phase_is_over = stops or position.batch >= pl_module.timetable.total
        if not position.phase_is_over:
            pl_module.batches.start, pl_module.batches.stop = pl_module.timetable.round_after(position.batch)
        self._save(trainer, pl_module, names)
        if trainer.is_global_zero:
            self.run.write_history(position.history)
        for logger in trainer.loggers:
            logger.log_metrics({k: v for k, v in row.items() if isinstance(v, int | float)}, row["step"])
        self.say(_in_words(row, scores, math.ceil(pl_module.timetable.epochs), names))
        if lowered:
            self.say(
                f"The validation loss fell no more: the rate is multiplied by {position.plateau_share:g}."
            )
        if stops:
            self.say(f"Phase '{pl_module.phase.name}' ends: the validation loss fell no more.")
            trainer.should_stop = True
        if self.watch is not None:
            self.watch(position.history)
        if pl_module.ranks.any(self.stop_request.is_asked):
            raise StoppedError(stopped(position, self.run))

    def _row(self, module: PhaseModule, scores: Scores) -> dict[str, Any]:
        position = module.position
        loading_s = position.loading_s / self.loading_processes
        return {
            "phase": module.phase.name,
            "epoch": module.timetable.epoch_of(position.batch),
            "step": position.steps,
            "learning_rate": module.learning_rate,
            "train_loss": position.loss_sum / position.photos,
            **scores.columns(),
            "seconds": round(time.perf_counter() - self._round_began, 2),
            "photos_per_s": _rate(position.photos, position.waiting_s + position.computing_s),
            "loading_photos_per_s": _rate(position.photos, loading_s),
            "computing_photos_per_s": _rate(position.photos, position.computing_s),
        }

    def _save(self, trainer: lightning.Trainer, module: PhaseModule, names: list[str]) -> None:
        if not trainer.is_global_zero:
            return
        found = module.checkpoint()
        checkpoint = replace(found, position=deepcopy(found.position))
        best = checkpoint.network if checkpoint.averaged is None else checkpoint.averaged["tensors"]
        for name in names[1:]:  # best before last: a kill between them repeats an epoch, loses nothing
            write_checkpoint(self.run.checkpoint(name), checkpoint)
            write_weights(self.run.weights(name), best, self.about)
        write_checkpoint(self.run.checkpoint(names[0]), checkpoint)
        self._saved_at = time.monotonic()


def stopped(position: Position, run: RunFolder) -> str:
    """What to type after a run was stopped at ``position``."""
    onward = f"graticule {run.verb} --resume {run.path}"
    return f"Stopped in {position.in_words()}; all of it is saved.\nGo on:  {onward}"


def _records(history: list[dict[str, Any]], scores: Scores) -> list[str]:
    names = []
    if not any(row["val_loss"] <= scores.loss for row in history):
        names.append(BEST_LOSS)
    known = [row["val_top1"] for row in history if row.get("val_top1") is not None]
    if scores.top1 is not None and not any(top1 >= scores.top1 for top1 in known):
        names.append(BEST_ACCURACY)
    return names


def _stops_early(module: PhaseModule, scores: Scores) -> bool:
    position, rule = module.position, module.recipe.early_stopping
    least = rule.min_improvement if rule else 0.0
    if scores.loss < position.lowest_loss - least:
        position.lowest_loss, position.stale = scores.loss, 0
    else:
        position.stale += 1
    return rule is not None and position.stale >= rule.patience


def _lower_rate(module: PhaseModule, scores: Scores) -> bool:
    """Whether the schedule ``plateau`` lowers the rate after this validation."""
    position, phase = module.position, module.phase
    if phase.schedule != "plateau":
        return False
    if scores.loss < position.plateau_lowest - phase.plateau_improvement:
        position.plateau_lowest, position.plateau_stale = scores.loss, 0
        return False
    position.plateau_stale += 1
    if position.plateau_stale < phase.plateau_patience:
        return False
    position.plateau_stale = 0
    position.plateau_share *= phase.plateau_factor
    return True


def _rate(photos: int, seconds: float) -> float | None:
    return round(photos / seconds, 1) if seconds > 0 else None


def _in_words(row: dict[str, Any], scores: Scores, epochs: int, names: list[str]) -> str:
    best = "".join(f", {name.replace('_', ' ')} so far" for name in names[1:])
    return (
        f"{row['phase']} {row['epoch']}/{epochs}, step {row['step']}: loss {row['train_loss']:.3f}, "
        f"{scores.in_words()}, "
        f"{row['photos_per_s'] or 0:.0f} photos/s, {row['seconds']:.0f} s{best}"
    )
