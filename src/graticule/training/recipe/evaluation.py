"""What is measured, promised and said of a run's model when training is over. Needs no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from graticule.training.recipe.section import Section

REGION: float = 0.9
"""The coverage of the regions in a prediction: every bundle promises it, whatever else it does."""


class EvaluationSection(Section):
    """What is measured when training is over, and what the bundle promises.

    Convention:
        - ``checkpoint``: which of the kept states is exported; both predict the validation photos
        - ``estimate``: how the bundle chooses the point: from the cells, or ``position``, the place that the
          head itself gives; null: ``position`` where it gives one, else ``best-cell``
        - ``coverage``: shares of photos whose true cell the conformal regions are to hold; 0.9 is always
          one of them
    """

    checkpoint: Literal["best_loss", "best_accuracy"] = "best_loss"
    estimate: Literal["best-cell", "expected-distance", "position"] | None = None
    coverage: tuple[float, ...] = (REGION,)

    @field_validator("coverage")
    @classmethod
    def _shares_with_the_usual_one(cls, given: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0.0 < share < 1.0 for share in given):
            raise ValueError("coverage holds shares between 0 and 1, for example [0.5, 0.9]")
        return tuple(sorted({*given, REGION}))


class CardSection(Section):
    """What the model card says that files do not know."""

    name: str = "graticule-model"
    description: str = ""
    licence: str = "not stated"
    data: str = ""
    backbone: str = ""
    limits: str = ""
