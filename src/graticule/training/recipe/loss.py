"""The keys of a recipe's section ``loss``. Needs no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from graticule.training.recipe.section import Section


class LossSection(Section):
    """What is minimised; see ``graticule.training.losses``.

    Convention:
        - ``label_smoothing``: of ``cross-entropy``: share of the target that all cells have in common
        - ``smoothing_km``: of ``haversine-smoothed``: cells count toward the target by exp(-distance / it)
    """

    name: Literal["cross-entropy", "haversine-smoothed"] = "cross-entropy"
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    smoothing_km: float = Field(default=75.0, gt=0.0)
