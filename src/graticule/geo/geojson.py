"""From places on the sphere to the flat (longitude, latitude) plane that GeoJSON, WKB and shapely live in.

Everywhere else in graticule the order is (latitude, longitude). ``position`` is the one place that turns it
around, ``latlon_of_position`` the one that turns it back. Cells have geodesic edges, files straight ones: so
edges get extra vertices, a polygon across the antimeridian is cut in two, and one around a pole is led
along the edge of the map, as RFC 7946 asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from graticule.errors import CoordinateError
from graticule.geo._planar import halve_edges, polygons_of
from graticule.geo.sphere import check_latlon

Array = NDArray[np.float64]

MAX_EDGE_KM: Final = 200.0
"""Geodesic edges are cut into pieces of at most this length, in km."""

MAX_TURN_DEG: Final = 5.0
"""... and that turn about the Earth's axis by at most this, in degrees: near a pole 200 km is far."""

_DECIMALS: Final = 9  # 0.1 mm, so that even S2 cells of level 30 (8 mm) keep their shape


def position(latlon: ArrayLike) -> Array:
    """GeoJSON's order of coordinates; the one place in graticule where longitude stands first.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(..., 2)``
        - the result is (longitude, latitude) in **degrees**, same shape

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.

    Source:
        RFC 7946, section 3.1.1.

    Example:
        >>> position([39.9, 116.4]).tolist()
        [116.4, 39.9]
    """
    return check_latlon(latlon)[..., ::-1]


def latlon_of_position(positions: ArrayLike) -> Array:
    """The inverse of ``position``, for what is read from GeoJSON, TopoJSON or shapely.

    Convention:
        - ``positions`` are (longitude, latitude) in **degrees**, shape ``(..., 2)``
        - the result is (latitude, longitude) in **degrees**, same shape

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.

    Example:
        >>> latlon_of_position([116.4, 39.9]).tolist()
        [39.9, 116.4]
    """
    return check_latlon(np.asarray(positions, dtype=np.float64)[..., ::-1])


def ring(latlon: ArrayLike) -> list[list[float]]:
    """A closed ring of positions as JSON holds it; edges as they are, without extra vertices.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(n, 2)``, closed or not
        - the result is n or n + 1 pairs [longitude, latitude], the last equal to the first

    Raises:
        CoordinateError: fewer than three different corners, or a place that is not on Earth.

    Example:
        >>> ring([[0, 0], [0, 1], [1, 1]])
        [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    """
    corners = _open_ring(latlon)
    closed: list[list[float]] = position(np.concatenate([corners, corners[:1]])).round(_DECIMALS).tolist()
    return closed


def densify(ring: ArrayLike, max_km: float = MAX_EDGE_KM, *, max_turn_deg: float = MAX_TURN_DEG) -> Array:
    """The ring with vertices added along its great-circle edges, so that straight lines on a map come near.

    Convention:
        - ``ring`` is (latitude, longitude) in **degrees**, shape ``(n, 2)``; its edges are geodesic, the
          last corner is joined to the first
        - the result, shape ``(m, 2)``, m >= n, is open, holds all corners of ``ring`` in their order, and no
          edge is longer than ``max_km``, in **km**, or turns about the axis by more than ``max_turn_deg``

    Raises:
        CoordinateError: fewer than three different corners, an edge between antipodes (many paths are the
            shortest), or a place that is not on Earth.

    Example:
        >>> densify([[0, 0], [0, 2], [1, 1]]).round(3).tolist()
        [[0.0, 0.0], [0.0, 1.0], [0.0, 2.0], [1.0, 1.0]]
    """
    corners = _open_ring(ring)
    dense, _ = halve_edges(corners, np.zeros(len(corners), dtype=np.intp), max_km, max_turn_deg)
    return dense


def planar_polygons(rings: Iterable[ArrayLike], *, max_km: float | None = MAX_EDGE_KM) -> NDArray[np.object_]:
    """Shapely polygons of the (longitude, latitude) plane that cover what the rings enclose on the sphere.

    Convention:
        - each of the ``rings`` is (latitude, longitude) in **degrees**, shape ``(n, 2)``, either way round
        - edges are geodesic and densified as ``densify`` does; with ``max_km=None`` they are straight lines
          of the map already, as in files of outlines
        - a ring around the axis encloses the pole on its smaller side
        - the result is an array of valid Polygons, or MultiPolygons where the antimeridian cuts; longitudes
          lie in [-180, 180], outer rings run counter-clockwise

    Raises:
        CoordinateError: as ``densify``.

    Example:
        >>> planar_polygons([[[0, 179], [0, -179], [1, 180]]])[0].geom_type
        'MultiPolygon'
    """
    corners = [_open_ring(each) for each in rings]
    if not corners:
        return np.empty(0, dtype=object)
    owner = np.repeat(np.arange(len(corners)), [len(each) for each in corners])
    latlon = np.concatenate(corners)
    if max_km is not None:
        latlon, owner = halve_edges(latlon, owner, max_km, MAX_TURN_DEG)
    return polygons_of(latlon, owner)


