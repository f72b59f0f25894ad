"""The keys of a recipe's section ``sampling``. Needs no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from graticule.training.recipe.section import Section


class SamplingSection(Section):
    """Which photos an epoch is made of.

    Convention:
        - ``name``: ``each`` photo once; ``balanced``: drawn so that each cell comes as often; ``density``:
          drawn by 1 / count ** ``power`` of the photos in the same square of ``bin_deg`` degrees
        - drawn epochs have as many photos as there are, with repetitions

    Source:
        1 / count ** 0.75: G. Astruc et al., "OpenStreetView-5M" (2024), which draws its validation photos so.
    """

    name: Literal["each", "balanced", "density"] = "each"
    power: float = Field(default=0.75, ge=0.0, le=1.0)
    bin_deg: float = Field(default=1.0, gt=0.0, le=90.0)
