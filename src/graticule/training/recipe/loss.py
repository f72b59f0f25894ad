"""The keys of a recipe's section ``loss``. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from graticule.training.recipe.section import Section

LossName = Literal[
    "cross-entropy",
    "output-logarithm",
    "cluster-smoothed",
    "neighbour-smoothed",
    "haversine-smoothed",
    "squared-expected-distance",
    "distance-weighted-log",
    "great-circle",
    "mixture-likelihood",
    "cell-offset",
    "scene",
]

PLACE_LOSSES: Final = ("great-circle", "mixture-likelihood", "cell-offset", "scene")
"""Losses of places, densities and scenes; all others need scores of cells."""


class LossTerm(Section):
    """One loss, or one of several that are added; see ``graticule.training.losses``.

    Convention:
        - ``weight``: what it is multiplied by
        - ``label_smoothing``: of ``cross-entropy``: share of the target that all cells have in common
        - ``correct_share``: of ``cluster-smoothed`` and ``neighbour-smoothed``: what the right cell keeps of
          the target
        - ``clusters``: of ``cluster-smoothed``: so many groups of cells by place, or a partition file
        - ``neighbours``: of ``neighbour-smoothed``: how many nearest cells share the rest
        - ``smoothing_km``: of ``haversine-smoothed``: cells count toward the target by exp(-distance / it)
        - ``unit_km``: of the losses of distance: what distances are divided by
    """

    name: LossName = "cross-entropy"
    weight: float = Field(default=1.0, gt=0.0)
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    correct_share: float = Field(default=0.9, gt=0.0, le=1.0)
    clusters: int | Path | None = Field(default=None)
    neighbours: int = Field(default=3, gt=0)
    smoothing_km: float = Field(default=75.0, gt=0.0)
    unit_km: float = Field(default=1.0, gt=0.0)

    @model_validator(mode="after")
    def _there_are_clusters(self) -> LossTerm:
        if isinstance(self.clusters, int) and self.clusters < 1:
            raise ValueError("clusters: at least 1, or the path of a partition")
        return self


class ClassWeightsSection(Section):
    """How much the photos of each cell count; see ``graticule.training.losses.class_weights``.

    Convention:
        - ``weights``: of ``list``: one number per cell, in their order; of ``continent``: a mapping from
          continents, by name or code, to numbers, others are 1
        - ``beta``: of ``effective-number``: n photos count as (1 - beta^n) / (1 - beta)
    """

    by: Literal["list", "continent", "inverse-frequency", "effective-number"]
    weights: tuple[float, ...] | dict[str, float] | None = None
    beta: float = Field(default=0.999, gt=0.0, lt=1.0)

    @model_validator(mode="after")
    def _are_weights(self) -> ClassWeightsSection:
        given = self.weights.values() if isinstance(self.weights, dict) else self.weights or ()
        if any(not 0 <= weight < float("inf") for weight in given):
            raise ValueError("weights: numbers that are finite and not negative")
        if (self.by in ("list", "continent")) != (self.weights is not None):
            raise ValueError("weights belong to 'by: list' and 'by: continent', and to no other")
        return self


class LossSection(LossTerm):
    """What is minimised: one loss, or the weighted sum of ``terms``.

    Convention:
        - ``terms``: when given, the other keys of a single loss stay away
        - ``class_weights``: multiply the sum
    """

    terms: tuple[LossTerm, ...] = ()
    class_weights: ClassWeightsSection | None = None

    @property
    def all_terms(self) -> tuple[LossTerm, ...]:
        """The terms, also of a single loss."""
        return self.terms or (self,)

    def for_validation(self) -> LossSection:
        """What validation measures: the same with the right cell as the whole target, and no class weights.

        So that the numbers of runs compare, and the best checkpoint is not chosen by the weights (S0 found
        the weighted loss no longer a reliable guide). ``haversine-smoothed`` has no such form and stays.
        """
        plain = {"label_smoothing": 0.0, "correct_share": 1.0}
        terms = tuple(term.model_copy(update=plain) for term in self.terms)
        return self.model_copy(update={**plain, "terms": terms, "class_weights": None})

    @model_validator(mode="after")
    def _one_or_several(self) -> LossSection:
        fields = LossTerm.model_fields
        single = sorted(name for name in fields if getattr(self, name) != fields[name].default)
        if self.terms and single:
            raise ValueError(f"with 'terms', '{single[0]}' belongs to one of them")
        return self