def polygon_geometry(latlon_ring: ArrayLike, *, max_km: float = MAX_EDGE_KM) -> dict[str, Any]:
    """The GeoJSON geometry of one ring with geodesic edges: a Polygon, or a MultiPolygon where it is cut.

    Convention:
        - as ``planar_polygons``; coordinates are rounded to 9 decimals, 0.1 mm

    Raises:
        CoordinateError: as ``densify``.

    Example:
        >>> polygon_geometry([[0, 0], [0, 1], [1, 1]])["coordinates"]
        [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]
    """
    polygon = planar_polygons([latlon_ring], max_km=max_km)[0]
    geometry: dict[str, Any] = json.loads(shapely.to_geojson(polygon))
    geometry["coordinates"] = _rounded(geometry["coordinates"])
    return geometry


def point_geometry(latlon: ArrayLike) -> dict[str, Any]:
    """The GeoJSON geometry of one place.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(2,)``

    Raises:
        CoordinateError: the latitude lies outside [-90, 90], or a value is not finite.

    Example:
        >>> point_geometry([39.9, 116.4])
        {'type': 'Point', 'coordinates': [116.4, 39.9]}
    """
    return {"type": "Point", "coordinates": position(latlon).round(_DECIMALS).tolist()}


def feature(
    geometry: Mapping[str, Any] | None, properties: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One GeoJSON Feature; ``geometry`` None says that the place is not known.

    Example:
        >>> feature(None, {"name": "x.jpg"})
        {'type': 'Feature', 'geometry': None, 'properties': {'name': 'x.jpg'}}
    """
    return {
        "type": "Feature",
        "geometry": None if geometry is None else dict(geometry),
        "properties": dict(properties or {}),
    }


def feature_collection(features: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A GeoJSON document of the features.

    Example:
        >>> feature_collection([])
        {'type': 'FeatureCollection', 'features': []}
    """
    return {"type": "FeatureCollection", "features": [dict(each) for each in features]}


def wkb_polygon(latlon_ring: ArrayLike, *, max_km: float = MAX_EDGE_KM) -> bytes:
    """Well-known binary of one ring with geodesic edges, as GeoParquet stores it.

    Convention:
        - as ``planar_polygons``, (longitude, latitude) inside the bytes

    Raises:
        CoordinateError: as ``densify``.

    Example:
        >>> shapely.from_wkb(wkb_polygon([[0, 0], [0, 1], [1, 1]]))
        <POLYGON ((0 0, 1 0, 1 1, 0 0))>
    """
    return wkb_polygons([latlon_ring], max_km=max_km)[0]


def wkb_polygons(latlon_rings: Iterable[ArrayLike], *, max_km: float = MAX_EDGE_KM) -> list[bytes]:
    """Well-known binary of many rings at once: hundreds of times faster than one by one.

    Convention:
        - as ``planar_polygons``, (longitude, latitude) inside the bytes

    Raises:
        CoordinateError: as ``densify``.

    Example:
        >>> len(wkb_polygons([[[0, 0], [0, 1], [1, 1]]] * 5))
        5
    """
    blobs: list[bytes] = shapely.to_wkb(planar_polygons(latlon_rings, max_km=max_km), byte_order=1).tolist()
    return blobs


def _open_ring(latlon: ArrayLike) -> Array:
    """The corners without repeated neighbours and without the closing one; (n, 2)."""
    corners = check_latlon(latlon)
    if corners.ndim == 2 and len(corners):
        corners = corners[(corners != np.roll(corners, -1, axis=0)).any(axis=1)]
    if corners.ndim != 2 or len(corners) < 3:
        raise CoordinateError(
            f"A ring needs at least three different corners, but {len(corners)} were given.\n"
            "Give an array of shape (n, 2): (latitude, longitude) in degrees for each corner."
        )
    return corners


def _rounded(coordinates: Sequence[Any]) -> list[Any]:
    if coordinates and isinstance(coordinates[0], (int, float)):
        return [round(value, _DECIMALS) for value in coordinates]
    return [_rounded(each) for each in coordinates]
