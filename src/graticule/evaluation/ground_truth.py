"""What is known of the photos that are judged: place, country, continent, cell, group."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.evaluation.protocols import Array
from graticule.geo.countries import continent_of
from graticule.geo.outlines import country_of

if TYPE_CHECKING:
    from graticule.partitions import Partition

Texts = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The truth about N photos, column by column.

    Convention:
        - ``latlon``: (latitude, longitude) in degrees, shape (N, 2)
        - ``countries``: ISO 3166-1 alpha-2 or None, ``continents``: two letters or None, shape (N,)
        - ``cells``: index in ``partition`` of the cell that covers the place, -1 where none does; None
          without a partition
        - ``groups``: 0..G-1, a photo of no group being one of its own; None where no groups are known
    """

    latlon: Array
    countries: Texts
    continents: Texts
    partition: Partition | None
    cells: NDArray[np.int64] | None
    groups: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.latlon)

    @cached_property
    def country_counts(self) -> dict[str, int]:
        """Photos in each country; those in none are not counted."""
        return {code: count for code, count in Counter(self.countries).items() if code is not None}

    @classmethod
    def of(cls, frame: pl.DataFrame, partition: Partition | None) -> GroundTruth:
        """The truth in a table of matched photos; a missing country is looked up by polygon.

        Convention:
            - ``frame``: columns ``true_latitude``, ``true_longitude`` in degrees, and if present
              ``true_country`` (ISO alpha-2) and ``true_group``
        """
        latlon = frame.select("true_latitude", "true_longitude").to_numpy()
        countries = _countries(frame, latlon)
        return cls(
            latlon=latlon,
            countries=countries,
            continents=continents_of(countries),
            partition=partition,
            cells=None if partition is None else np.asarray(partition.encode(latlon), dtype=np.int64),
            groups=_groups(frame),
        )


def is_known(codes: Texts) -> NDArray[np.bool_]:
    """Which of the codes are not None."""
    return np.asarray(codes != None, dtype=bool)  # noqa: E711 -- elementwise


def continents_of(countries: Texts) -> Texts:
    """Continent of each country code; None for None."""
    known = {code: continent_of(code) for code in set(countries) if code is not None}
    return np.array(list(map(known.get, countries)), dtype=object)


def _countries(frame: pl.DataFrame, latlon: Array) -> Texts:
    stated = (
        frame["true_country"].to_numpy(allow_copy=True).astype(object)
        if "true_country" in frame.columns
        else np.full(len(latlon), None, dtype=object)
    )
    missing = ~is_known(stated)
    if missing.any():
        stated = stated.copy()
        stated[missing] = country_of(latlon[missing])
    return stated


def _groups(frame: pl.DataFrame) -> NDArray[np.int64] | None:
    if "true_group" not in frame.columns or frame["true_group"].null_count() == frame.height:
        return None
    # a photo without a group stands for itself: its row number cannot be the name of a group
    alone = pl.concat_str(pl.lit("\0"), pl.int_range(pl.len()).cast(pl.String))
    names = frame.select(pl.coalesce("true_group", alone).alias("group"))["group"]
    return names.rank("dense").to_numpy().astype(np.int64) - 1
