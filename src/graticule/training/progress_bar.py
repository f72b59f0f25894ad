"""A progress bar on a terminal while a run trains."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as lightning
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Bar(Callback):
    """A progress bar on a terminal: batches of the phase, rate, time left."""

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
        last = math.ceil(pl_module.timetable.epochs)
        title = f"{phase.name} {min(last, position.batch // pl_module.timetable.per_epoch + 1)}/{last}"
        self._progress.start()
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(
            title,
            total=pl_module.timetable.total,
            completed=position.batch,
            rate="",
        )

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,  # noqa: ARG002
        pl_module: Any,
        outputs: Any,  # noqa: ARG002 -- Lightning's signature
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """One batch further."""
        position = pl_module.position
        spent_s = position.waiting_s + position.computing_s
        rate = f"{position.photos / max(spent_s, 1e-9):.0f} photos/s"
        self._progress.update(self._task, completed=position.batch, rate=rate)

    def teardown(self, trainer: lightning.Trainer, pl_module: Any, stage: str) -> None:  # noqa: ARG002
        """Take the bar away."""
        self._progress.stop()
