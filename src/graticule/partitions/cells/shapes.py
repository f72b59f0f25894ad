"""Polygons of the flat (longitude, latitude) map: their areas on the sphere, and rings to draw them with."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.config import EARTH_RADIUS_KM
from graticule.geo.geojson import latlon_of_position

Array = NDArray[np.float64]

_WIDEST_RING_DEG: Final = 120.0
_EDGE_DEG: Final = (
    1.0  # rings to draw have corners at most this far apart: viewers join them by great circles
)


def areas_only(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a geometry, without the points and lines that cutting leaves.

    Example:
        >>> areas_only(shapely.GeometryCollection([shapely.Point(0, 0), shapely.box(0, 0, 1, 1)])).geom_type
        'Polygon'
    """
    if geometry.geom_type == "Polygon":
        return geometry
    parts = shapely.get_parts(shapely.get_parts(geometry))
    polygons = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]
    return polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)


def polygon_areas_km2(polygons: NDArray[np.object_]) -> Array:
    """Area on the sphere of polygons of the (longitude, latitude) plane with straight edges, in km2.

    Source:
        R^2 times the integral of sin(latitude) along the outline, exact for edges straight on the map.

    Example:
        >>> earth = polygon_areas_km2(np.array([shapely.box(-180, -90, 180, 90)], dtype=object))
        >>> round(float(earth[0]) / 1e6, 1)
        510.1
    """
    whole = np.asarray(polygons, dtype=object)
    parts, of_polygon = shapely.get_parts(whole, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    hole = np.diff(of_part, prepend=-1) == 0
    lonlat, ring = shapely.get_coordinates(rings, return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    start, end = np.radians(lonlat[edge]), np.radians(lonlat[edge + 1])
    half_sum, half_step = (start[:, 1] + end[:, 1]) / 2, (end[:, 1] - start[:, 1]) / 2
    # Mean of the sine over an edge: sin(middle) * sin(h) / h.
    mean_sine = np.sin(half_sum) * np.sinc(half_step / np.pi)
    area = np.abs(np.bincount(ring[edge], mean_sine * (end[:, 0] - start[:, 0]), len(rings)))
    area[hole] *= -1
    total = np.bincount(of_polygon[of_part], area, len(whole)).astype(np.float64)
    return EARTH_RADIUS_KM**2 * total


def solid_rings(shape: shapely.Geometry) -> list[Array]:
    """Rings without holes that together cover a polygon, for viewers that know no holes.

    Convention:
        - rings (n, 2) are (latitude, longitude) in **degrees**, counter-clockwise, not closed
        - no ring is wider than 120 degrees, so none bounds half the Earth

    Example:
        >>> frame = shapely.box(0, 0, 9, 9) - shapely.box(3, 3, 6, 6)
        >>> [len(ring) > 3 for ring in solid_rings(frame)]
        [True, True]
    """
    rings = []
    todo = shapely.get_parts(shape).tolist()
    while todo:
        piece = todo.pop()
        west, south, east, north = piece.bounds
        if not piece.interiors and east - west <= _WIDEST_RING_DEG:
            ring = shapely.get_coordinates(shapely.segmentize(piece.exterior, _EDGE_DEG))[:-1]
            rings.append(latlon_of_position(ring if piece.exterior.is_ccw else ring[::-1]))
            continue
        if piece.interiors:
            x = shapely.Polygon(piece.interiors[0]).representative_point().x
        else:
            x = (west + east) / 2
        for half in (shapely.box(west, south, x, north), shapely.box(x, south, east, north)):
            todo += shapely.get_parts(areas_only(shapely.intersection(piece, half))).tolist()
    return rings


def largest_ring(shape: shapely.Geometry) -> Array:
    """Of the ``solid_rings`` the one with most ground.

    Example:
        >>> two = shapely.union_all([shapely.box(0, 0, 1, 1), shapely.box(2, 0, 5, 1)])
        >>> float(largest_ring(two)[:, 1].min())
        2.0
    """
    rings = solid_rings(shape)
    areas = polygon_areas_km2(np.array([shapely.polygons(ring[:, ::-1]) for ring in rings], dtype=object))
    return rings[int(areas.argmax())]
