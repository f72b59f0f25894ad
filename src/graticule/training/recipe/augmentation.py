"""The keys of a recipe's section ``augmentation``. Needs no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from graticule.training.recipe.section import Section


class AugmentationSection(Section):
    """How training photos are varied; see ``graticule.training.augmentation``.

    Convention:
        - ``min_area``: the smallest share of the photo that a random crop keeps
        - ``mixup``: 0 for none, else the alpha of the Beta distribution that pairs are mixed with
    """

    policy: Literal["none", "crop", "crop-flip", "crop-jitter", "crop-jitter-flip"] = "crop"
    min_area: float = Field(default=0.35, gt=0.0, le=1.0)
    mixup: float = Field(default=0.0, ge=0.0)
