"""A recipe of ``graticule pretrain``: photos, a masked autoencoder, phases. Needs no torch."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from graticule.training.recipe.augmentation import AugmentationSection
from graticule.training.recipe.compute import ComputeSection, ValidationSection
from graticule.training.recipe.partition import PartitionSection
from graticule.training.recipe.phases import AveragingSection, EarlyStoppingSection, PhaseSection
from graticule.training.recipe.photos import PhotosSection
from graticule.training.recipe.section import Section

PATCH_PX: Final = 16
"""Side of the patches of the published vision transformers."""

_ENCODER_PX: Final = 224
"""Side of the photos that those see."""

RestoringLoss = Literal["masked-normalised", "all-summed"]
"""The losses of ``graticule.models.mae``."""


class AutoencoderSection(Section):
    """The masked autoencoder.

    Convention:
        - ``autoencoder``: its size by name
        - ``weights``: first weights of the encoder: ``none``, ``pretrained`` (timm downloads them: of
          ``base`` the public ones of a masked autoencoder, of the others those of a classifier), or the path
          of a .safetensors file or a run folder
        - ``mask_ratio``: share of the patches that the encoder is not shown
        - ``patch_px``: side of the squares that photos are cut into
        - ``image_size_px``: a multiple of that; 224 when left out
        - ``mean``, ``std``: of RGB in [0, 1]; as timm's card of the encoder when left out
    """

    autoencoder: Literal["tiny", "small", "base"] = "base"
    weights: str = "none"
    patch_px: int = Field(default=PATCH_PX, ge=4, le=64)
    mask_ratio: float = Field(default=0.75, gt=0.0, lt=1.0)
    image_size_px: int | None = Field(default=None, ge=32)
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None

    @model_validator(mode="after")
    def _whole_patches(self) -> AutoencoderSection:
        size, patch = self.image_size_px or _ENCODER_PX, self.patch_px
        if size % patch or size < 2 * patch:
            near = max(2 * patch, round(size / patch) * patch)
            raise ValueError(
                f"patches have {patch} px, so image_size_px is a multiple of {patch}, such as {near}"
            )
        return self

    @field_validator("std")
    @classmethod
    def _can_be_divided_by(
        cls, given: tuple[float, float, float] | None
    ) -> tuple[float, float, float] | None:
        if given is not None and not all(value > 0 for value in given):
            raise ValueError("std is what photos are divided by: three numbers above 0")
        return given


class ProbeSection(Section):
    """The linear probe: how well one linear layer on the encoder's features tells cells apart.

    Convention:
        - ``every_epochs``: how often; also before the first epoch and after the last
        - ``most_photos``: of the photos with places at most so many, as many of each cell as of any other
    """

    every_epochs: int = Field(default=5, gt=0)
    most_photos: int = Field(default=5000, gt=1)


class PretrainingRecipe(Section):
    """A whole run of pre-training.

    Convention:
        - ``partition``: the cells of the probe; photos without places are learned from all the same
        - ``probe``: null for none
        - ``loss``: see ``graticule.models.mae.MaeSettings``
        - ``reconstructions``: so many validation photos are drawn, masked and restored
        - everything else as in ``Recipe``
    """

    photos: PhotosSection = PhotosSection()
    partition: PartitionSection = PartitionSection(max_photos=400, min_photos=20, merge_small=True)
    network: AutoencoderSection = AutoencoderSection()
    augmentation: AugmentationSection = AugmentationSection(policy="crop-flip", min_area=0.2)
    loss: RestoringLoss = "masked-normalised"
    phases: tuple[PhaseSection, ...] = Field(min_length=1)
    validation: ValidationSection = ValidationSection()
    early_stopping: EarlyStoppingSection | None = None
    averaging: AveragingSection | None = None
    compute: ComputeSection = ComputeSection()
    probe: ProbeSection | None = ProbeSection()
    reconstructions: int = Field(default=8, ge=0, le=64)
    batch_size: int = Field(default=64, gt=1)
    accumulate: int = Field(default=1, gt=0)
    workers: int | None = Field(
        default=None, ge=0, description="loading processes; null: chosen by the cores"
    )
    loggers: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ()
    seed: int = Field(default=0, ge=0)

    @field_validator("augmentation")
    @classmethod
    def _one_photo_at_a_time(cls, given: AugmentationSection) -> AugmentationSection:
        if given.mixup:
            raise ValueError("mixup mixes what photos are to be called, and nothing is called here: set 0")
        return given

    @field_validator("phases")
    @classmethod
    def _all_of_it_learns(cls, given: tuple[PhaseSection, ...]) -> tuple[PhaseSection, ...]:
        if any(phase.trainable != "all" or phase.trainable_stages is not None for phase in given):
            raise ValueError(
                "pre-training trains the whole autoencoder: leave out trainable and trainable_stages"
            )
        return given
