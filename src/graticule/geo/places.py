"""Names for places, as a person would say them: "Beijing, CN", offline.

The country comes from the outlines, the town from the gazetteer of the same country, so that the two agree.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.geo.countries import country_name
from graticule.geo.outlines import NEAR_KM, country_of
from graticule.geo.sphere import check_latlon, unit_vectors
from graticule.geo.towns import Gazetteer, NearestTowns, chord_of_km, gazetteer, km_of_chord, nearest_towns

__all__ = ["FAR_KM", "OPEN_SEA", "NearestTowns", "nearest_towns", "place_names"]

Array = NDArray[np.float64]

FAR_KM: Final = 100.0
"""A town further away than this, in km, says nothing about a place; its country's name stands instead."""

OPEN_SEA: Final = "open sea"
"""The name of a place with neither a country nor a town."""

# A quarter of a city is called by the city's name: "Beijing", not "Jinrongjie". A city of P people reaches
# CITY_KM * sqrt(P): 5 km for a million, 16 for ten; so that the area grows with the people.
_CITY_KM: Final = 0.005
_CITY_PEOPLE: Final = 50_000
_CITIES: Final = (
    30  # of so many nearby the largest that reaches the place is taken; New York has many suburbs
)
_TOWNS: Final = 6  # so many nearest towns are searched for one of the right country, before the long way


def place_names(latlon: ArrayLike) -> list[str]:
    """A name for each place: "City, CC", or "Country, CC" far from any town, or "open sea".

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(N, 2)``
        - CC is the ISO 3166-1 alpha-2 code of ``country_of``, and the city lies in that country: the largest
          that reaches the place, else the nearest town up to 100 **km** away
        - off every outline the nearest town up to 100 km away gives name and code

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        GraticuleError: the outlines or the table of towns cannot be read.

    Source:
        Natural Earth 1:50m; GeoNames cities1000 (CC BY 4.0).

    Example:
        >>> place_names([[39.9, 116.35], [25.0, 4.0], [0, -30]])
        ['Beijing, CN', 'Algeria, DZ', 'open sea']
    """
    places = check_latlon(latlon).reshape(-1, 2)
    vectors = unit_vectors(places)
    codes = country_of(places, within_km=NEAR_KM, town_within_km=0)
    towns = gazetteer()
    distance_km, nearest = towns.nearest(vectors)
    # Off every outline the nearest town decides; the gazetteer also knows the atolls that have none.
    afloat = np.asarray([code is None for code in codes], dtype=np.bool_) & (distance_km <= FAR_KM)
    codes[afloat] = towns.country[nearest[afloat]]
    row = _city_around(vectors, codes)
    without = row < 0
    row[without] = _town_near(vectors[without], codes[without])
    return [_written(towns, at, code) for at, code in zip(row.tolist(), codes.tolist(), strict=True)]


def _written(towns: Gazetteer, row: int, code: str | None) -> str:
    if code is None:
        return OPEN_SEA
    return f"{towns.city[row] if row >= 0 else country_name(code) or code}, {code}"


def _city_around(vectors: Array, codes: NDArray[np.object_]) -> NDArray[np.intp]:
    """The row of the largest city of the same country that reaches each place (N, 3), or -1."""
    towns = gazetteer()
    large = np.flatnonzero(towns.population >= _CITY_PEOPLE)
    furthest = chord_of_km(_CITY_KM * float(np.sqrt(towns.population.max())))
    cities = gazetteer(_CITY_PEOPLE).tree
    chord, city = cities.query(vectors, k=_CITIES, distance_upper_bound=furthest)
    found = np.append(large, 0)[city]  # where there are fewer, the tree gives the index past its end
    reaches = np.isfinite(chord)
    reaches &= km_of_chord(chord) <= _CITY_KM * np.sqrt(towns.population[found])
    reaches &= towns.country[found] == codes[:, None]
    size = np.where(reaches, towns.population[found], -1)
    best = size.argmax(axis=1)[:, None]
    row: NDArray[Any] = np.where(
        np.take_along_axis(size, best, axis=1) > 0, np.take_along_axis(found, best, axis=1), -1
    )
    return row[:, 0]


def _town_near(vectors: Array, codes: NDArray[np.object_]) -> NDArray[np.intp]:
    """The row of the nearest town of the same country within 100 km of each place (N, 3), or -1."""
    towns = gazetteer()
    row = np.full(len(vectors), -1, dtype=np.intp)
    if not len(vectors):
        return row
    limit = chord_of_km(FAR_KM)
    chord, near = towns.tree.query(vectors, k=_TOWNS)
    agrees = (towns.country[near] == codes[:, None]) & (chord <= limit)
    first = agrees.argmax(axis=1)
    found = agrees.any(axis=1)
    row[found] = near[found, first[found]]
    # Beyond a border full of towns: look among the country's own.
    open_still = ~found & (chord[:, -1] <= limit)
    for code in sorted(set(codes[open_still])):
        own = np.flatnonzero(towns.country == code)
        mine = np.flatnonzero(open_still & (codes == code))
        if len(own):
            chord_to_own, town = towns.rows(own).tree.query(vectors[mine])
            row[mine] = np.where(chord_to_own <= limit, own[town], -1)
    return row
