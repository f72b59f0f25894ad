"""Which of some polygons a place lies in, or, a little off all of them, which is nearest: millions at a time.

Polygons are those of maps: straight edges in the (longitude, latitude) plane, cut at the antimeridian.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from graticule.geo.geojson import latlon_of_position, position
from graticule.geo.sphere import check_latlon, unit_vectors
from graticule.geo.towns import chord_of_km

Array = NDArray[np.float64]

_CHUNK: Final = 1 << 18  # places looked up at a time
_OFF_CHUNK: Final = 1 << 13  # places off all polygons, each of which meets dozens of pieces of outline
_PIECE_DEG: Final = 0.1  # outlines are measured to in pieces of at most this length


class Locator:
    """Finds the polygon of each place.

    Convention:
        - ``polygons``: (P,) valid Polygons or MultiPolygons, longitude in [-180, 180], **degrees**
        - ``reach_km``: (P,) a place off all polygons belongs to the nearest when it is at most this far from
          it, in **km** on the sphere
        - a place on a common border, or in several polygons, belongs to the first

    Example:
        >>> squares = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
        >>> locator = Locator(squares, np.full(2, 25.0))
        >>> locator.locate([[0.5, 0.5], [0.5, 1.0], [0.5, 2.2], [0.5, 2.3]]).tolist()
        [0, 0, 1, -1]
    """

    def __init__(self, polygons: ArrayLike, reach_km: Array) -> None:
        whole = np.asarray(polygons, dtype=object)
        self.reach_km = np.asarray(reach_km, dtype=np.float64)
        self._parts, self._owner = shapely.get_parts(whole, return_index=True)

    def locate(self, latlon: ArrayLike) -> NDArray[np.int64]:
        """Index of the polygon of each place (..., 2) in degrees; -1 where none is near enough.

        Raises:
            CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        """
        places = check_latlon(latlon)
        flat = places.reshape(-1, 2)
        found = self.inside(flat)
        off = np.flatnonzero(found < 0)
        if len(off) and len(self._parts) and (self.reach_km > 0).any():
            for start in range(0, len(off), _OFF_CHUNK):
                some = off[start : start + _OFF_CHUNK]
                found[some] = self._nearest(unit_vectors(flat[some]))
        return found.reshape(places.shape[:-1])

    def inside(self, flat: Array) -> NDArray[np.int64]:
        """Index of the polygon around each place (N, 2) in degrees; -1 off all of them."""
        found = np.full(len(flat), -1, dtype=np.int64)
        for start in range(0, len(flat), _CHUNK):
            found[start : start + _CHUNK] = self._inside(flat[start : start + _CHUNK])
        return found

    @cached_property
    def _index(self) -> shapely.STRtree:
        shapely.prepare(self._parts)
        return shapely.STRtree(self._parts)

    def _inside(self, flat: Array) -> NDArray[np.int64]:
        lonlat = position(flat)
        x, y = lonlat[:, 0] - 360 * np.rint(lonlat[:, 0] / 360), lonlat[:, 1]
        found = np.full(len(flat), len(self.reach_km), dtype=np.int64)
        self._mark(found, np.arange(len(flat)), x, y)
        edge = np.flatnonzero(np.abs(x) == 180)  # the antimeridian has two sides on the map
        self._mark(found, edge, -x[edge], y[edge])
        found[found == len(self.reach_km)] = -1
        return found

    def _mark(self, found: NDArray[np.int64], rows: NDArray[np.intp], x: Array, y: Array) -> None:
        """Lower ``found`` of each place to the first polygon around it."""
        place, part = self._index.query(shapely.points(x, y))
        order = np.argsort(part, kind="stable")  # a polygon's places one after the other: it stays in cache
        place, part = place[order], part[order]
        hit = shapely.intersects_xy(self._parts[part], x[place], y[place])
        np.minimum.at(found, rows[place[hit]], self._owner[part[hit]])

    @cached_property
    def _pieces(self) -> tuple[Any, Array, NDArray[np.intp], float]:
        """A tree of the middles of short pieces of all outlines, their ends, owners, and longest half."""
        from scipy.spatial import cKDTree

        lines, of_part = shapely.get_parts(shapely.boundary(self._parts), return_index=True)
        corners, line = shapely.get_coordinates(shapely.segmentize(lines, _PIECE_DEG), return_index=True)
        vectors = unit_vectors(latlon_of_position(corners))
        first = np.flatnonzero(line[1:] == line[:-1])
        ends = np.stack([vectors[first], vectors[first + 1]], axis=1)
        # Edges along a pole have no length on the sphere.
        long = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) > 1e-12
        ends, first = ends[long], first[long]
        middles = ends.mean(axis=1)
        middles /= np.linalg.norm(middles, axis=1, keepdims=True)
        half = float(np.linalg.norm(ends[:, 0] - middles, axis=1).max(initial=0.0))
        owner = self._owner[of_part[line[first]]]
        return cKDTree(middles), ends, owner, half

    def _nearest(self, vectors: Array) -> NDArray[np.int64]:
        """The polygon with the nearest outline, if it is within its reach of the place (N, 3)."""
        tree, ends, owner, half = self._pieces
        limit = chord_of_km(float(self.reach_km.max())) + half
        chord, _ = tree.query(vectors, distance_upper_bound=limit)
        found = np.full(len(vectors), -1, dtype=np.int64)
        near = np.flatnonzero(np.isfinite(chord))
        if not len(near):
            return found
        # The nearest point of an outline lies at most half a piece from that piece's middle.
        lists = tree.query_ball_point(vectors[near], chord[near] + half * (1 + 1e-9) + 1e-12)
        place = np.repeat(np.arange(len(near)), [len(each) for each in lists])
        piece = np.concatenate([np.asarray(each, dtype=np.intp) for each in lists])
        away = _chord_to_pieces(vectors[near[place]], ends[piece])
        order = np.lexsort((owner[piece], away, place))
        first = order[np.unique(place[order], return_index=True)[1]]
        limits = np.array([chord_of_km(km) for km in self.reach_km.tolist()])
        found[near] = np.where(away[first] <= limits[owner[piece[first]]], owner[piece[first]], -1)
        return found


def _chord_to_pieces(vectors: Array, ends: Array) -> Array:
    """Straight-line distance from unit vectors (Q, 3) to short great-circle pieces (Q, 2, 3)."""
    along = ends[:, 1] - ends[:, 0]
    share = np.einsum("qi,qi->q", vectors - ends[:, 0], along) / np.einsum("qi,qi->q", along, along)
    foot = ends[:, 0] + np.clip(share, 0, 1)[:, None] * along
    foot /= np.linalg.norm(foot, axis=1, keepdims=True)
    chord: Array = np.linalg.norm(vectors - foot, axis=1)
    return chord
