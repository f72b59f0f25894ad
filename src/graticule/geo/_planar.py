"""From rings on the sphere to polygons of the flat map; ``geojson`` is the front of it.

Many rings are handled at once, their vertices laid end to end, ``owner`` telling the ring of each vertex
(0..R-1, ascending). Latitude and longitude stay in columns of their own; where shapely wants x and y,
longitude is x.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.polygon import orient

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import CoordinateError
from graticule.geo.sphere import latlon_of, unit_vectors

Array = NDArray[np.float64]

_SAME_DEG: Final = 1e-9  # 0.1 mm: a vertex this near to a pole or to the antimeridian lies on it


def polygons_of(latlon: Array, owner: NDArray[np.intp]) -> NDArray[np.object_]:
    """One valid polygon of the map for each ring, edges taken as straight lines of the map.

    Convention:
        - the result, shape ``(R,)``, holds Polygons and MultiPolygons as ``geojson.planar_polygons``
    """
    longitude, winding_deg = _unwrap(latlon, owner)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    polygons = np.empty(len(starts), dtype=object)
    # Most rings lie in one piece of the map and become polygons all at once; the others one by one.
    easy = (winding_deg == 0) & (np.maximum.reduceat(longitude, starts) <= 180)
    easy &= np.minimum.reduceat(longitude, starts) >= -180
    easy &= np.maximum.reduceat(np.abs(latlon[:, 0]), starts) < 90 - _SAME_DEG
    polygons[easy] = _polygons_at_once(latlon[:, 0], longitude, owner, easy)
    for index in np.flatnonzero(~easy):
        mine = slice(starts[index], starts[index + 1] if index + 1 < len(starts) else None)
        polygons[index] = _polygon_on_the_edge(latlon[mine, 0], longitude[mine], winding_deg[index])
    return polygons


def halve_edges(
    latlon: Array, owner: NDArray[np.intp], max_km: float, max_turn_deg: float
) -> tuple[Array, NDArray[np.intp]]:
    """Halve the geodesic edges of rings until none is too long or turns too far.

    An edge through a pole gets vertices on the pole itself: halving stops at 0.1 mm, inside ``_SAME_DEG``.
    """
    vectors = unit_vectors(latlon)
    while True:
        after = _next_in_ring(owner)
        length_km = (
            2
            * EARTH_RADIUS_KM
            * np.arcsin(np.clip(np.linalg.norm(vectors[after] - vectors, axis=1) / 2, 0, 1))
        )
        polar = np.abs(latlon[:, 0]) >= 90 - _SAME_DEG
        turn_deg = np.abs((latlon[after, 1] - latlon[:, 1] + 180) % 360 - 180)
        turns = (turn_deg > max_turn_deg) & ~polar & ~polar[after] & (length_km > 1e-7)
        at = np.flatnonzero((length_km > max_km) | turns)
        if not len(at):
            return latlon, owner
        middle = vectors[at] + vectors[after[at]]
        size = np.linalg.norm(middle, axis=1, keepdims=True)
        if (size < 1e-9).any():
            raise CoordinateError(
                "An edge joins two places opposite each other on Earth, and many paths between them are the "
                "shortest.\nAdd a corner on the way."
            )
        middle /= size
        vectors = np.insert(vectors, at + 1, middle, axis=0)
        latlon = np.insert(latlon, at + 1, latlon_of(middle), axis=0)
        owner = np.insert(owner, at + 1, owner[at])


def _next_in_ring(owner: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each vertex of rings laid end to end the index of the next one of its ring."""
    after = np.arange(1, len(owner) + 1)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    after[np.append(starts[1:], len(owner)) - 1] = starts
    return after


def _unwrap(latlon: Array, owner: NDArray[np.intp]) -> tuple[Array, Array]:
    """Longitudes without jumps inside a ring, around a mean in [-180, 180]; and the turn when it closes.

    Convention:
        - ``winding_deg``, one per ring, is 0, or 360 for a ring eastward around the axis, or -360
    """
    longitude = latlon[:, 1]
    longitude = longitude - 360 * np.rint(longitude / 360)
    after = _next_in_ring(owner)
    step = longitude[after] - longitude
    turns = (step < -180).astype(np.int64) - (step > 180)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    passed = np.cumsum(turns) - turns  # before each vertex, over all rings so far
    unwrapped = longitude + 360.0 * (passed - np.repeat(passed[starts], np.diff(starts, append=len(owner))))
    middle = np.add.reduceat(unwrapped, starts) / np.diff(starts, append=len(owner))
    unwrapped = unwrapped - 360 * np.repeat(np.rint(middle / 360), np.diff(starts, append=len(owner)))
    return _snap(unwrapped), 360.0 * np.add.reduceat(turns, starts)


