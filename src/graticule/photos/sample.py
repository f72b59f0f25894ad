"""Draws places, so many per cell, spread over each cell as its addresses are; and finds the nearest photos.

The way in which Csizmadia and Głowaczewski (2023) made their photos of Denmark: 330 addresses for each of
129 cells, from the smaller units of each in proportion to the addresses there; the photo nearest to each;
photos met twice dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from graticule.errors import UsageError
from graticule.geo.sphere import unit_vectors
from graticule.geo.towns import km_of_chord
from graticule.photos.shares import apportion

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def draw_places(cells: pl.Series, units: pl.Series, *, per_cell: int, seed: int = 0) -> Ints:
    """Rows drawn at random, without putting back: ``per_cell`` of each cell, or all where there are fewer.

    Inside a cell the number drawn from each unit is in proportion to the rows there, by largest remainder
    (``graticule.photos.shares``); a row without a unit belongs to a unit of such rows.

    Convention:
        - ``cells``, ``units``: (N,) of any type; a row whose cell is null is not drawn
        - the result: rows in ascending order; the same table and seed give the same rows

    Raises:
        UsageError: ``per_cell`` is not at least 1.

    Example:
        >>> cells = pl.Series(["DK"] * 8 + ["SE"])
        >>> units = pl.Series(["west"] * 6 + ["east"] * 2 + [None])
        >>> rows = draw_places(cells, units, per_cell=4)
        >>> units[rows.tolist()].to_list()
        ['west', 'west', 'west', 'east', None]
    """
    if per_cell < 1:
        raise UsageError(f"{per_cell} places per cell cannot be drawn.\nGive at least 1:  --per-cell 100")
    chance = np.random.default_rng(seed)
    rows = pl.DataFrame(
        {"row": np.arange(cells.len()), "cell": cells, "unit": units, "lot": chance.random(cells.len())}
    ).drop_nulls("cell")
    counts = rows.group_by("cell", "unit").len().sort("cell", "unit")
    quotas = [
        apportion(numbers := group["len"].to_numpy(), min(per_cell, int(numbers.sum())))
        for _, group in counts.group_by("cell", maintain_order=True)
    ]
    counts = counts.with_columns(quota=pl.Series(np.concatenate([*quotas, np.empty(0, dtype=np.int64)])))
    drawn = rows.join(counts, on=["cell", "unit"], nulls_equal=True).filter(
        pl.col("lot").rank("ordinal").over("cell", "unit") <= pl.col("quota")
    )
    result: Ints = drawn["row"].sort().to_numpy()
    return result


@dataclass(frozen=True)
class Matches:
    """The photo nearest to each place, none of them twice.

    Convention:
        - ``place``, ``photo``: (M,) rows of the two tables, in the order of the places; ``km``: (M,) apart
        - ``repeated``: places whose photo is nearer to another place; ``too_far``: places without a photo
          within the distance allowed
    """

    place: Ints
    photo: Ints
    km: Floats
    repeated: int
    too_far: int


def closest_photos(places: Floats, photos: Floats, *, within_km: float | None = None) -> Matches:
    """The photo nearest to each place; one that is nearest to several stays with the nearest of them.

    Convention:
        - ``places`` (N, 2) and ``photos`` (M, 2) are (latitude, longitude) in degrees
        - ``within_km``: a photo further away is none; no limit when left out
        - of photos at one spot the first is taken, and of places equally near the first

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        UsageError: there is no photo.

    Example:
        >>> matches = closest_photos(np.array([[0, 0], [0, 1], [5, 5]]), np.array([[0, 0.9], [40, 40]]))
        >>> matches.place.tolist(), matches.photo.tolist(), matches.repeated
        ([1], [0], 2)
    """
    if not len(photos):
        raise UsageError("There is no photo with a place to choose from.\nName another table after --photos.")
    table = pl.DataFrame(photos, schema=["latitude", "longitude"], orient="row")
    spots = np.flatnonzero(table.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy())
    chord, spot = cKDTree(unit_vectors(photos[spots])).query(unit_vectors(places))
    km, photo = km_of_chord(chord), spots[spot]
    near = np.arange(len(places)) if within_km is None else np.flatnonzero(km <= within_km)
    order = near[np.lexsort([near, km[near]])]
    stays = np.sort(order[np.unique(photo[order], return_index=True)[1]])
    return Matches(stays, photo[stays], km[stays], len(near) - len(stays), len(places) - len(near))
