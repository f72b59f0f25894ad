"""The keys of a recipe's section ``augmentation``. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from graticule.training.recipe.section import Section

Policy = Literal[
    "none",
    "crop",
    "crop-flip",
    "crop-jitter",
    "crop-jitter-flip",
    "crop-jitter-rotate",
    "randaugment-noflip",
    "rotate90-flip-colour",
    "precomputed-crops",
    "mask-region",
]
"""The names of ``graticule.training.augmentation.POLICIES``."""


class AugmentationSection(Section):
    """How training photos are varied; see ``graticule.training.augmentation``.

    Convention:
        - ``policy``: a name from ``graticule.training.augmentation.POLICIES``
        - ``min_area``: the smallest share of the photo that a random crop keeps; policies that cut a
          window instead of resizing take its size from ``network.crop``
        - ``rotation_deg``: photos are turned by up to so much either way
        - ``randaugment_layers``, ``randaugment_magnitude``: how many steps, and how strong, in [0, 1]
        - ``fixed_crops``: of ``precomputed-crops``: how many parts of each photo are ever seen
        - ``region``: what is covered, in training and in validation alike, with any policy: top, left,
          bottom, right as shares of the photo's height and width
        - ``region_mask``: or an image, scaled to each photo, whose dark pixels are covered
        - ``mixup``: 0 for none, else the alpha of the Beta distribution that pairs are mixed with
    """

    policy: Policy = "crop"
    min_area: float = Field(default=0.35, gt=0.0, le=1.0)
    rotation_deg: float = Field(default=10.0, ge=0.0, le=180.0)
    randaugment_layers: int = Field(default=2, ge=0, le=10)
    randaugment_magnitude: float = Field(default=0.15, ge=0.0, le=1.0)
    fixed_crops: int = Field(default=3, ge=1)
    region: tuple[float, float, float, float] | None = None
    region_mask: Path | None = None
    mixup: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="after")
    def _region_lies_in_the_photo(self) -> AugmentationSection:
        if self.policy == "mask-region" and self.region is None and self.region_mask is None:
            raise ValueError(
                "the policy 'mask-region' needs 'region', for example [0.7, 0, 1, 1] for the lowest 30 %, "
                "or 'region_mask', the path of an image"
            )
        if self.region is not None:
            top, left, bottom, right = self.region
            if not (0 <= top < bottom <= 1 and 0 <= left < right <= 1):
                raise ValueError("region is top, left, bottom, right: shares in [0, 1], top above bottom")
        return self
