"""One phase of training as a Lightning module: what a step does, and what validation measures."""

from __future__ import annotations

import time
from collections.abc import Sequence
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
from graticule.training.augmentation import POLICIES, mix, vary_batch
from graticule.training.checkpoints import Position
from graticule.training.loading import Batch, EpochBatches
from graticule.training.losses import Targets, create_loss, places_tensor
from graticule.training.photo_sets import PhotoSet
from graticule.training.points import Points
from graticule.training.recipe import PhaseSection, Recipe
from graticule.training.schedules import create_optimizer, rate_factor, set_modes
from graticule.training.seeds import derived_seed


@dataclass(frozen=True)
class Scores:
    """What validation measured: mean loss in nats, share of best cells that are right, median error in km."""

    loss: float
    top1: float
    median_km: float


class CellClassifier(lightning.LightningModule):
    """Trains the cells of ``network`` for one phase of ``recipe``, from ``position`` on.

    Convention:
        - ``val_latlon``: (N, 2) degrees, in the order of the validation rows; ``centres``: (K, 2) degrees
        - ``points``: how an answer's place is chosen from its probabilities
        - ``val_scores``: of the latest validation, None before the first
        - every draw depends on (seed, phase, epoch, batch) alone
    """

    def __init__(
        self,
        network: PlaceNetwork,
        recipe: Recipe,
        position: Position,
        batches: EpochBatches,
        *,
        centres: NDArray[np.float64],
        val_latlon: NDArray[np.float64],
        train: PhotoSet,
        optimizer_state: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self.recipe = recipe
        self.phase: PhaseSection = recipe.phases[position.phase]
        self.position = position
        self.batches = batches
        self.points = Points(centres, recipe.evaluation.estimate)
        self.val_latlon = val_latlon
        self.train_ids: Sequence[str] = train.ids
        self.train_places = places_tensor(train.latlon)  # (N, 3)
        self.val_places = places_tensor(val_latlon)  # (N, 3)
        self.loss = create_loss(recipe.loss, centres)
        self.val_loss = create_loss(recipe.loss.model_copy(update={"label_smoothing": 0.0}), centres)
        self.policy = POLICIES[recipe.augmentation.policy]
        self.val_scores: Scores | None = None
        self.learning_rate = 0.0
        self.unreadable: set[int] = set()
        self._optimizer_state = optimizer_state
        self._val_parts: list[tuple[Tensor, Tensor, NDArray[np.float64]]] = []
        self._step_began = 0.0

    def configure_optimizers(self) -> Optimizer:
        """AdamW, in the state of the checkpoint when there is one."""
        optimizer = create_optimizer(self.network, self.phase)
        if self._optimizer_state is not None:
            optimizer.load_state_dict(self._optimizer_state)
        return optimizer

    def on_train_epoch_start(self) -> None:
        """The order of this epoch; what was done of it before a kill is skipped."""
        self.batches.position = (self.position.phase, self.position.epoch)
        self.batches.skip = self.position.batch
        set_modes(self.network, self.phase)
        self._step_began = time.perf_counter()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Learn from one batch and note where the run stands; unreadable photos are remembered."""
        self.unreadable.update(batch.unreadable)
        kept = batch.cells >= 0
        if batch_idx >= self.batches.skip and bool(kept.any()):
            self._learn(batch, kept, batch_idx)
        now = time.perf_counter()
        self.position.seconds += now - self._step_began
        self._step_began = now
        self.position.batch = max(self.position.batch, batch_idx + 1)

    def on_validation_epoch_start(self) -> None:
        """Forget the validation before."""
        self._val_parts.clear()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002 -- Lightning's signature
        """Score one batch of validation photos; the loss is the recipe's, without label smoothing."""
        logits = self.network.classify(self._features(batch.inputs))
        places = self.val_places[batch.rows.cpu()].to(logits.device)
        losses = self.val_loss(logits, Targets(batch.cells, places))
        right = logits.argmax(dim=1) == batch.cells
        points = self.points.of(torch.softmax(logits, dim=1).cpu().numpy())
        self._val_parts.append((torch.stack([losses, right]).cpu(), batch.rows.cpu(), points))

    def on_validation_epoch_end(self) -> None:
        """Loss, accuracy and distance over all validation photos."""
        losses_right, all_rows, points = zip(*self._val_parts, strict=True)
        losses, right = torch.cat(losses_right, dim=1)
        errors_km = great_circle_km(np.concatenate(points), self.val_latlon[torch.cat(all_rows).numpy()])
        self.val_scores = Scores(
            loss=float(losses.nanmean()), top1=float(right.mean()), median_km=float(np.median(errors_km))
        )

    def _learn(self, batch: Batch, kept: Tensor, batch_idx: int) -> None:
        keys = (self.recipe.seed, self.position.phase, self.position.epoch, batch_idx)
        torch.manual_seed(derived_seed(*keys, 0))  # dropout
        generator = torch.Generator().manual_seed(derived_seed(*keys, 1))
        optimizer: Any = self.optimizers()
        self._set_rates(optimizer, batch_idx)
        places = self.train_places[batch.rows[kept].cpu()].to(batch.cells.device)
        loss = self._loss(batch.inputs[kept], Targets(batch.cells[kept], places), generator)
        if not bool(torch.isfinite(loss)):
            raise TrainingError(self._diverged(batch, batch_idx))
        optimizer.zero_grad()
        self.manual_backward(loss)
        if self.phase.clip_norm is not None:
            self.clip_gradients(
                optimizer, gradient_clip_val=self.phase.clip_norm, gradient_clip_algorithm="norm"
            )
        optimizer.step()
        count = int(kept.sum())
        self.position.loss_sum += float(loss.detach()) * count
        self.position.photos += count

    def _features(self, inputs: Tensor) -> Tensor:
        if inputs.ndim == 2:
            return inputs
        return self.network.embed(as_image(inputs))

    def _loss(self, inputs: Tensor, targets: Targets, generator: torch.Generator) -> Tensor:
        partner, share = None, 1.0
        if self.recipe.augmentation.mixup:
            partner, share = mix(len(inputs), self.recipe.augmentation.mixup, generator)
        if inputs.ndim == 4:
            inputs = vary_batch(as_image(inputs), self.policy, generator)
        if partner is not None:
            inputs = share * inputs + (1 - share) * inputs[partner]
        with torch.set_grad_enabled(self.phase.trainable == "all"):
            features = inputs if inputs.ndim == 2 else self.network.embed(inputs)
        logits = self.network.classify(features)
        loss = self.loss(logits, targets).mean()
        if partner is None:
            return loss
        others = Targets(targets.cells[partner], targets.places[partner])
        return share * loss + (1 - share) * self.loss(logits, others).mean()

    def _set_rates(self, optimizer: Any, batch_idx: int) -> None:
        factor = rate_factor(self.phase, self.position.epoch + (batch_idx + 1) / len(self.batches))
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        self.learning_rate = self.phase.learning_rate * factor

    def _diverged(self, batch: Batch, batch_idx: int) -> str:
        names = ", ".join(self.train_ids[row] for row in batch.rows[:3].tolist())
        rate = self.phase.learning_rate / 10
        return (
            f"The loss is no longer a finite number, in phase '{self.phase.name}', "
            f"epoch {self.position.epoch + 1}, batch {batch_idx + 1} (photos {names}, ...). "
            "The steps are too long.\n"
            f"Lower them:  --set phases.{self.position.phase}.learning_rate={rate:g}   "
            f"or clip them:  --set phases.{self.position.phase}.clip_norm=1.0"
        )


def as_image(squares: Tensor) -> Tensor:
    """uint8 (B, 3, H, W) -> RGB in [0, 1], laid out the way convolutions are fastest with."""
    return squares.to(memory_format=torch.channels_last).float() / 255
