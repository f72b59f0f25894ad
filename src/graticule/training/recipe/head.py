"""The keys of a recipe's section ``network.head``. Needs no torch."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from graticule.training.recipe.section import Section

HeadName = Literal[
    "mc",
    "hmc",
    "hmc-sol",
    "hmc-smooth",
    "htree",
    "regression",
    "unit-sphere",
    "von-mises-fisher",
    "hybrid",
    "multi",
]


POSITION_ONLY: Final = ("regression", "unit-sphere")
"""Heads that give a place and know no cells."""

ON_THE_TREE: Final = ("hmc", "hmc-sol", "hmc-smooth", "htree")
"""Heads whose scores are logarithms of their outputs."""

WITH_POSITION: Final = (*POSITION_ONLY, "von-mises-fisher", "hybrid")
"""Heads that give a place of their own."""


class HeadSection(Section):
    """How features become scores of cells; ``head: hmc`` is short for ``head: {name: hmc}``.

    Convention:
        - ``name``: see ``graticule.models.heads`` and ``docs/training.md``
        - ``epsilon``: of the HMC family: weight of the connections that are not in the tree
        - ``alpha``: of ``hmc-smooth``: weight of a level of the tree beside the one beneath it
        - ``hidden``: of heads that give places: widths of the layers before the last (S3 has two)
        - ``components``: of ``von-mises-fisher``: how many densities are mixed
    """

    name: HeadName = "mc"
    epsilon: float = Field(default=0.01, gt=0.0, lt=1.0)
    alpha: float = Field(default=0.9, ge=0.05, le=1.0)
    hidden: tuple[Annotated[int, Field(gt=0)], ...] = (512, 128)
    components: int = Field(default=16, ge=1, le=1000)

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value
