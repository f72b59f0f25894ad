"""A whole recipe: its sections, checked when it is read. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from graticule.training.recipe.augmentation import AugmentationSection
from graticule.training.recipe.compute import ComputeSection, ValidationSection
from graticule.training.recipe.evaluation import CardSection, EvaluationSection
from graticule.training.recipe.fitting import check_estimate, check_loss
from graticule.training.recipe.head import POSITION_ONLY, WITH_POSITION
from graticule.training.recipe.loss import LossSection
from graticule.training.recipe.network import NetworkSection
from graticule.training.recipe.partition import PartitionSection
from graticule.training.recipe.phases import AveragingSection, EarlyStoppingSection, PhaseSection
from graticule.training.recipe.photos import PhotosSection, PriorSection
from graticule.training.recipe.sampling import SamplingSection
from graticule.training.recipe.section import Section


class Recipe(Section):
    """A whole run.

    Convention:
        - ``batch_size``: photos in one pass; ``accumulate``: so many passes make one step of the optimiser
        - ``features``: a folder where ``cached_views`` are kept for other runs of the same backbone, photos,
          augmentation and seed; ``experiment`` has one of its own
        - ``loggers``: where each validation's figures go besides ``history.csv``
    """

    photos: PhotosSection = PhotosSection()
    partition: PartitionSection = PartitionSection()
    network: NetworkSection
    augmentation: AugmentationSection = AugmentationSection()
    loss: LossSection = LossSection()
    phases: tuple[PhaseSection, ...] = Field(min_length=1)
    sampling: SamplingSection = SamplingSection()
    validation: ValidationSection = ValidationSection()
    early_stopping: EarlyStoppingSection | None = None
    averaging: AveragingSection | None = None
    compute: ComputeSection = ComputeSection()
    prior: PriorSection | None = None
    evaluation: EvaluationSection = EvaluationSection()
    card: CardSection = CardSection()
    batch_size: int = Field(default=32, gt=0)
    accumulate: int = Field(default=1, gt=0)
    workers: int | None = Field(
        default=None, ge=0, description="loading processes; null: chosen by the cores"
    )
    features: Path | None = None
    loggers: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ()
    seed: int = Field(default=0, ge=0)

    @field_validator("batch_size")
    @classmethod
    def _photos_to_compare(cls, given: int) -> int:
        if given < 2:
            raise ValueError(
                "BatchNorm compares the photos of a batch, so there are at least 2; where memory is short, "
                "set batch_size to 2 and accumulate to half of the photos that a step is to have"
            )
        return given

    @property
    def estimate(self) -> Literal["best-cell", "expected-distance", "position"]:
        """How the point is chosen, resolved: what the recipe says, or what suits its head."""
        if self.evaluation.estimate is not None:
            return self.evaluation.estimate
        return "position" if self.network.head.name in WITH_POSITION else "best-cell"

    @model_validator(mode="after")
    def _goes_with_the_head(self) -> Recipe:
        head = self.network.head.name
        check_loss(head, self.loss, scene=self.network.scene)
        check_estimate(head, self.estimate)
        if head in POSITION_ONLY and self.prior is not None:
            raise ValueError(f"prior is about cells, and the head '{head}' has none; leave it out")
        return self
