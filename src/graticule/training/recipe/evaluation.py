"""What is measured, promised and said of a run's model when training is over. Needs no torch."""

from __future__ import annotations

from typing import Literal

from graticule.training.recipe.section import Section


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
