"""Where photos are taken: places on land inside a country, and trips through it."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.geo.outlines import country_outlines
from graticule.geo.sphere import destination

Array = NDArray[np.float64]

_TRIES: Final = 6


@functools.cache
def _on_cylinder(country: str) -> shapely.Geometry:
    """A country's outline, x longitude in degrees, y the sine of latitude: equal areas stay equal."""
    outlines = country_outlines()
    outline = outlines.polygons[outlines.codes.index(country)]
    flat = shapely.make_valid(shapely.transform(outline, _to_cylinder))
    shapely.prepare(flat)
    return flat


def _to_cylinder(lonlat: Array) -> Array:
    return np.column_stack([lonlat[:, 0], np.sin(np.radians(lonlat[:, 1]))])


def land_share(country: str) -> float:
    """The area of a country, by its ISO 3166-1 alpha-2 code, as a share of the sphere."""
    return float(_on_cylinder(country).area) / 720.0


def is_inside(latlon: Array, country: str) -> NDArray[np.bool_]:
    """Whether places (N, 2), in degrees, lie within the country's outline."""
    x, y = _to_cylinder(latlon[:, ::-1]).T
    return np.asarray(shapely.contains_xy(_on_cylinder(country), x, y))


def places_in(country: str, count: int, rng: np.random.Generator) -> Array:
    """Places drawn evenly over a country's land.

    Convention:
        - ``country`` is an ISO 3166-1 alpha-2 code with an outline
        - the result is (latitude, longitude) in degrees, shape ``(count, 2)``, uniform on the sphere

    Example:
        >>> places = places_in("CL", 100, np.random.default_rng(0))
        >>> places.shape, bool(is_inside(places, "CL").all())
        ((100, 2), True)
    """
    parts = shapely.get_parts(_on_cylinder(country))
    parts = parts[shapely.area(parts) > 0]
    areas = shapely.area(parts)
    drawn = [
        _points_in(part, int(n), rng)
        for part, n in zip(parts, rng.multinomial(count, areas / areas.sum()), strict=True)
        if n
    ]
    points = rng.permutation(np.concatenate([np.empty((0, 2)), *drawn]))
    return np.column_stack([np.degrees(np.arcsin(points[:, 1])), points[:, 0]])


def _points_in(part: shapely.Geometry, count: int, rng: np.random.Generator) -> Array:
    """Points of the plane drawn evenly inside a polygon, (count, 2)."""
    shapely.prepare(part)
    west, south, east, north = part.bounds
    kept = np.empty((0, 2))
    while len(kept) < count:
        points = rng.uniform((west, south), (east, north), size=(2 * count + 8, 2))
        kept = np.concatenate([kept, points[shapely.contains_xy(part, points[:, 0], points[:, 1])]])
    return kept[:count]


def trips_in(
    country: str, photos_per_trip: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Array, NDArray[np.int64]]:
    """Trips through a country: each starts anywhere on its land and goes on for some kilometres.

    Convention:
        - ``photos_per_trip``: shape (T,), at least 1 each
        - the places, (latitude, longitude) in degrees, shape (N, 2), trip by trip, and the trip of each (N,)
        - a step is a few hundred metres to some kilometres long; at the country's edge the trip turns
    """
    here = places_in(country, len(photos_per_trip), rng)
    heading = rng.uniform(0.0, 360.0, len(here))
    steps = [here]
    for _ in range(int(photos_per_trip.max(initial=1)) - 1):
        here, heading = _step(here, heading, country, rng)
        steps.append(here)
    taken = np.arange(len(steps))[None, :] < photos_per_trip[:, None]
    trip, number = np.nonzero(taken)
    return np.stack(steps, axis=1)[trip, number], trip


def _step(here: Array, heading: Array, country: str, rng: np.random.Generator) -> tuple[Array, Array]:
    """One step of every trip; those that find no land ahead in some tries stay where they are."""
    gone_km = np.exp(rng.normal(0.5, 0.8, len(here)))
    heading = heading + rng.normal(0.0, 25.0, len(here))
    there, stuck = here.copy(), np.ones(len(here), dtype=np.bool_)
    for _ in range(_TRIES):
        tried = destination(here, heading, gone_km)
        arrived = stuck & is_inside(tried, country)
        there[arrived] = tried[arrived]
        stuck &= ~arrived
        heading = np.where(stuck, rng.uniform(0.0, 360.0, len(here)), heading)
    return there, heading
