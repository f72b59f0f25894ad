"""One phase of training as a Lightning module: what a step does, and what validation measures."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer

from graticule.errors import TrainingError
from graticule.geo.sphere import great_circle_km
from graticule.models import PlaceNetwork
from graticule.partitions import Partition
from graticule.training.augmentation import mix, vary_batch
from graticule.training.averaging import AveragedWeights
from graticule.training.checkpoints import Checkpoint, Position
from graticule.training.loading import Batch
from graticule.training.losses import LossCells, Targets, create_loss, places_tensor, scenes_tensor
from graticule.training.photo_sets import PhotoSet
from graticule.training.points import Points
from graticule.training.precision import Precision
from graticule.training.recipe import PhaseSection, Recipe
from graticule.training.sampling import RoundBatches
from graticule.training.schedules import Timetable, rate_factor
from graticule.training.seeds import derived_seed
from graticule.training.trainable import (
    cannot_learn_from_one,
    create_optimizer,
    embedding_trains,
    set_modes,
)
from graticule.training.validating import Scores, Tally


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a phase learns from.

    Convention:
        - ``train``, ``val``: photo sets, whose rows batches speak of
        - ``photos``: (K,) training photos in each cell
    """

    recipe: Recipe
    train: PhotoSet
    val: PhotoSet
    partition: Partition
    photos: NDArray[np.int64] | None = None


