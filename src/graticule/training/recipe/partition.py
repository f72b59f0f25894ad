"""The keys of a recipe's section ``partition``. Needs no torch."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from graticule.config import nearest
from graticule.partitions.limits import MAX_PHOTOS, MIN_PHOTOS
from graticule.partitions.methods import METHODS, OPTIONS
from graticule.training.recipe.section import Section

S2_DEFAULTS: Final = {"max_photos": MAX_PHOTOS, "min_photos": MIN_PHOTOS, "start_level": 2, "end_level": 30}
"""Written into a recipe of ``s2`` without a preset, so that its file alone says what was run."""

PARTITION_PATHS: Final = ("file", "places", "from_file", "polygons", "confusion", "cells_file")
"""Keys that are always paths."""


class PartitionSection(Section):
    """How the Earth is cut into the cells that the network tells apart.

    Convention:
        - ``file``: a partition made before; then the other keys do nothing
        - ``method``: any of ``graticule partition --method``; from ``preset`` to ``cells_file`` stand the
          options of the methods, named as in ``graticule.partitions.methods.OPTIONS`` (``min_photos`` is
          ``--min``); null leaves one to the method
        - ``resolutions``: a list of numbers; ``features``: the name of a set, or the path of a table
        - ``places``: a table (CSV, CSV.gz, Parquet) with latitude and longitude of places without photos
        - ``cells_from``, ``centres_from``: what the cells, and what the point of each cell, are made
          from: the training photos, the places, or both together
        - ``point``: the point that stands for a cell: the mean of its places, or the densest place
    """

    method: str = "s2"
    preset: str | None = None
    max_photos: int | None = Field(default=None, gt=0)
    min_photos: int | None = Field(default=None, ge=0)
    start_level: int | None = Field(default=None, ge=0, le=30)
    end_level: int | None = Field(default=None, ge=0, le=30)
    merge_small: bool | None = None
    least_share: float | None = Field(default=None, ge=0.0, le=0.5)
    depth: int | None = Field(default=None, ge=0)
    from_file: Path | None = None
    of: str | None = None
    resolutions: tuple[int, ...] | None = None
    cells: int | None = Field(default=None, gt=0)
    polygons: Path | None = None
    layer: str | None = None
    polygon_names: str | None = None
    reach_km: float | None = Field(default=None, ge=0.0)
    groups: int | None = Field(default=None, gt=0)
    features: str | None = None
    confusion: Path | None = None
    cells_file: Path | None = None
    file: Path | None = None
    places: Path | None = None
    cells_from: Literal["photos", "places", "both"] = "photos"
    centres_from: Literal["photos", "places", "both"] = "photos"
    point: Literal["mean", "densest"] = "mean"

    @model_validator(mode="before")
    @classmethod
    def _with_defaults_of_s2(cls, values: Any) -> Any:
        plain = isinstance(values, dict) and values.get("method", "s2") == "s2" and not values.get("preset")
        return {**S2_DEFAULTS, **values} if plain else values

    @field_validator("method", "of")
    @classmethod
    def _method_is_known(cls, method: str | None) -> str | None:
        if method is not None and method not in METHODS:
            close = nearest(method, METHODS)
            advice = f"did you mean '{close}'?" if close else f"known are {', '.join(METHODS)}"
            raise ValueError(f"there is no such method; {advice}")
        return method

    @model_validator(mode="after")
    def _options_are_taken(self) -> PartitionSection:
        takes = METHODS[self.method].takes
        wrong = [name for name in self.options() if name not in takes]
        if self.file is None and wrong:
            unset = " ".join(recipe_key(name, "null") for name in wrong)
            raise ValueError(
                f"the method '{self.method}' takes no {', '.join(wrong)} (it takes {', '.join(takes)}); "
                f"leave that out of the recipe ({unset})"
            )
        return self

    @model_validator(mode="after")
    def _places_are_named(self) -> PartitionSection:
        if self.places is None and "photos" not in (self.cells_from, self.centres_from):
            raise ValueError("cells_from and centres_from need 'places', the path of a table of places")
        if self.places is None and (self.cells_from != "photos" or self.centres_from != "photos"):
            raise ValueError("cells_from and centres_from other than 'photos' need 'places'")
        return self

    def options(self) -> dict[str, Any]:
        """The options of the method that are given, by name."""
        given = {name: getattr(self, name) for name in OPTIONS}
        return {name: value for name, value in given.items() if value is not None}


def recipe_key(name: str, value: str | None) -> str:
    """An option of a method as a recipe names it, or as ``graticule train`` sets it.

    Example:
        >>> recipe_key("max_photos", None), recipe_key("max_photos", "50")
        ('partition.max_photos', '--set partition.max_photos=50')
    """
    key = f"partition.{name}"
    return key if value is None else f"--set {shlex.quote(f'{key}={value}')}"
