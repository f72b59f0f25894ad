"""A whole recipe: its sections, checked when it is read. Needs no torch."""

from __future__ import annotations

from pydantic import Field

from graticule.training.recipe.augmentation import AugmentationSection
from graticule.training.recipe.evaluation import CardSection, EvaluationSection
from graticule.training.recipe.loss import LossSection
from graticule.training.recipe.network import NetworkSection
from graticule.training.recipe.partition import PartitionSection
from graticule.training.recipe.phases import EarlyStoppingSection, PhaseSection
from graticule.training.recipe.photos import PhotosSection, PriorSection
from graticule.training.recipe.section import Section


class Recipe(Section):
    """A whole run."""

    photos: PhotosSection = PhotosSection()
    partition: PartitionSection = PartitionSection()
    network: NetworkSection
    augmentation: AugmentationSection = AugmentationSection()
    loss: LossSection = LossSection()
    phases: tuple[PhaseSection, ...] = Field(min_length=1)
    early_stopping: EarlyStoppingSection | None = None
    prior: PriorSection | None = None
    evaluation: EvaluationSection = EvaluationSection()
    card: CardSection = CardSection()
    batch_size: int = Field(default=32, gt=1)
    workers: int | None = Field(
        default=None, ge=0, description="loading processes; null: chosen by the cores"
    )
    seed: int = Field(default=0, ge=0)