class CellClassifier(lightning.LightningModule):
    """Trains the cells of ``network`` for one phase of a recipe, from ``position`` on.

    Convention:
        - ``begun``: the checkpoint that the phase goes on from, None at its beginning
        - ``averaged``: the moving average that earlier phases left, or None
        - ``val_scores``: of the latest validation, None before the first
        - every draw depends on (seed, phase, batch) or (seed, phase, epoch, photo) alone
    """

    def __init__(
        self,
        network: PlaceNetwork,
        lesson: Lesson,
        position: Position,
        batches: RoundBatches,
        timetable: Timetable,
        *,
        begun: Checkpoint | None = None,
        averaged: AveragedWeights | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self.lesson = lesson
        self.recipe = recipe = lesson.recipe
        self.phase: PhaseSection = recipe.phases[position.phase]
        self.position = position
        self.batches = batches
        self.timetable = timetable
        self.averaged = averaged
        self.points = Points(lesson.partition.centres, recipe.estimate)
        self.train_places = places_tensor(lesson.train.latlon)  # (N, 3)
        self.val_places = places_tensor(lesson.val.latlon)  # (N, 3)
        sets = (lesson.train, lesson.val) if network.scene is not None else ()
        self.scenes = [scenes_tensor(photos.table) for photos in sets]  # (N,) of each
        cells = LossCells(lesson.partition.centres, lesson.photos)
        self.loss = create_loss(recipe.loss, cells)
        self.val_loss = create_loss(recipe.loss.for_validation(), cells)
        self.val_scores: Scores | None = None
        self.tally = Tally()
        self.learning_rate = 0.0
        self.precision: Precision | None = None
        self._begun = begun
        self._swapped = ExitStack()
        self._window_photos = 0
        self._batch_ended = 0.0

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

    def training_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002 -- Lightning's signature
        """Learn from one batch and note where the run stands; unreadable photos are remembered."""
        began, position = time.perf_counter(), self.position
        if batch.is_padding:
            return
        position.waiting_s += began - self._batch_ended
        position.loading_s += batch.loading_s
        taught_nothing = [*batch.unreadable]
        if len(batch.rows) == 1 and cannot_learn_from_one(self.network):
            taught_nothing += batch.rows.tolist()
        elif len(batch.rows):
            self._learn(batch)
        if taught_nothing:
            position.unreadable = sorted({*position.unreadable, *taught_nothing})
        position.batch += 1
        if self.timetable.step_is_over(position.batch):
            self._step()
        self._batch_ended = time.perf_counter()
        position.computing_s += self._batch_ended - began

    def on_validation_epoch_start(self) -> None:
        """Forget the validation before; the averaged weights are looked at where there are any."""
        self.tally = Tally()
        if self.averaged is not None:
            self._swapped.enter_context(self.averaged.in_place())

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002 -- Lightning's signature
        """Score one batch of validation photos; the loss is the recipe's, without label smoothing."""
        self.tally.add_unreadable(batch.unreadable)
        if not len(batch.rows):
            return
        assert self.precision is not None
        with self.precision.passes():
            raw = self.network.classify(self._features(batch.inputs))
        raw = _as_float32(raw)
        rows = batch.rows.cpu()
        scenes = self.scenes[1][rows].to(raw.device) if self.scenes else None
        targets = Targets(batch.cells, self.val_places[rows].to(raw.device), scenes)
        losses = self.val_loss(raw, targets)
        best, points = self._answers(raw)
        right = (best == batch.cells).cpu().numpy()
        errors_km = great_circle_km(points, self.lesson.val.latlon[rows.numpy()])
        self.tally.add(losses.double().cpu().numpy(), right, errors_km)

    def on_validation_epoch_end(self) -> None:
        """Loss, accuracy and distance over all validation photos."""
        self._swapped.close()
        self.val_scores = self.tally.scores()

    def checkpoint(self) -> Checkpoint:
        """Where the run stands now, with all that goes on from here."""
        return Checkpoint(
            self.position,
            self.network.state_dict(),
            optimizer=self._optimizer().state_dict(),
            averaged=self.averaged.state_dict() if self.averaged is not None else None,
            scaler=self.precision.state_dict() if self.precision is not None else {},
            cells=self.lesson.partition.fingerprint,
        )

    def _optimizer(self) -> Optimizer:
        found: Any = self.optimizers(use_pl_optimizer=False)
        optimizer: Optimizer = found
        return optimizer

    def _answers(self, raw: Tensor) -> tuple[Tensor, NDArray[np.float64]]:
        """The best cells (B,) and the places (B, 2) in degrees answered.

        Of a head without cells the best is the one that the place lies in, -2 where it lies in none.
        """
        answer = self.network.answer(raw)
        shares = answer.probabilities
        said = [None if part is None else part.cpu().numpy() for part in answer]
        points = self.points.of(*said)
        if shares is not None:
            return shares.argmax(dim=1), points
        found = self.lesson.partition.encode(points)
        return torch.from_numpy(np.where(found >= 0, found, -2)).to(raw.device), points

    def _learn(self, batch: Batch) -> None:
        position = self.position
        keys = (self.recipe.seed, position.phase, position.batch)
        torch.manual_seed(derived_seed(*keys, 0))  # dropout
        generator = torch.Generator().manual_seed(derived_seed(*keys, 1))
        rows, device = batch.rows.cpu(), batch.cells.device
        places = self.train_places[rows].to(device)
        scenes = self.scenes[0][rows].to(device) if self.scenes else None
        loss = self._loss(batch, Targets(batch.cells, places, scenes), generator)
        if not bool(torch.isfinite(loss)):
            raise TrainingError(self._diverged(batch))
        count = len(batch.rows)
        # several batches count by their photos, and _step divides by those of the whole step
        weighed = loss * (count / self.recipe.batch_size) if self.recipe.accumulate > 1 else loss
        assert self.precision is not None
        scaler = self.precision.scaler
        self.manual_backward(weighed if scaler is None else scaler.scale(weighed))
        self._window_photos += count
        position.loss_sum += float(loss.detach()) * count
        position.photos += count

    def _loss(self, batch: Batch, targets: Targets, generator: torch.Generator) -> Tensor:
        inputs = batch.inputs
        partner, share = None, 1.0
        if self.recipe.augmentation.mixup:
            partner, share = mix(len(inputs), self.recipe.augmentation.mixup, generator)
        if inputs.ndim == 4:
            inputs = vary_batch(as_image(inputs), batch.seeds, self.recipe.augmentation)
        if partner is not None:
            inputs = share * inputs + (1 - share) * inputs[partner]
        assert self.precision is not None
        with self.precision.passes():
            with torch.set_grad_enabled(embedding_trains(self.network)):
                features = inputs if inputs.ndim == 2 else self.network.embed(inputs)
            raw = self.network.classify(features)
        raw = _as_float32(raw)
        loss = self.loss(raw, targets).mean()
        if partner is None:
            return loss
        return share * loss + (1 - share) * self.loss(raw, targets.at(partner)).mean()

    def _features(self, inputs: Tensor) -> Tensor:
        if inputs.ndim == 2:
            return inputs
        return self.network.embed(as_image(inputs))

    def _step(self) -> None:
        """One step of the optimiser, from the gradients since the one before."""
        assert self.precision is not None
        optimizer, scaler = self._optimizer(), self.precision.scaler
        self._set_rates(optimizer)
        if self._window_photos:
            parameters = [
                p for group in optimizer.param_groups for p in group["params"] if p.grad is not None
            ]
            if scaler is not None:
                scaler.unscale_(optimizer)
            if self.recipe.accumulate > 1:
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
        self._window_photos = 0
        self.position.steps += 1

    def _set_rates(self, optimizer: Optimizer) -> None:
        table = self.timetable
        factor = rate_factor(self.phase, self.position.batch / table.per_epoch, table.epochs)
        factor *= self.position.plateau_share
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        self.learning_rate = self.phase.learning_rate * factor

    def _diverged(self, batch: Batch) -> str:
        names = ", ".join(self.lesson.train.ids[row] for row in batch.rows[:3].tolist())
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


def as_image(squares: Tensor) -> Tensor:
    """uint8 (B, 3, H, W) -> RGB in [0, 1], laid out the way convolutions are fastest with."""
    return squares.to(memory_format=torch.channels_last).float() / 255


def _as_float32(raw: Tensor) -> Tensor:
    return raw.float() if raw.is_floating_point() else raw
