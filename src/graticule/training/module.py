"""One phase of learning cells: the loss of a batch, and what validation measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graticule.geo.sphere import great_circle_km
from graticule.models import PlaceNetwork
from graticule.partitions import Partition
from graticule.training.augmentation import mix, vary_batch
from graticule.training.averaging import AveragedWeights
from graticule.training.checkpoints import Checkpoint, Position
from graticule.training.loading import Batch
from graticule.training.losses import LossCells, Targets, create_loss, places_tensor, scenes_tensor
from graticule.training.phase_module import PhaseModule
from graticule.training.photo_sets import PhotoSet
from graticule.training.points import Points
from graticule.training.ranks import ALONE, Ranks
from graticule.training.recipe import Recipe
from graticule.training.sampling import RoundBatches
from graticule.training.schedules import Timetable
from graticule.training.trainable import embedding_trains
from graticule.training.validating import Tally


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


class CellClassifier(PhaseModule):
    """Trains the cells of ``network`` for one phase of a recipe; see ``PhaseModule``."""

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
        ranks: Ranks = ALONE,
    ) -> None:
        recipe = lesson.recipe
        super().__init__(
            network, recipe, position, batches, timetable, begun=begun, averaged=averaged, ranks=ranks
        )
        self.lesson = lesson
        self.points = Points(lesson.partition.centres, recipe.estimate)
        self.train_places = places_tensor(lesson.train.latlon)  # (N, 3)
        self.val_places = places_tensor(lesson.val.latlon)  # (N, 3)
        sets = (lesson.train, lesson.val) if network.scene is not None else ()
        self.scenes = [scenes_tensor(photos.table) for photos in sets]  # (N,) of each
        cells = LossCells(lesson.partition.centres, lesson.photos)
        self.loss = create_loss(recipe.loss, cells)
        self.val_loss = create_loss(recipe.loss.for_validation(), cells)

    def new_tally(self) -> Tally:
        """Losses, right cells and distances."""
        return Tally()

    def photo_names(self, rows: list[int]) -> list[str]:
        """Names of training photos."""
        return [self.lesson.train.ids[row] for row in rows]

    @property
    def cells_fingerprint(self) -> str:
        """Of the partition."""
        return self.lesson.partition.fingerprint

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

    def batch_loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """The mean of the recipe's loss, over both photos where they are mixed."""
        targets = self._targets(batch)
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

    def _targets(self, batch: Batch) -> Targets:
        rows, device = batch.rows.cpu(), batch.cells.device
        places = self.train_places[rows].to(device)
        scenes = self.scenes[0][rows].to(device) if self.scenes else None
        return Targets(batch.cells, places, scenes)

    def _features(self, inputs: Tensor) -> Tensor:
        if inputs.ndim == 2:
            return inputs
        features: Tensor = self.network.embed(as_image(inputs))
        return features


def as_image(squares: Tensor) -> Tensor:
    """uint8 (B, 3, H, W) -> RGB in [0, 1], laid out the way convolutions are fastest with."""
    return squares.to(memory_format=torch.channels_last).float() / 255


def _as_float32(raw: Tensor) -> Tensor:
    return raw.float() if raw.is_floating_point() else raw
