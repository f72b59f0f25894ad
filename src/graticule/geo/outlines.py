"""Which country a place lies in: the outlines of Natural Earth, 1:50 million, offline.

Codes are those of ISO 3166-1, so overseas parts such as Réunion have their own, Northern Cyprus counts as
Cyprus, Somaliland as Somalia, Crimea as Ukraine; ``_atlas`` holds the list.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from graticule.config import EARTH_RADIUS_KM
from graticule.geo._atlas import atlas
from graticule.geo.geojson import position
from graticule.geo.sphere import check_latlon, great_circle_km, unit_vectors
from graticule.geo.towns import km_of_chord, nearest_towns

Array = NDArray[np.float64]

NEAR_KM: Final = 25.0
"""A place off every outline belongs to the nearest one up to this far: 1:50m coasts are off by kilometres."""

TOWN_KM: Final = 50.0
"""... and else to the country of the nearest town up to this far: many islands are missing at 1:50m."""

_CHUNK: Final = 10_000  # places that look for their coast at once: some hundred thousand pairs

# Territories that the file lacks, or draws beside their place, as discs: (code, latitude, longitude, km).
_ISLETS: Final = (
    ("BV", -54.42, 3.36, 10.0),
    ("GI", 36.132, -5.346, 2.6),
    ("TV", -5.67, 176.12, 15.0),  # Nanumea
    ("TV", -6.29, 176.32, 10.0),  # Nanumanga
    ("TV", -6.11, 177.34, 10.0),  # Niutao
    ("TV", -7.24, 177.15, 15.0),  # Nui
    ("TV", -7.48, 178.67, 15.0),  # Vaitupu
    ("TV", -8.03, 178.31, 20.0),  # Nukufetau
    ("TV", -8.52, 179.13, 25.0),  # Funafuti
    ("TV", -9.37, 179.82, 15.0),  # Nukulaelae
    ("TV", -10.79, 179.48, 5.0),  # Niulakita
    ("UM", 28.21, -177.37, 15.0),  # Midway
    ("UM", 19.30, 166.63, 10.0),  # Wake
    ("UM", 16.73, -169.53, 10.0),  # Johnston
    ("UM", 5.88, -162.08, 15.0),  # Palmyra
    ("UM", 6.39, -162.41, 10.0),  # Kingman
    ("UM", 0.80, -176.62, 5.0),  # Howland
    ("UM", 0.19, -176.48, 5.0),  # Baker
    ("UM", -0.37, -159.99, 5.0),  # Jarvis
    ("UM", 18.40, -75.01, 5.0),  # Navassa
    ("VA", 41.903, 12.453, 0.45),  # drawn 2 km to the west
)


@dataclass(frozen=True, eq=False)
class Outlines:
    """Countries and their outlines.

    Convention:
        - ``codes`` are ISO 3166-1 alpha-2 codes (or XK), sorted, each once
        - ``polygons`` is an object array of shapely MultiPolygons of the plane, x longitude, y latitude, in
          **degrees** in [-180, 180] and [-90, 90]; cut at the antimeridian; straight edges, as Natural Earth
    """

    codes: tuple[str, ...]
    polygons: NDArray[np.object_]


@functools.cache
def country_outlines() -> Outlines:
    """The outlines of all countries that Natural Earth draws at 1:50 million; loaded once.

    Raises:
        GraticuleError: the file of outlines is missing or damaged.

    Source:
        Natural Earth 1:50m Admin 0, as packed in world-atlas 2.0.2.

    Example:
        >>> outlines = country_outlines()
        >>> china = outlines.polygons[outlines.codes.index("CN")]
        >>> bool(china.contains(shapely.Point(116.4, 39.9)))
        True
    """
    shapes = atlas()
    codes = tuple(sorted(set(shapes.codes)))
    polygons = np.empty(len(codes), dtype=object)
    for index, code in enumerate(codes):
        parts = shapes.polygons[shapes.codes == code]
        whole = shapely.union_all(parts) if code in shapes.joined else shapely.multipolygons(parts)
        polygons[index] = whole if whole.geom_type == "MultiPolygon" else shapely.multipolygons([whole])
    return Outlines(codes, polygons)


def country_of(
    latlon: ArrayLike, *, within_km: float = NEAR_KM, town_within_km: float = TOWN_KM
) -> NDArray[np.object_]:
    """The country of each place, or None on the high seas.

    A place inside an outline belongs to it. Off every outline it belongs to the nearest coast up to
    ``within_km`` away; failing that, to the country of the nearest town of the gazetteer up to
    ``town_within_km`` away (atolls that 1:50m leaves out). The gazetteer takes half a second to load, once,
    and only when a place gets that far; ``town_within_km=0`` never asks it.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(..., 2)``
        - distances are in **km** on the sphere
        - the result is an object array of ISO 3166-1 alpha-2 codes (or XK) and None, shape ``(...)``

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        GraticuleError: the file of outlines is missing or damaged.

    Example:
        >>> country_of([[39.9, 116.4], [-17.8, 178.0], [-90, 0], [0, -30]]).tolist()
        ['CN', 'FJ', 'AQ', None]
    """
    places = check_latlon(latlon)
    flat = places.reshape(-1, 2)
    codes = _inside(flat)
    for code, latitude, longitude, radius_km in _ISLETS:
        near = np.abs(flat[:, 0] - latitude) < 1
        near[near] = great_circle_km(flat[near], [latitude, longitude]) <= radius_km
        codes[near] = code
    left = np.flatnonzero(_unknown(codes))
    if len(left) and within_km > 0:
        codes[left] = _nearest_coast(flat[left], within_km)
        left = left[_unknown(codes[left])]
    if len(left) and town_within_km > 0:
        towns = nearest_towns(flat[left])
        near = towns.distance_km <= town_within_km
        codes[left[near]] = towns.country[near]
    return codes.reshape(places.shape[:-1])


def _unknown(codes: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.fromiter((code is None for code in codes), dtype=np.bool_, count=len(codes))


def _inside(flat: Array) -> NDArray[np.object_]:
    """The code of the polygon around each place (N, 2), or None."""
    shapes = atlas()
    codes = np.full(len(flat), None, dtype=object)
    lonlat = position(flat)
    x, y = lonlat[:, 0] - 360 * np.rint(lonlat[:, 0] / 360), lonlat[:, 1]
    point, polygon = shapes.tree.query(shapely.points(x, y))
    # Sorted from the last polygon to the first: on a common border the first one stays.
    order = np.argsort(-polygon, kind="stable")
    point, polygon = point[order], polygon[order]
    inside = shapely.intersects_xy(shapes.polygons[polygon], x[point], y[point])
    codes[point[inside]] = shapes.codes[polygon[inside]]
    return codes


def _nearest_coast(flat: Array, within_km: float) -> NDArray[np.object_]:
    """The code of the coast nearest to each place (N, 2) and at most ``within_km`` away, or None.

    Looks in boxes around the places that grow twofold, so that each meets few pieces of coast.
    """
    codes = np.full(len(flat), None, dtype=object)
    left = np.arange(len(flat))
    reach_km = min(NEAR_KM, within_km)
    while len(left):
        for some in np.array_split(left, 1 + int(len(left) * reach_km / (_CHUNK * NEAR_KM))):
            codes[some] = _nearest_coast_in_boxes(flat[some], reach_km)
        left = left[_unknown(codes[left])]
        if reach_km >= within_km:
            break
        reach_km = min(2 * reach_km, within_km)
    return codes


def _nearest_coast_in_boxes(flat: Array, reach_km: float) -> NDArray[np.object_]:
    shapes = atlas()
    tree, piece_of_box = _coast_tree()
    boxes, place_of_box = _boxes_around(flat, reach_km)
    mine, found = tree.query(boxes)
    place, piece = place_of_box[mine], piece_of_box[found]
    distance_km = _km_to_pieces(unit_vectors(flat)[place], unit_vectors(shapes.coast)[piece])
    order = np.lexsort((piece, distance_km, place))
    order = order[distance_km[order] <= reach_km]
    first = order[np.unique(place[order], return_index=True)[1]]
    codes = np.full(len(flat), None, dtype=object)
    codes[place[first]] = shapes.coast_codes[piece[first]]
    return codes


def _km_to_pieces(vectors: Array, ends: Array) -> Array:
    """Distance in km from unit vectors (Q, 3) to short great-circle pieces between two of them (Q, 2, 3)."""
    along = ends[:, 1] - ends[:, 0]
    share = np.einsum("qi,qi->q", vectors - ends[:, 0], along) / np.einsum("qi,qi->q", along, along)
    foot = ends[:, 0] + np.clip(share, 0, 1)[:, None] * along
    foot /= np.linalg.norm(foot, axis=1, keepdims=True)
    return km_of_chord(np.linalg.norm(vectors - foot, axis=1))


def _boxes_around(flat: Array, reach_km: float) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Boxes of the map that hold all within reach of each place, and the place of each box.

    A box across the antimeridian stands twice, once at either edge of the map.
    """
    reach_deg = np.degrees(reach_km / EARTH_RADIUS_KM)
    south, north = flat[:, 0] - reach_deg, flat[:, 0] + reach_deg
    # Widest turn of a circle about the place: sin(turn) = sin(reach) / cos(latitude); all around past a pole.
    past_pole = np.abs(flat[:, 0]) + reach_deg >= 90
    cosine = np.cos(np.radians(np.where(past_pole, 0.0, flat[:, 0])))
    turn_deg = np.degrees(np.arcsin(np.minimum(np.sin(np.radians(reach_deg)) / cosine, 1.0)))
    turn_deg = np.where(past_pole, 180.0, turn_deg)
    middle = flat[:, 1] - 360 * np.rint(flat[:, 1] / 360)
    west, east = middle - turn_deg, middle + turn_deg
    place = np.arange(len(flat))
    again = (west < -180) | (east > 180)
    move = np.where(west < -180, 360.0, -360.0)[again]
    boxes = [
        shapely.box(west, south, east, north),
        shapely.box(west[again] + move, south[again], east[again] + move, north[again]),
    ]
    return np.concatenate(boxes), np.concatenate([place, place[again]])


@functools.cache
def _coast_tree() -> tuple[shapely.STRtree, NDArray[np.intp]]:
    """An index of the boxes around the pieces of coast, and the piece of each box; built when first asked."""
    coast = position(atlas().coast)
    low, high = coast.min(axis=1), coast.max(axis=1)
    across = high[:, 0] - low[:, 0] > 180  # over the antimeridian: a box at either edge of the map
    boxes = [
        shapely.box(
            np.where(across, high[:, 0], low[:, 0]), low[:, 1], np.where(across, 180, high[:, 0]), high[:, 1]
        ),
        shapely.box(-180, low[across, 1], low[across, 0], high[across, 1]),
    ]
    piece = np.arange(len(coast))
    return shapely.STRtree(np.concatenate(boxes)), np.concatenate([piece, piece[across]])
