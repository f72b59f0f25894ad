"""What a run is made of: the sections of a recipe, checked when it is read. Needs no torch.

A recipe is one YAML file (see ``graticule.training.recipe_files``). Every key has its default here
unless there is no sensible one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """One part of a recipe: frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PhotosSection(Section):
    """Which photos are learned from.

    Convention:
        - ``where``: a Polars SQL condition on the table's columns, such as ``usable AND width > 200``
        - ``train``, ``val``, ``test``: the values of the column ``split``
        - ``holdout``: share of the groups held out for validation where no row says its split
    """

    table: Path | None = None
    where: str | None = None
    train: str = "train"
    val: str = "val"
    test: str = "test"
    holdout: float = Field(default=0.1, gt=0.0, lt=1.0)


class PartitionSection(Section):
    """How the Earth is cut into the cells that the network tells apart.

    Convention:
        - ``file``: a partition made before; then the other keys do nothing
        - ``max_photos``, ``min_photos``: as in ``graticule.partitions.build_s2``
        - ``places``: a table (CSV, CSV.gz, Parquet) with latitude and longitude of places without photos
        - ``cells_from``, ``centres_from``: what the cells, and what the point of each cell, are made
          from: the training photos, the places, or both together
        - ``point``: the point that stands for a cell: the mean of its places, or the densest place
    """

    method: Literal["s2"] = "s2"
    max_photos: int = Field(default=300, gt=0)
    min_photos: int = Field(default=30, ge=0)
    start_level: int = Field(default=2, ge=0, le=30)
    end_level: int = Field(default=30, ge=0, le=30)
    file: Path | None = None
    places: Path | None = None
    cells_from: Literal["photos", "places", "both"] = "photos"
    centres_from: Literal["photos", "places", "both"] = "photos"
    point: Literal["mean", "densest"] = "mean"

    @model_validator(mode="after")
    def _places_are_named(self) -> PartitionSection:
        if self.places is None and "photos" not in (self.cells_from, self.centres_from):
            raise ValueError("cells_from and centres_from need 'places', the path of a table of places")
        if self.places is None and (self.cells_from != "photos" or self.centres_from != "photos"):
            raise ValueError("cells_from and centres_from other than 'photos' need 'places'")
        return self


class BackboneSection(Section):
    """The network up to its features.

    Convention:
        - ``name``: any name of timm
        - ``weights``: ``pretrained`` (timm downloads them), ``none``, ``default`` (the model inside
          graticule), or the path of a .safetensors file, a run folder, a bundle or a hub folder
        - ``kwargs``: handed to timm's constructor
        - ``identity_modules``: modules replaced by nothing, by their dotted names (``blocks.0.0.bn1.act``)
    """

    name: str
    weights: str = "pretrained"
    kwargs: dict[str, Any] = Field(default_factory=dict)
    identity_modules: tuple[str, ...] = ()


class NetworkSection(Section):
    """The whole network: how it sees, pools and scores cells.

    Convention:
        - ``image_size_px``, ``crop``, ``mean``, ``std``: as timm's card of the backbone when left out;
          ``mean`` and ``std`` are of RGB in [0, 1]
        - ``crop``: share of the resized short side that the centre crop keeps
        - ``feature_norm``: features are brought to mean 0 and deviation 1 before the head
    """

    backbone: BackboneSection
    pooling: Literal["avg", "max", "token"] = "avg"
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    feature_norm: bool = False
    head: Literal["mc"] = "mc"
    image_size_px: int | None = Field(default=None, ge=16)
    crop: float | None = Field(default=None, gt=0.0, le=1.0)
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None


class AugmentationSection(Section):
    """How training photos are varied; see ``graticule.training.augmentation``.

    Convention:
        - ``min_area``: the smallest share of the photo that a random crop keeps
        - ``mixup``: 0 for none, else the alpha of the Beta distribution that pairs are mixed with
    """

    policy: Literal["none", "crop", "crop-flip", "crop-jitter", "crop-jitter-flip"] = "crop"
    min_area: float = Field(default=0.35, gt=0.0, le=1.0)
    mixup: float = Field(default=0.0, ge=0.0)


class LossSection(Section):
    """What is minimised; see ``graticule.training.losses``.

    Convention:
        - ``label_smoothing``: of ``cross-entropy``: share of the target that all cells have in common
        - ``smoothing_km``: of ``haversine-smoothed``: cells count toward the target by exp(-distance / it)
    """

    name: Literal["cross-entropy", "haversine-smoothed"] = "cross-entropy"
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    smoothing_km: float = Field(default=75.0, gt=0.0)


class PhaseSection(Section):
    """A stretch of training.

    Convention:
        - ``trainable``: ``head`` (the backbone stands still and is not run backward), or ``all``
        - ``learning_rate``: at its highest; ``backbone_learning_rate`` the same for the backbone, when
          it is to differ
        - ``warmup_epochs``: the rate rises from zero over so many epochs
        - ``cached_views``: with ``trainable: head``, run the backbone once over so many augmented views of
          each photo and learn from the kept features; 0 runs it every epoch
        - ``batch_norm``: ``update`` its statistics where it trains, or keep them ``frozen``
        - ``clip_norm``: longest gradient allowed, or null
    """

    name: str
    epochs: int = Field(gt=0)
    trainable: Literal["head", "all"] = "all"
    learning_rate: float = Field(gt=0.0)
    backbone_learning_rate: float | None = Field(default=None, gt=0.0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_epochs: float = Field(default=0.0, ge=0.0)
    cached_views: int = Field(default=0, ge=0)
    batch_norm: Literal["update", "frozen"] = "update"
    clip_norm: float | None = Field(default=None, gt=0.0)

    @model_validator(mode="after")
    def _cache_only_with_a_still_backbone(self) -> PhaseSection:
        if self.cached_views and self.trainable != "head":
            raise ValueError(
                "cached_views needs 'trainable: head': kept features are of a backbone that stands still"
            )
        return self


class EarlyStoppingSection(Section):
    """A phase ends when the validation loss has not fallen by ``min_improvement`` for ``patience`` epochs."""

    patience: int = Field(default=3, gt=0)
    min_improvement: float = Field(default=0.0, ge=0.0)


class PriorSection(Section):
    """Where photos to be located come from, when that is not where the training photos come from.

    Convention:
        - ``places``: a table with latitude and longitude; null: no correction
        - at export, strength * log(share of places / share of training photos) of each cell is added to
          the logits inside the graph

    Source:
        M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
        probabilities", Neural Computation 14 (2002).
    """

    places: Path | None = None
    strength: float = Field(default=1.0, ge=0.0)


class EvaluationSection(Section):
    """What is measured when training is over, and what the bundle promises.

    Convention:
        - ``checkpoint``: which of the kept states predicts the validation photos and is exported
        - ``estimate``: how the bundle chooses the point from the cells
        - ``coverage``: shares of photos whose true cell the conformal regions are to hold
    """

    checkpoint: Literal["best_loss", "best_accuracy"] = "best_loss"
    estimate: Literal["best-cell", "expected-distance"] = "best-cell"
    coverage: tuple[float, ...] = (0.9,)


class CardSection(Section):
    """What the model card says that files do not know."""

    name: str = "graticule-model"
    description: str = ""
    licence: str = "not stated"
    data: str = ""
    backbone: str = ""
    limits: str = ""


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
