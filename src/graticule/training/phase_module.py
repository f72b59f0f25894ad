"""The steps of a phase as a Lightning module, whatever is learned: batches, gradients, rates, checkpoints."""

from __future__ import annotations

import time
from abc import abstractmethod
from contextlib import ExitStack
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from graticule.errors import TrainingError
from graticule.training.averaging import AveragedWeights
from graticule.training.checkpoints import Checkpoint, Position
from graticule.training.loading import Batch
from graticule.training.precision import Precision
from graticule.training.ranks import ALONE, Ranks
from graticule.training.recipe import PhaseSection
from graticule.training.sampling import RoundBatches
from graticule.training.schedules import Timetable, rate_factor
from graticule.training.seeds import derived_seed
from graticule.training.trainable import (
    cannot_learn_from_one,
    create_optimizer,
    set_modes,
)


class PhaseModule(lightning.LightningModule):
    """Trains ``network`` for one phase of a recipe, from ``position`` on.

    Convention:
        - ``begun``: the checkpoint that the phase goes on from, None at its beginning
        - ``averaged``: the moving average that earlier phases left, or None
        - ``val_scores``: of the latest validation, None before the first
        - ``ranks``: the processes that train together; each learns from its share of a batch, and what is
          counted in ``position`` is of all of them
        - every draw depends on (seed, phase, batch) or (seed, phase, epoch, photo) alone
    """

    def __init__(
        self,
        network: Any,
        recipe: Any,
        position: Position,
        batches: RoundBatches,
        timetable: Timetable,
        *,
        begun: Checkpoint | None = None,
        averaged: AveragedWeights | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self.recipe = recipe
        self.phase: PhaseSection = recipe.phases[position.phase]
        self.position = position
        self.batches = batches
        self.timetable = timetable
        self.averaged = averaged
        self.ranks = ranks
        self.val_scores: Any = None
        self.tally: Any = self.new_tally()
        self.learning_rate = 0.0
        self.precision: Precision | None = None
        self.stop_asked = False
        self.stop_agreed = False
        self._begun = begun
        self._swapped = ExitStack()
        self._window_loss = 0.0
        self._window_photos = 0
        self._window_unreadable: set[int] = set()
        self._batch_ended = 0.0

    @abstractmethod
    def batch_loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """The mean loss of a batch, for the gradient."""

    @abstractmethod
    def new_tally(self) -> Any:
        """What counts a validation: with ``merged`` and ``scores``."""

    @abstractmethod
    def photo_names(self, rows: list[int]) -> list[str]:
        """Names of training photos."""

    @property
    def cells_fingerprint(self) -> str:
        """Of the partition that is learned, empty without one."""
        return ""

    def configure_optimizers(self) -> Optimizer:
        """The phase's optimiser, in the state of the checkpoint when there is one."""
        optimizer = create_optimizer(self.network, self.phase)
        if self._begun is not None and self._begun.optimizer is not None:
            optimizer.load_state_dict(self._begun.optimizer)
        return optimizer

    def on_fit_start(self) -> None:
        """Now the device is known."""
        scaler_state = self._begun.scaler if self._begun is not None else None
        self.precision = Precision(self.recipe.compute.precision, self.device, scaler_state)

    def on_train_epoch_start(self) -> None:
        """What trains is told so; validation left everything in evaluation mode."""
        set_modes(self.network, self.phase)
        self._batch_ended = time.perf_counter()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Learn from one batch and note where the run stands; unreadable photos are remembered."""
        began, position = time.perf_counter(), self.position
        if self.is_padding(batch_idx):
            return
        position.waiting_s += began - self._batch_ended
        position.loading_s += batch.loading_s
        self._window_unreadable.update(batch.unreadable)
        if len(batch.rows) == 1 and cannot_learn_from_one(self.network):
            self._window_unreadable.update(batch.rows.tolist())
        elif len(batch.rows):
            self._learn(batch)
        position.batch += 1
        if self.timetable.step_is_over(position.batch):
            self._step()
        self._batch_ended = time.perf_counter()
        position.computing_s += self._batch_ended - began

    def is_padding(self, batch_idx: int) -> bool:
        """Whether that batch of a round only fills it: the round was begun before a kill."""
        return batch_idx < self.batches.padding

    def on_validation_epoch_start(self) -> None:
        """Forget the validation before; the averaged weights are looked at where there are any."""
        self.tally = self.new_tally()
        if self.averaged is not None:
            self._swapped.enter_context(self.averaged.in_place())

    def on_validation_epoch_end(self) -> None:
        """The scores over all validation photos of all ranks."""
        self._swapped.close()
        if self.ranks.several:
            self.tally = self.tally.merged(self.ranks.gather(self.tally))
        self.val_scores = self.tally.scores()

    def checkpoint(self) -> Checkpoint:
        """Where the run stands now, with all that goes on from here."""
        return Checkpoint(
            self.position,
            self.network.state_dict(),
            optimizer=self._optimizer().state_dict(),
            averaged=self.averaged.state_dict() if self.averaged is not None else None,
            scaler=self.precision.state_dict() if self.precision is not None else {},
            cells=self.cells_fingerprint,
        )

    def _optimizer(self) -> Optimizer:
        found: Any = self.optimizers(use_pl_optimizer=False)
        optimizer: Optimizer = found
        return optimizer

    def _learn(self, batch: Batch) -> None:
        position, ranks = self.position, self.ranks
        keys = (self.recipe.seed, position.phase, position.batch)
        own = (ranks.rank,) if ranks.several else ()
        torch.manual_seed(derived_seed(*keys, 0, *own))  # dropout
        generator = torch.Generator().manual_seed(derived_seed(*keys, 1, *own))
        loss = self.batch_loss(batch, generator)
        if not bool(torch.isfinite(loss)):
            raise TrainingError(self._diverged(batch))
        count = len(batch.rows)
        # parts of a step count by their photos, and _step divides by those of the whole step
        weighed = loss * (count / self.recipe.batch_size) if self._is_in_parts else loss
        assert self.precision is not None
        scaler = self.precision.scaler
        self.manual_backward(weighed if scaler is None else scaler.scale(weighed))
        self._window_photos += count
        self._window_loss += float(loss.detach()) * count

    @property
    def _is_in_parts(self) -> bool:
        """Whether several gradients make a step."""
        return self.recipe.accumulate > 1 or self.ranks.several

    def _step(self) -> None:
        """One step of the optimiser, from the gradients since the one before."""
        assert self.precision is not None
        optimizer, scaler, position = self._optimizer(), self.precision.scaler, self.position
        self._set_rates(optimizer)
        if self.ranks.several:
            self._add_over_ranks(optimizer)
        if self._window_photos:
            parameters = [
                p for group in optimizer.param_groups for p in group["params"] if p.grad is not None
            ]
            if scaler is not None:
                scaler.unscale_(optimizer)
            if self._is_in_parts:
                for parameter in parameters:
                    parameter.grad.mul_(self.recipe.batch_size / self._window_photos)
            if self.phase.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(parameters, self.phase.clip_norm)
            if scaler is None:
                optimizer.step()
            else:
                scaler.step(optimizer)
                scaler.update()
            optimizer.zero_grad()
            if self.averaged is not None:
                self.averaged.update()
        position.loss_sum += self._window_loss
        position.photos += self._window_photos
        if self._window_unreadable:
            position.unreadable = sorted({*position.unreadable, *self._window_unreadable})
        self._window_loss, self._window_photos, self._window_unreadable = 0.0, 0, set()
        position.steps += 1

    def _add_over_ranks(self, optimizer: Optimizer) -> None:
        """Gradients and counts become those of all ranks, statistics of BatchNorm their mean."""
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        counts = [self._window_loss, self._window_photos, len(self._window_unreadable), self.stop_asked]
        sums = torch.tensor([*counts, *(p.grad is not None for p in parameters)], dtype=torch.float64)
        self.ranks.add([sums])
        loss, photos, unreadable, stop, *learned = sums.tolist()
        self._window_loss, self._window_photos, self.stop_agreed = loss, int(photos), stop > 0
        if unreadable:
            self._window_unreadable = set().union(*self.ranks.gather(self._window_unreadable))
        found = [p for p, by in zip(parameters, learned, strict=True) if by]
        for parameter in found:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        norms = [module for module in self.network.modules() if isinstance(module, _BatchNorm)]
        statistics = [
            buffer for norm in norms for buffer in norm.buffers(recurse=False) if buffer.is_floating_point()
        ]
        self.ranks.add([*(p.grad for p in found if p.grad is not None), *statistics])
        for buffer in statistics:
            buffer /= self.ranks.count

    def _set_rates(self, optimizer: Optimizer) -> None:
        table = self.timetable
        factor = rate_factor(self.phase, self.position.batch / table.per_epoch, table.epochs)
        factor *= self.position.plateau_share
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        self.learning_rate = self.phase.learning_rate * factor

    def _diverged(self, batch: Batch) -> str:
        names = ", ".join(self.photo_names(batch.rows[:3].tolist()))
        position, table = self.position, self.timetable
        epoch, number = divmod(position.batch, table.per_epoch)
        rate = self.phase.learning_rate / 10
        return (
            f"The loss is no longer a finite number, in phase '{self.phase.name}', "
            f"epoch {epoch + 1}, batch {number + 1} (photos {names}, ...). "
            "The steps are too long.\n"
            f"Lower them:  --set phases.{position.phase}.learning_rate={rate:g}   "
            f"or clip them:  --set phases.{position.phase}.clip_norm=1.0"
        )
