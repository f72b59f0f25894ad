"""Which photos a run learns from, and where photos to be located come from. Needs no torch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from graticule.training.recipe.section import Section


class SyntheticSection(Section):
    """A planet of rendered scenes that is learned from when no table is named.

    Convention:
        - ``photos``: how many; ``size_px``: their width and height
        - ``countries``: ISO codes or names; thirty on all continents when left out
        - ``seed``: the same seed gives the same planet
    """

    photos: int = Field(default=1500, gt=0)
    size_px: int = Field(default=96, ge=16, le=4096)
    countries: tuple[str, ...] | None = None
    seed: int = Field(default=0, ge=0)

    @field_validator("countries", mode="before")
    @classmethod
    def _codes(cls, given: Any) -> Any:
        # YAML reads an unquoted NO as false
        return ["NO" if each is False else each for each in given] if isinstance(given, list) else given

    @property
    def label(self) -> str:
        """A name for its folder that no other planet has."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return f"{self.photos}-photos-{self.size_px}px-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


class PhotosSection(Section):
    """Which photos are learned from.

    Convention:
        - ``where``: a Polars SQL condition on the table's columns, such as ``usable AND width > 200``
        - ``train``, ``val``, ``test``: the values of the column ``split``
        - ``synthetic``: a planet to learn from where ``table`` names nothing
        - ``most_train``: learn from so many photos at most, as many of each cell as of any other, the rest
          at random (S4, equation 6.4); the cells are still built from all of them
        - ``holdout``: share of the groups held out for validation where no row says its split; of the groups
          to learn from where rows do, but none says ``val``
        - ``country_points``: a photo of which only the country is known stands at its country's largest
          town, so that cells of countries can be learned from it; its distances are from there
        - ``half``: learn from the ``first`` or the ``last`` half of the groups alone, as a hash of their
          names deals them: no author and no place is in both
    """

    table: Path | None = None
    where: str | None = None
    train: str = "train"
    val: str = "val"
    test: str = "test"
    synthetic: SyntheticSection | None = None
    most_train: int | None = Field(default=None, gt=1)
    holdout: float = Field(default=0.1, gt=0.0, lt=1.0)
    half: Literal["first", "last"] | None = None
    country_points: bool = False


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