def _snap(longitude: Array) -> Array:
    """What lies within 0.1 mm of the antimeridian lies on it: no slivers when the map is cut there."""
    edge = 360 * np.floor(longitude / 360) + 180
    return np.where(np.abs(longitude - edge) < _SAME_DEG, edge, longitude)


def _polygons_at_once(
    latitude: Array, longitude: Array, owner: NDArray[np.intp], wanted: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """The polygons of those rings that need neither cutting nor a pole."""
    mine = wanted[owner]
    number = (np.cumsum(wanted) - 1)[owner[mine]]
    closed = shapely.linearrings(longitude[mine], latitude[mine], indices=number)
    clockwise = ~shapely.is_ccw(closed)
    closed[clockwise] = shapely.reverse(closed[clockwise])
    polygons: NDArray[np.object_] = shapely.polygons(closed)
    for index in np.flatnonzero(~shapely.is_valid(polygons)):
        polygons[index] = _areas_only(shapely.make_valid(polygons[index]))
    return polygons


def _polygon_on_the_edge(latitude: Array, longitude: Array, winding_deg: float) -> shapely.Geometry:
    """The polygon of one ring that touches or encloses a pole, or crosses the antimeridian."""
    polar = np.abs(latitude) >= 90 - _SAME_DEG
    if polar.any():
        latitude, longitude = _lead_along_pole(latitude, longitude, polar)
    elif winding_deg:
        latitude, longitude = _close_over_pole(latitude, longitude, winding_deg)
    whole = shapely.polygons(shapely.linearrings(longitude, latitude))
    if not shapely.is_valid(whole):
        whole = shapely.make_valid(whole)
    worlds = 360 * np.arange(np.floor((longitude.min() + 180) / 360), np.ceil((longitude.max() + 180) / 360))
    pieces = shapely.intersection(whole, shapely.box(worlds - 180, -90, worlds + 180, 90))
    moved = [
        shapely.transform(piece, lambda xy, by=west: xy - [by, 0])
        for piece, west in zip(pieces, worlds, strict=True)
    ]
    return _areas_only(shapely.union_all(moved))


def _lead_along_pole(latitude: Array, longitude: Array, polar: NDArray[np.bool_]) -> tuple[Array, Array]:
    """A pole is a whole edge of the map: each vertex there becomes two, above its neighbours' meridians.

    The ring is turned so that it starts at a pole; its closing edge then runs along the edge of the map and
    no longitude has to be guessed.
    """
    first = int(np.argmax(polar & ~np.roll(polar, 1)))
    latitude, longitude = np.roll(latitude, -first), np.roll(longitude, -first)
    polar = np.roll(polar, -first)
    sides: list[tuple[float, float]] = []
    here = longitude[np.argmax(~polar)]
    for at, (y, x) in enumerate(zip(latitude, longitude, strict=True)):
        if polar[at]:
            if at:
                sides.append((np.copysign(90, y), here))
            follower = longitude[(at + 1) % len(longitude)] if not polar[(at + 1) % len(polar)] else here
            here += (follower - here + 180) % 360 - 180
            sides.append((np.copysign(90, y), here))
        else:
            here += (x - here + 180) % 360 - 180
            sides.append((y, here))
    sides.append((sides[0][0], here))
    led = np.asarray(sides)
    return led[:, 0], _snap(led[:, 1])


def _close_over_pole(latitude: Array, longitude: Array, winding_deg: float) -> tuple[Array, Array]:
    """A ring around the axis, three times over (no seam inside the map), closed along the nearer pole."""
    # Share of the sphere north of the ring: the mean of (1 - sin(latitude)) / 2 over longitude.
    width = np.diff(np.append(longitude, longitude[0] + winding_deg)) / winding_deg
    height = np.sin(np.radians(latitude))
    mean_sine = float(np.sum(width * (height + np.roll(height, -1)) / 2))
    pole = 90.0 if mean_sine >= 0 else -90.0
    turns = np.concatenate([longitude + winding_deg * turn for turn in (-1, 0, 1)])
    ends = longitude[0] + winding_deg * np.asarray([2.0, 2.0, -1.0])
    return np.concatenate([np.tile(latitude, 3), [latitude[0], pole, pole]]), np.concatenate([turns, ends])


def _areas_only(geometry: shapely.Geometry) -> shapely.Geometry:
    """The geometry without the points and lines that cutting leaves, outer rings counter-clockwise."""
    parts = [orient(each) for each in shapely.get_parts(shapely.get_parts(geometry)) if each.area > 0]
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
