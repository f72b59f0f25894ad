"""What happens around the steps: saving, stopping early, stopping on Ctrl-C, and saying how far it is."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from copy import deepcopy
from types import FrameType
from typing import Any, Final

import lightning.pytorch as lightning
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from graticule.errors import TrainingError
from graticule.training.checkpoints import (
    BEST_ACCURACY,
    BEST_LOSS,
    LAST,
    Checkpoint,
    Position,
    write_checkpoint,
    write_weights,
)
from graticule.training.module import CellClassifier, Scores
from graticule.training.run_folder import RunFolder

SAVE_EVERY_S: Final = 600.0
"""A long epoch is saved within so many seconds, and gone on from in its middle."""

Say = Callable[[str], None]


class StoppedError(TrainingError):
    """The user pressed Ctrl-C; all that was done is saved."""

    exit_status = 130


class Keeper(Callback):
    """Writes the run folder: after each epoch, every ten minutes, and before stopping on Ctrl-C."""

    def __init__(self, run: RunFolder, about: dict[str, str], say: Say) -> None:
        self.run = run
        self.about = about
        self.say = say
        self.interrupted = False
        self._saved_at = time.monotonic()
        self._epoch_began = time.perf_counter()
        self._before: Any = None

    def setup(self, trainer: lightning.Trainer, pl_module: Any, stage: str) -> None:  # noqa: ARG002
        """From now on the first Ctrl-C only asks to stop; a second one stops at once."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_interrupt)

    def teardown(self, trainer: lightning.Trainer, pl_module: Any, stage: str) -> None:  # noqa: ARG002
        """Give Ctrl-C back its usual meaning."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:  # noqa: ARG002
        """The clock of ``seconds`` starts."""
        self._epoch_began = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: Any,
        outputs: Any,  # noqa: ARG002 -- Lightning's signature
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Save in the middle of an epoch when it is time, or when asked to stop."""
        last = batch_idx + 1 >= len(pl_module.batches)
        if self.interrupted and not last:
            self._save(trainer, pl_module, [LAST])
            raise StoppedError(self._stopped(pl_module.position))
        if time.monotonic() - self._saved_at > SAVE_EVERY_S and not last:
            self._save(trainer, pl_module, [LAST])

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Book the epoch, keep what is best, and end the phase when it no longer helps."""
        scores, position = pl_module.val_scores, pl_module.position
        assert scores is not None
        row = self._row(pl_module, scores)
        names = [LAST, *self._records(position.history, scores)]
        position.history.append(row)
        position.epoch += 1
        position.batch, position.loss_sum, position.photos, position.seconds = 0, 0.0, 0, 0.0
        stops = self._stops_early(pl_module, scores)
        position.phase_is_over = stops or position.epoch >= pl_module.phase.epochs
        self._save(trainer, pl_module, names)
        self.run.write_history(position.history)
        self.say(_in_words(row, pl_module.phase.epochs, names))
        if stops:
            self.say(f"Phase '{pl_module.phase.name}' ends: the validation loss fell no more.")
            trainer.should_stop = True
        if self.interrupted:
            raise StoppedError(self._stopped(position))

    def _row(self, module: CellClassifier, scores: Scores) -> dict[str, Any]:
        position = module.position
        return {
            "phase": module.phase.name,
            "epoch": position.epoch + 1,
            "learning_rate": module.learning_rate,
            "train_loss": position.loss_sum / max(1, position.photos),
            "val_loss": scores.loss,
            "val_top1": scores.top1,
            "val_median_km": scores.median_km,
            "seconds": round(time.perf_counter() - self._epoch_began, 2),
            "photos_per_s": round(position.photos / max(position.seconds, 1e-9), 1),
        }

    def _records(self, history: list[dict[str, Any]], scores: Scores) -> list[str]:
        names = []
        if not any(row["val_loss"] <= scores.loss for row in history):
            names.append(BEST_LOSS)
        if not any(row["val_top1"] >= scores.top1 for row in history):
            names.append(BEST_ACCURACY)
        return names

    def _stops_early(self, module: CellClassifier, scores: Scores) -> bool:
        position, rule = module.position, module.recipe.early_stopping
        least = rule.min_improvement if rule else 0.0
        if scores.loss < position.lowest_loss - least:
            position.lowest_loss, position.stale_epochs = scores.loss, 0
        else:
            position.stale_epochs += 1
        return rule is not None and position.stale_epochs >= rule.patience

    def _save(self, trainer: lightning.Trainer, module: CellClassifier, names: list[str]) -> None:
        if not trainer.is_global_zero:
            return
        checkpoint = Checkpoint(
            deepcopy(module.position),
            module.network.state_dict(),
            module.optimizers().state_dict(),  # type: ignore[union-attr]
        )
        for name in names[
            1:
        ]:  # the best before the last: a kill between them repeats an epoch, loses nothing
            write_checkpoint(self.run.checkpoint(name), checkpoint)
            write_weights(self.run.weights(name), checkpoint.network, self.about)
        write_checkpoint(self.run.checkpoint(names[0]), checkpoint)
        self._saved_at = time.monotonic()

    def _stopped(self, position: Position) -> str:
        return (
            f"Stopped in {position.in_words()}; all of it is saved.\n"
            f"Go on:  graticule train --resume {self.run.path}"
        )

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        self.say("Stopping after this batch ... (Ctrl-C again: at once)")


class Bar(Callback):
    """A progress bar on a terminal: batches of the epoch, rate, time left."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: Any = None

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:  # noqa: ARG002
        """A new bar."""
        position, phase = pl_module.position, pl_module.phase
        title = f"{phase.name} {position.epoch + 1}/{phase.epochs}"
        self._progress.start()
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(
            title, total=len(pl_module.batches), completed=position.batch, rate=""
        )

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,  # noqa: ARG002
        pl_module: Any,
        outputs: Any,  # noqa: ARG002 -- Lightning's signature
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """One batch further."""
        position = pl_module.position
        rate = f"{position.photos / max(position.seconds, 1e-9):.0f} photos/s"
        self._progress.update(self._task, completed=batch_idx + 1, rate=rate)

    def teardown(self, trainer: lightning.Trainer, pl_module: Any, stage: str) -> None:  # noqa: ARG002
        """Take the bar away."""
        self._progress.stop()


def _in_words(row: dict[str, Any], epochs: int, names: list[str]) -> str:
    best = "".join(f", {name.replace('_', ' ')} so far" for name in names[1:])
    return (
        f"{row['phase']} {row['epoch']}/{epochs}: loss {row['train_loss']:.3f}, "
        f"validation loss {row['val_loss']:.3f}, "
        f"top-1 {row['val_top1']:.1%}, median {row['val_median_km']:,.0f} km, "
        f"{row['photos_per_s']:.0f} photos/s, {row['seconds']:.0f} s{best}"
    )
