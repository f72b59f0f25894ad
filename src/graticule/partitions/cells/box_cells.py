"""Cells between two parallels and two meridians: those of the k-d tree and of the quadtree.

A box holds its southern and western edges. Parallels are not geodesics, so outlines get a vertex at least
every degree along them; meridians are, and need none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from graticule.config import EARTH_RADIUS_KM
from graticule.partitions.cells.blocks import in_blocks
from graticule.partitions.cells.box_search import EAST, NORTH, SOUTH, WEST, BoxSearch

Array = NDArray[np.float64]

WORLD: Final = (-90.0, -180.0, 90.0, 180.0)
"""South, west, north, east of the whole Earth, in degrees."""

EDGE_COLUMNS: Final = ("south", "west", "north", "east")
"""Columns of a tree just built; a file has the edges in its geometry."""

LETTERS: Final = str.maketrans({"0": "sw", "1": "se", "2": "nw", "3": "ne"})
"""From the digits of a quadtree's token to the letters of ``BoxSearch``."""

STEP_DEG: Final = 1.0
"""Longest way along a parallel between two vertices: a geodesic leaves it by at most 120 m on the way."""

PART_DEG: Final = 90.0
"""Wider boxes are drawn in parts, as a ring around the Earth has no inside of its own."""

_PLACES_AT_ONCE: Final = 1 << 16  # coordinates and nodes of a chunk stay in the processor's cache


class BoxCells:
    """Cells between parallels and meridians.

    Convention:
        - ``boxes``: (K, 4) south, west, north, east in **degrees**, within [-90, 90] and [-180, 180]
        - ``ways``: how cutting led to each, see ``BoxSearch``; ``encode`` needs disjoint boxes in that order
        - ``whole_earth``: the boxes cover the Earth, so a pole and the antimeridian are one place each
          (taken at longitude 0 and -180); else coordinates count as they are

    Example:
        >>> west_and_east = BoxCells(np.array([[-90, -180, 90, 0], [-90, 0, 90, 180.0]]), ["w", "e"])
        >>> west_and_east.encode([[52, 13], [40, -74]]).tolist()
        [1, 0]
        >>> west_and_east.areas_km2().round().tolist()
        [255032940.0, 255032940.0]
    """

    spherical = False

    def __init__(self, boxes: Array, ways: Sequence[str], *, whole_earth: bool = False) -> None:
        self.boxes = np.asarray(boxes, dtype=np.float64)
        self._ways = ways
        self._whole_earth = whole_earth

    @cached_property
    def _search(self) -> BoxSearch:
        return BoxSearch(self.boxes, self._ways)

    def encode(self, latlon: ArrayLike) -> NDArray[np.int64]:
        """Cell of each place (..., 2) in degrees; -1 where none covers it.

        Raises:
            CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        """
        return in_blocks(latlon, self._find, at_once=_PLACES_AT_ONCE)

    def _find(self, places: Array) -> NDArray[np.int64]:
        latitude, longitude = on_map(places, whole_earth=self._whole_earth)
        cells = self._search.find(latitude, longitude)
        if not self._whole_earth:
            again = np.flatnonzero((cells < 0) & (np.abs(longitude) == 180.0))
            if len(again):  # one meridian of two names
                cells[again] = self._search.find(latitude[again], -longitude[again])
        return cells

    def rings(self) -> list[Array]:
        """One ring (n, 2) for each cell in degrees, counter-clockwise, not closed.

        A box once around the Earth away from the poles gets a ring with a seam along its western edge; the
        whole Earth has no ring, and gets its seam alone.
        """
        return [_ring(box) for box in self.boxes.tolist()]

    def parts(self) -> tuple[list[Array], NDArray[np.int64]]:
        """Rings of at most a quarter of the Earth, and the cell of each: wide boxes are cut by meridians."""
        width = self.boxes[:, EAST] - self.boxes[:, WEST]
        pieces = np.maximum(1, np.ceil(width / PART_DEG)).astype(np.int64)
        owner = np.repeat(np.arange(len(pieces)), pieces)
        number = np.arange(len(owner)) - (np.cumsum(pieces) - pieces)[owner]
        boxes = self.boxes[owner]
        share, west = width[owner] / pieces[owner], boxes[:, WEST].copy()
        boxes[:, WEST] = west + number * share
        boxes[:, EAST] = np.where(number + 1 < pieces[owner], west + (number + 1) * share, boxes[:, EAST])
        return [_ring(box) for box in boxes.tolist()], owner

    def outlines(self) -> list[bytes]:
        """The boxes on the map as well-known binary: their corners exactly, a pole as an edge of the map."""
        import shapely

        from graticule.geo.geojson import position

        corners = [_outline(box) for box in self.boxes.tolist()]
        owner = np.repeat(np.arange(len(corners)), [len(each) for each in corners])
        rings = shapely.linearrings(position(np.concatenate(corners)), indices=owner)
        blobs: list[bytes] = shapely.to_wkb(shapely.polygons(rings), byte_order=1).tolist()
        return blobs

    def areas_km2(self) -> Array:
        """Area (K,) of each cell on the sphere in km2: the zone between the parallels, its share of 360."""
        south, north = np.radians(self.boxes[:, SOUTH]), np.radians(self.boxes[:, NORTH])
        height = 2.0 * np.cos((south + north) / 2) * np.sin((north - south) / 2)  # difference of the sines
        width = np.radians(self.boxes[:, EAST] - self.boxes[:, WEST])
        area: Array = EARTH_RADIUS_KM**2 * width * height
        return area

    def identity(self) -> bytes:
        """The edges and the ways to them."""
        return self.boxes.astype("<f8").tobytes() + hashlib.sha256("\n".join(self._ways).encode()).digest()


