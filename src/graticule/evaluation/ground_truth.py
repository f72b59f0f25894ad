"""What is known of the photos that are judged: place, country, continent, cell, group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.evaluation.labels import Labels, Texts
from graticule.evaluation.protocols import Array
from graticule.geo.countries import continent_of
from graticule.geo.outlines import country_of
from graticule.geo.sphere import unit_vectors

if TYPE_CHECKING:
    from graticule.partitions import Partition

_BLOCK: Final = 1 << 15
"""Photos looked at together: their vectors stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The truth about N photos, column by column.

    Convention:
        - ``latlon``: (latitude, longitude) in degrees, shape (N, 2)
        - ``country``: ISO 3166-1 alpha-2, ``continent``: two letters; without a class in the open sea
        - ``cells``: index in ``partition`` of the cell that covers the place, -1 where none does; None
          without a partition
        - ``groups``: 0..G-1, a photo of no group being one of its own; None where no groups are known
    """

    latlon: Array
    country: Labels
    continent: Labels
    partition: Partition | None
    cells: NDArray[np.int64] | None
    groups: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.latlon)

    @cached_property
    def vectors(self) -> Array:
        """The places as points of the unit sphere, shape (N, 3)."""
        vectors = np.empty((3, len(self))).T  # axis by axis, as they are read
        for start in range(0, len(self), _BLOCK):
            vectors[start : start + _BLOCK] = unit_vectors(self.latlon[start : start + _BLOCK])
        return vectors

    @property
    def countries(self) -> Texts:
        """Code of each photo's country, shape (N,), None for none."""
        return self.country.texts()

    @property
    def continents(self) -> Texts:
        """Code of each photo's continent, shape (N,), None for none."""
        return self.continent.texts()

    @classmethod
    def of(cls, frame: pl.DataFrame, partition: Partition | None) -> GroundTruth:
        """The truth in a table of matched photos; a missing country is looked up by polygon.

        Convention:
            - ``frame``: columns ``true_latitude``, ``true_longitude`` in degrees, and if present
              ``true_country`` (ISO alpha-2) and ``true_group``
        """
        latlon = latlon_in(frame, "true_latitude", "true_longitude")
        country = _countries(frame, latlon)
        return cls(
            latlon=latlon,
            country=country,
            continent=continents_of(country),
            partition=partition,
            cells=None if partition is None else np.asarray(partition.encode(latlon), dtype=np.int64),
            groups=group_numbers(frame),
        )


def latlon_in(frame: pl.DataFrame, latitude: str, longitude: str) -> Array:
    """Two columns in degrees as an array (N, 2), NaN where null."""
    latlon = np.empty((frame.height, 2))
    for axis, name in enumerate((latitude, longitude)):
        latlon[:, axis] = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return latlon


def continents_of(country: Labels) -> Labels:
    """The continent of each photo, from its country."""
    return country.grouped([continent_of(code) for code in country.names])


def _countries(frame: pl.DataFrame, latlon: Array) -> Labels:
    if "true_country" not in frame.columns:
        return Labels.of(country_of(latlon))
    stated = frame["true_country"]
    missing = stated.is_null().to_numpy()
    if not missing.any():
        return Labels.of(stated)
    texts = stated.to_numpy(allow_copy=True).astype(object)
    texts[missing] = country_of(latlon[missing])
    return Labels.of(texts)


def group_numbers(frame: pl.DataFrame) -> NDArray[np.int64] | None:
    """Group 0..G-1 of each photo by the column ``true_group``; None where there is no group at all."""
    if "true_group" not in frame.columns or frame["true_group"].null_count() == frame.height:
        return None
    # a photo without a group stands for itself: its row number cannot be the name of a group
    alone = pl.concat_str(pl.lit("\0"), pl.int_range(pl.len()).cast(pl.String))
    names = frame.select(pl.coalesce("true_group", alone).alias("group"))["group"]
    return names.rank("dense").to_numpy().astype(np.int64) - 1
