"""Which photos lie near others, on the sphere: across the antimeridian and at the poles as anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from graticule.geo.sphere import unit_vectors
from graticule.geo.towns import chord_of_km, km_of_chord

_ROUNDING: Final = 1e-9
"""Relative; places exactly as far apart as asked count as near."""

_SMALLEST_SIDE: Final = 2.0**-19
"""12 m: with a finer lattice the number of a cell would not fit into 63 bits."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def nearest_elsewhere(latlon: Floats, part: Ints, *, within_km: float) -> tuple[Floats, Ints]:
    """For each place the nearest one of another part, if there is one near enough.

    Convention:
        - ``latlon``: (N, 2) in (latitude, longitude) degrees; ``part``: (N,) which part each belongs to
        - the result: (N,) km and (N,) index; infinite and -1 where no other part lies ``within_km``

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.

    Example:
        >>> places = np.array([[0, 179.99], [0, -179.99], [10, 0]])
        >>> distance_km, index = nearest_elsewhere(places, np.array([0, 1, 0]), within_km=5)
        >>> distance_km.round(2).tolist(), index.tolist()
        ([2.22, 2.22, inf], [1, 0, -1])
    """
    vectors = unit_vectors(latlon)
    limit = chord_of_km(within_km) * (1 + _ROUNDING) + np.finfo(float).eps
    best, index = np.full(len(part), np.inf), np.full(len(part), -1, dtype=np.int64)
    distinct = _first_of_each_place(latlon, part)
    for one in np.unique(part):
        rows, others = distinct[part[distinct] == one], np.flatnonzero(part != one)
        if not len(others):
            break
        chord, place = cKDTree(vectors[rows]).query(vectors[others], distance_upper_bound=limit)
        nearer = chord < best[others]
        best[others[nearer]] = chord[nearer]
        index[others[nearer]] = rows[place[nearer]]
    return np.where(np.isinf(best), np.inf, km_of_chord(np.minimum(best, 2))), index


def _first_of_each_place(latlon: Floats, part: Ints) -> Ints:
    """Rows without those that repeat a place within their part: a tree of equal points is slow to ask."""
    frame = pl.DataFrame({"latitude": latlon[:, 0], "longitude": latlon[:, 1], "part": part})
    rows: Ints = np.flatnonzero(frame.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy())
    return rows


@dataclass(frozen=True)
class Lattice:
    """Photos sorted into the cubes of a lattice in space, whose sides are as long as a distance asked for.

    Two photos nearer than that lie in one cube or in two that touch; those in touching cubes are at most
    3.5 times as far apart. So neighbourhoods cost a look at touching cubes, however dense the photos lie.

    Convention:
        - ``cube``: (N,) each photo's cube, 0..C-1
        - ``touching``: (L, 2) pairs of cubes that touch, each once; only cubes with photos are counted
    """

    cube: Ints
    touching: Ints

    @classmethod
    def of(cls, latlon: Floats, side_km: float) -> Lattice:
        """The lattice of places (N, 2) in (latitude, longitude) degrees.

        Raises:
            CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        """
        side = max(chord_of_km(side_km) * (1 + _ROUNDING), _SMALLEST_SIDE)
        along = np.int64(np.ceil(2 / side)) + 4  # room for the cubes around the outermost
        corner = np.floor((unit_vectors(latlon) + 1) / side).astype(np.int64) + 1
        numbers, cube = np.unique(
            (corner[:, 0] * along + corner[:, 1]) * along + corner[:, 2], return_inverse=True
        )
        pairs = []
        for step in product((-1, 0, 1), repeat=3):
            if step > (0, 0, 0):  # the other thirteen find the same pairs
                target = numbers + (step[0] * along + step[1]) * along + step[2]
                place = np.minimum(np.searchsorted(numbers, target), len(numbers) - 1)
                there = np.flatnonzero(numbers[place] == target) if len(numbers) else place
                pairs.append(np.stack([there, place[there]], axis=1))
        return cls(cube.astype(np.int64), np.concatenate(pairs))

    @property
    def count(self) -> int:
        """Number of cubes that hold photos."""
        return int(self.cube.max()) + 1 if len(self.cube) else 0

    def counts_around(self, part: Ints, parts: int) -> Ints:
        """For each photo how many of each part lie in its cube and those that touch it: (N, parts)."""
        inside = np.bincount(self.cube * parts + part, minlength=self.count * parts).reshape(-1, parts)
        around = inside.copy()
        one, other = self.touching.T
        np.add.at(around, one, inside[other])
        np.add.at(around, other, inside[one])
        counts: Ints = around[self.cube]
        return counts
