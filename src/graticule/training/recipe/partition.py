"""The keys of a recipe's section ``partition``. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from graticule.training.recipe.section import Section


class PartitionSection(Section):
    """How the Earth is cut into the cells that the network tells apart.

    Convention:
        - ``file``: a partition made before; then the other keys do nothing
        - ``max_photos``, ``min_photos``: as in ``graticule.partitions.build_s2``
        - ``places``: a table (CSV, CSV.gz, Parquet) with latitude and longitude of places without photos
        - ``cells_from``, ``centres_from``: what the cells, and what the point of each cell, are made
          from: the training photos, the places, or both together
        - ``point``: the point that stands for a cell: the mean of its places, or the densest place
    """

    method: Literal["s2"] = "s2"
    max_photos: int = Field(default=300, gt=0)
    min_photos: int = Field(default=30, ge=0)
    start_level: int = Field(default=2, ge=0, le=30)
    end_level: int = Field(default=30, ge=0, le=30)
    file: Path | None = None
    places: Path | None = None
    cells_from: Literal["photos", "places", "both"] = "photos"
    centres_from: Literal["photos", "places", "both"] = "photos"
    point: Literal["mean", "densest"] = "mean"

    @model_validator(mode="after")
    def _places_are_named(self) -> PartitionSection:
        if self.places is None and "photos" not in (self.cells_from, self.centres_from):
            raise ValueError("cells_from and centres_from need 'places', the path of a table of places")
        if self.places is None and (self.cells_from != "photos" or self.centres_from != "photos"):
            raise ValueError("cells_from and centres_from other than 'photos' need 'places'")
        return self
