"""One phase of pre-training: the loss of a batch, and what validation looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from graticule.models.mae import MaskedAutoencoder
from graticule.training.augmentation import vary_batch
from graticule.training.augmentation.draws import uniforms
from graticule.training.averaging import AveragedWeights
from graticule.training.checkpoints import Checkpoint, Position
from graticule.training.loading import Batch
from graticule.training.module import as_image
from graticule.training.phase_module import PhaseModule
from graticule.training.photo_sets import PhotoSet
from graticule.training.pretraining.probing import Probe, Prober
from graticule.training.pretraining.reconstructions import Gallery
from graticule.training.ranks import ALONE, Ranks
from graticule.training.recipe import PretrainingRecipe
from graticule.training.sampling import RoundBatches
from graticule.training.schedules import Timetable

MASKS = 6
"""The stream of a photo's numbers that its hidden patches are drawn from."""


@dataclass(frozen=True)
class RestoringScores:
    """What validation measured: the mean loss, and where it was due the linear probe.

    ``top1`` is None: no checkpoint is kept for the probe's sake.
    """

    loss: float
    probe: Probe | None = None
    top1: None = None

    def columns(self) -> dict[str, float | None]:
        """As ``history.csv`` has them."""
        return {"val_loss": self.loss, **(self.probe.columns() if self.probe else Probe.no_columns())}

    def in_words(self) -> str:
        """For the log of a run."""
        return f"validation loss {self.loss:.4f}"


@dataclass
class RestoringTally:
    """The sum of losses over validation photos; those that cannot be read have none."""

    loss_sum: float = 0.0
    photos: int = 0
    unreadable: set[int] = field(default_factory=set)

    def merged(self, tallies: Sequence[RestoringTally]) -> RestoringTally:
        """All of them together, as if one had counted everything."""
        return RestoringTally(
            sum(each.loss_sum for each in tallies),
            sum(each.photos for each in tallies),
            set().union(*(each.unreadable for each in tallies)),
        )

    def scores(self) -> RestoringScores:
        """The mean over all photos so far."""
        return RestoringScores(self.loss_sum / self.photos if self.photos else float("nan"))


@dataclass(frozen=True, eq=False)
class Study:
    """What a phase of pre-training learns from, and what it looks at.

    Convention:
        - ``prober``: None where there are too few places, or the recipe wants none
        - ``gallery``: None where the recipe wants no pictures
    """

    recipe: PretrainingRecipe
    train: PhotoSet
    val: PhotoSet
    prober: Prober | None = None
    gallery: Gallery | None = None


class Restorer(PhaseModule):
    """Trains a masked autoencoder for one phase; see ``PhaseModule``.

    Convention:
        - which patches of a photo are hidden depends on its seed in the epoch; of a validation photo they are
          always the same, so that losses compare
    """

    def __init__(
        self,
        network: MaskedAutoencoder,
        study: Study,
        position: Position,
        batches: RoundBatches,
        timetable: Timetable,
        *,
        begun: Checkpoint | None = None,
        averaged: AveragedWeights | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        super().__init__(
            network, study.recipe, position, batches, timetable, begun=begun, averaged=averaged, ranks=ranks
        )
        self.study = study

    def new_tally(self) -> RestoringTally:
        """Losses."""
        return RestoringTally()

    def photo_names(self, rows: list[int]) -> list[str]:
        """Names of training photos."""
        return [self.study.train.ids[row] for row in rows]

    def batch_loss(self, batch: Batch, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """The mean over the photos; every draw comes from their own seeds."""
        image = vary_batch(as_image(batch.inputs), batch.seeds, self.recipe.augmentation)
        return self._losses(image, batch.seeds).mean()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002 -- Lightning's signature
        """The losses of one batch of validation photos."""
        self.tally.unreadable.update(batch.unreadable)
        if len(batch.rows):
            losses = self._losses(as_image(batch.inputs), batch.seeds)
            self.tally.loss_sum += float(losses.double().sum())
            self.tally.photos += len(batch.rows)

    def on_validation_epoch_end(self) -> None:
        """The scores, the probe where it is due, and pictures; of averaged weights where there are any."""
        found = self._look() if self.ranks.is_first else None
        super().on_validation_epoch_end()
        self.val_scores = replace(self.val_scores, probe=self.ranks.gather(found)[0])

    def _losses(self, image: Tensor, seeds: Tensor) -> Tensor:
        assert self.precision is not None
        noise = uniforms(seeds, self.network.patches, stream=MASKS).to(image.device)
        with self.precision.passes():
            losses: Tensor = self.network.losses(image, noise)
        return losses.float()

    def _look(self) -> Probe | None:
        position, study = self.position, self.study
        if study.gallery is not None:
            study.gallery.draw(self.network, position.steps)
        if study.prober is None or study.recipe.probe is None:
            return None
        epoch, rest = divmod(position.batch, self.timetable.per_epoch)
        due = not rest and epoch % study.recipe.probe.every_epochs == 0
        if not due and position.batch < self.timetable.total:
            return None
        return study.prober(self.network, step=position.steps)
