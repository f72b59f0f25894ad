"""Is the answer in the right country, region, area, city? By polygon, and by OSV-5M's nearest-town rule.

The nearest-town rule gives every place on Earth the names of the nearest town of GeoNames and compares them.
OSV-5M's code asks the package reverse_geocoder; ours is a newer cut of the same list (cities1000) and finds
the nearest town on the sphere, so that a few towns differ.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from graticule.evaluation.intervals import Ratio
from graticule.evaluation.labels import NO_LABEL, Labels
from graticule.evaluation.protocols import Array
from graticule.geo.outlines import country_of
from graticule.geo.sphere import unit_vectors
from graticule.geo.towns import gazetteer, town_districts

if TYPE_CHECKING:
    from graticule.partitions.outlines.regions import Regions

LEVELS: Final = ("country", "region", "area", "city")
"""From large to small: GeoNames' country, first and second division, and the town itself."""

MOST_UNASKED: Final = 200_000
"""Past so many photos towns are sought only where the protocol wants them: a second for 200,000 photos."""


def nearest_town_levels(latlon: Array) -> dict[str, NDArray[np.int64]]:
    """Numbers of the country, region, area and city of the town nearest to each place.

    Convention:
        - ``latlon``: (latitude, longitude) in degrees, shape (N, 2), finite
        - values: shape (N,); equal numbers of a level are the same name in the same larger unit; -1 where
          GeoNames gives the town no name at that level

    Source:
        G. Astruc et al., OpenStreetView-5M (2024), ``metrics/utils.py``: country = cc; region = admin1_cc;
        area = admin2_admin1_cc; city = name_admin2_admin1_cc, of the nearest town.
    """
    _, town = gazetteer().nearest(unit_vectors(latlon))
    return {level: numbers[town] for level, numbers in _numbers().items()}


def nearest_town_accuracy(answers: Array, truth: Array) -> dict[str, Ratio]:
    """Which photos are right at each level by the nearest-town rule.

    Convention:
        - ``answers``, ``truth``: (latitude, longitude) in degrees, shape (N, 2); NaN without an answer,
          which is wrong
        - photos whose true town has no name at a level are not counted there, as in OSV-5M's code

    Example:
        >>> ratios = nearest_town_accuracy(np.array([[48.8, 2.4]]), np.array([[45.8, 4.8]]))
        >>> [ratios[level].mean for level in LEVELS]
        [1.0, 0.0, 0.0, 0.0]
    """
    answered = ~np.isnan(answers).any(axis=1)
    true_levels, said_levels = nearest_town_levels(truth), nearest_town_levels(answers[answered])
    found = {}
    for level, numbers in true_levels.items():
        right = np.zeros(len(truth), dtype=bool)
        right[answered] = (said_levels[level] == numbers[answered]) & (numbers[answered] != NO_LABEL)
        found[level] = Ratio(right, numbers != NO_LABEL)
    return found


def country_accuracy(answers: Array, truth: Labels) -> Ratio:
    """Which photos are answered inside the outline of their true country, whatever country was stated.

    Convention:
        - ``answers`` as ``nearest_town_accuracy``; photos of no country are not counted
    """
    answered = ~np.isnan(answers).any(axis=1)
    countries = np.full(len(answers), None, dtype=object)
    countries[answered] = country_of(answers[answered])
    return Ratio(Labels.of(countries).agrees_with(truth), truth.is_known)


def polygon_accuracy(answers: Array, truth: Array, regions: Regions) -> Ratio:
    """Which photos are answered inside the polygon that holds their true place.

    Convention:
        - as ``nearest_town_accuracy``; photos whose true place no polygon holds are not counted
    """
    true_region = region_of(truth, regions)
    return Ratio((region_of(answers, regions) == true_region) & (true_region >= 0), true_region >= 0)


def region_of(latlon: Array, regions: Regions) -> NDArray[np.int64]:
    """Index of the polygon that holds each place, shape (N,); -1 where none does, and for NaN."""
    found = np.full(len(latlon), NO_LABEL, dtype=np.int64)
    known = np.flatnonzero(np.isfinite(latlon).all(axis=1))
    longitude = latlon[known, 1] - 360.0 * np.rint(latlon[known, 1] / 360.0)
    tree = shapely.STRtree(regions.polygons)
    place, region = tree.query(shapely.points(longitude, latlon[known, 0]), predicate="intersects")
    # on a border two polygons hold the place: the first of the file
    place, region = place[::-1], region[::-1]
    found[known[place]] = region
    return found


@functools.cache
def _numbers() -> dict[str, NDArray[np.int64]]:
    """A number for the country, region, area and city of each town of the gazetteer."""
    towns = gazetteer()
    state, county = town_districts()
    parts = {"country": towns.country, "region": state, "area": county, "city": towns.city}
    table = pl.DataFrame({level: pl.Series(list(names), dtype=pl.String) for level, names in parts.items()})
    found = {}
    for depth, level in enumerate(LEVELS, start=1):
        # A town without a second division still has a city: its larger units are compared as they are.
        name = pl.concat_str(*LEVELS[:depth], separator="\0", ignore_nulls=False)
        if level == "city":
            name = pl.concat_str(*(pl.col(part).fill_null("") for part in LEVELS), separator="\0")
        numbers = table.select(pl.when(pl.col(level).is_not_null()).then(name).rank("dense"))
        found[level] = numbers.to_series().cast(pl.Int64).fill_null(NO_LABEL).to_numpy()
    return found
