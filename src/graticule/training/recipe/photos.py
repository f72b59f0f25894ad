"""Which photos a run learns from, and where photos to be located come from. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from graticule.training.recipe.section import Section


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