def on_map(places: Array, *, whole_earth: bool) -> tuple[Array, Array]:
    """Latitudes and longitudes of places (N, 2) on the map, longitudes in [-180, 180].

    Convention:
        - ``whole_earth``: longitude 180 becomes -180, and that of a pole 0
    """
    latitude, longitude = places[:, 0], places[:, 1]
    beyond = (longitude < -180.0) | (longitude > 180.0)
    if beyond.any():  # only there, as the turn rounds
        longitude = np.where(beyond, (longitude + 180.0) % 360.0 - 180.0, longitude)
    if whole_earth:
        longitude = np.where(longitude == 180.0, -180.0, longitude)
        longitude = np.where(np.abs(latitude) == 90.0, 0.0, longitude)
    return latitude, longitude


def edges_of(nodes: pl.DataFrame) -> Array:
    """The boxes (n, 4) of nodes of a tree just built, or of a file, where they bound the geometry."""
    if EDGE_COLUMNS[0] in nodes.columns:
        return nodes.select(EDGE_COLUMNS).to_numpy()
    import shapely

    west_south_east_north = shapely.bounds(shapely.from_wkb(nodes["geometry"].to_numpy()))
    return np.ascontiguousarray(west_south_east_north[:, [1, 0, 3, 2]])


def _along(latitude: float, start: float, end: float) -> list[tuple[float, float]]:
    """Places along a parallel, both ends exactly."""
    steps = max(1, int(np.ceil(abs(end - start) / STEP_DEG)))
    inner = [(latitude, start + (end - start) * step / steps) for step in range(1, steps)]
    return [(latitude, start), *inner, (latitude, end)]


def _outline(box: Sequence[float]) -> Array:
    """The closed outline of a box on the map, counter-clockwise."""
    south, west, north, east = box
    return np.array([*_along(south, west, east), *_along(north, east, west), (south, west)])


def _ring(box: Sequence[float]) -> Array:
    """The outline of a box on the sphere, where a pole is one place and -180 and 180 are one meridian."""
    south, west, north, east = box
    around = east - west >= 360.0
    if around and (south == -90.0) != (north == 90.0):  # a cap
        return np.array(_along(south, west, east)[:-1] if north == 90.0 else _along(north, east, west)[:-1])
    below = [(south, 0.0)] if south == -90.0 else _along(south, west, east)
    above = [(north, 0.0)] if north == 90.0 else _along(north, east, west)
    # From pole to pole every meridian is the shortest way: a vertex half way says which is meant.
    half = [(south + north) / 2] if north - south > 90.0 else []
    return np.array([*below, *((at, east) for at in half), *above, *((at, west) for at in half)])
