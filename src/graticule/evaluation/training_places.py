"""The places a model could have learnt from: what the trivial baselines may know, and no more.

A baseline that looks at the test places is too good; one that looks at the training places is fair. So
the places come from a table of training photos, else from the model's own cells (each cell a place that
weighs as many photos as it has), and only when neither is known from the test itself, which is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from graticule.errors import TableError
from graticule.evaluation.protocols import Array
from graticule.geo.sphere import check_latlon
from graticule.photos.places import read_places

if TYPE_CHECKING:
    from graticule.partitions import Partition


@dataclass(frozen=True, eq=False)
class TrainingPlaces:
    """Weighted places, and where they come from.

    Convention:
        - ``latlon``: (latitude, longitude) in degrees, shape (M, 2), finite
        - ``weights``: photos at each place, shape (M,), positive
        - ``source``: one phrase for the report, such as "the 412 cells of the model"
        - ``is_in_sample``: the places are those of the test itself; baselines are then too good
        - ``areas_km2``: shape (M,), how much ground each place stands for, where it stands for a cell
    """

    latlon: Array
    weights: Array
    source: str
    is_in_sample: bool = False
    areas_km2: Array | None = None

    def __len__(self) -> int:
        return len(self.latlon)

    @classmethod
    def of(cls, latlon: ArrayLike, source: str, *, weights: ArrayLike | None = None) -> TrainingPlaces:
        """The given places; rows with a NaN, and rows that weigh nothing, are left out.

        Raises:
            CoordinateError: a latitude lies outside [-90, 90].
            TableError: no place is left.

        Example:
            >>> len(TrainingPlaces.of([[52.5, 13.4], [np.nan, 13.4]], "two rows"))
            1
        """
        places = np.asarray(latlon, dtype=np.float64).reshape(-1, 2)
        loads = np.ones(len(places)) if weights is None else np.asarray(weights, dtype=np.float64)
        kept = np.isfinite(places).all(axis=1) & (loads > 0)
        if not kept.any():
            raise TableError(
                f"The training places from {source} hold no position, so there is nothing to guess from.\n"
                "Name a table with positions:  --train-places TABLE"
            )
        return cls(check_latlon(places[kept]), loads[kept], source)

    @classmethod
    def of_table(cls, table: pl.DataFrame, source: str) -> TrainingPlaces:
        """The places of a table with the columns ``latitude`` and ``longitude`` in degrees."""
        return cls.of(table.select("latitude", "longitude").to_numpy(), source)

    @classmethod
    def read(cls, table: str | Path) -> TrainingPlaces:
        """The places of a table in a file or folder; of a table with splits, those of ``train``.

        Raises:
            MissingFileError: there is no such table.
            TableError: it has no position, or latitude and longitude look swapped.
        """
        found = read_places(table)
        part = f" (split {found.split})" if found.split is not None else ""
        source = f"the {len(found.latlon):,} places of {Path(table).name}{part}"
        return cls.of(found.latlon, source, weights=found.photos)

    @classmethod
    def of_partition(cls, partition: Partition, source: str | None = None) -> TrainingPlaces:
        """The centres of the cells, each weighing as many photos as the cell has."""
        said = source or f"the centres of the {partition.count} cells, weighted by their photos"
        kept = partition.photos > 0
        places = cls.of(partition.centres[kept], said, weights=partition.photos[kept])
        return replace(places, areas_km2=np.asarray(partition.areas_km2, dtype=np.float64)[kept])

    @classmethod
    def of_test(cls, latlon: ArrayLike) -> TrainingPlaces:
        """The test's own places, for want of better: baselines from these are too good."""
        places = cls.of(latlon, "the test's own places")
        return replace(places, is_in_sample=True)

    def within(self, limit_km: float) -> TrainingPlaces:
        """The places, each weighing the photos that can be expected within ``limit_km`` of it.

        A place that stands for a cell has its photos all over the cell, of which a circle of that radius
        covers a part; so a small dense cell outweighs a large one with more photos.
        """
        if self.areas_km2 is None:
            return self
        covered = np.minimum(1.0, math.pi * limit_km**2 / self.areas_km2)
        return replace(self, weights=self.weights * covered, areas_km2=None)

    def thinned(self, most: int, *, seed: int = 0) -> TrainingPlaces:
        """At most ``most`` places: itself, or so many drawn by weight, each of equal weight."""
        if len(self) <= most:
            return self
        edges = np.cumsum(self.weights)
        # one draw from each of `most` equal slices of the weight: less scatter than free draws
        drawn = (np.arange(most) + np.random.default_rng(seed).random(most)) * (edges[-1] / most)
        chosen = np.minimum(np.searchsorted(edges, drawn, side="right"), len(self) - 1)
        areas = None if self.areas_km2 is None else self.areas_km2[chosen]
        return replace(self, latlon=self.latlon[chosen], weights=np.ones(most), areas_km2=areas)
