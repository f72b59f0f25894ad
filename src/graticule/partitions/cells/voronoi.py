"""Ground divided among seeds: each place goes to the seed nearest to it on the sphere.

The border between two seeds is a great circle, and in the gnomonic projection a straight line; so a region
is a square around the ground, cut by one line per neighbour. All regions are cut at once, each by the rival
that is nearest to one of its corners, until every corner is nearest to its own seed.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.geo.geojson import latlon_of_position, planar_polygons
from graticule.geo.sphere import latlon_of, unit_vectors
from graticule.partitions.cells.shapes import areas_only

Array = NDArray[np.float64]

WIDEST_DEG: Final = 80.0
"""Ground that reaches further than this from its middle is divided in pieces: gnomonic maps end at 90."""

EDGE_KM: Final = 50.0
"""Borders are great circles with corners at most this far apart, in km: files join them straight."""

GRID_DEG: Final = 1e-8
"""Corners are rounded to this, 1 mm, where regions are united."""

_FIRST_NEIGHBOURS: Final = 7  # the seed itself and six around it
_ROUNDING: Final = 1e-15


class _Regions:
    """Convex polygons of the plane that are cut line by line: corners (M, V, 2), and how many are real."""

    def __init__(self, corners: Array, sizes: NDArray[np.intp]) -> None:
        self.corners, self.sizes = corners, sizes

    def cut(self, rows: NDArray[np.intp], lines: Array) -> None:
        """Of the polygons ``rows`` (A,) there stays u * a + v * b + c >= 0, (a, b, c) in ``lines`` (A, 3)."""
        corners, sizes = self.corners[rows], self.sizes[rows, None]
        slot = np.arange(corners.shape[1])
        real = slot < sizes
        side = np.einsum("avi,ai->av", corners, lines[:, :2]) + lines[:, 2:]
        after = np.where(slot + 1 < sizes, slot + 1, 0)
        next_side = np.take_along_axis(side, after, axis=1)
        next_corner = np.take_along_axis(corners, after[:, :, None], axis=1)
        keeps = real & (side >= 0)
        crosses = real & ((side >= 0) != (next_side >= 0))
        share = np.divide(side, side - next_side, out=np.zeros_like(side), where=crosses)[:, :, None]
        # Each corner gives itself, if it stays, and then the crossing on the edge behind it.
        both = np.stack([corners, corners + share * (next_corner - corners)], axis=2)
        both = both.reshape(len(rows), -1, 2)
        stays = np.stack([keeps, crosses], axis=2).reshape(len(rows), -1)
        order = np.argsort(~stays, axis=1, kind="stable")
        self.sizes[rows] = stays.sum(axis=1)
        width = int(self.sizes[rows].max(initial=0))
        if width > self.corners.shape[1]:
            more = np.zeros((len(self.corners), width - self.corners.shape[1], 2))
            self.corners = np.concatenate([self.corners, more], axis=1)
        self.corners[rows, :width] = np.take_along_axis(both, order[:, :width, None], axis=1)


def divide(ground: shapely.Geometry, seeds: Array, owners: NDArray[np.intp]) -> NDArray[np.object_]:
    """The part of ``ground`` that is nearest to the seeds of each owner.

    Convention:
        - ``ground``: a valid polygon or multipolygon of the (longitude, latitude) plane, degrees
        - ``seeds``: (M, 3) different unit vectors; ``owners``: (M,) 0..K-1, each at least once
        - the result: K polygons or multipolygons, empty where none of the ground is nearest; they cover the
          ground, and overlap by no more than rounding

    Example:
        >>> halves = divide(shapely.box(-10, -10, 10, 10), unit_vectors([[0, -5], [0, 5]]), np.array([0, 1]))
        >>> [tuple(round(bound, 6) for bound in half.bounds) for half in halves]
        [(-10.0, -10.0, 0.0, 10.0), (0.0, -10.0, 10.0, 10.0)]
    """
    count = int(owners.max()) + 1
    if len(seeds) == 1 or count == 1:
        return np.array([ground], dtype=object)
    shares = [_divide_piece(piece, *around, seeds, owners, count) for piece, around in _pieces(ground)]
    if len(shares) == 1:
        return shares[0]
    united: NDArray[np.object_] = shapely.union_all(np.stack(shares), axis=0, grid_size=GRID_DEG)
    return united


def _pieces(ground: shapely.Geometry) -> list[tuple[shapely.Geometry, tuple[Array, float]]]:
    """The ground in one piece or, when it is too wide, in boxes; with middle and radius (rad) of each."""
    around = _around(ground)
    if around[1] <= np.radians(WIDEST_DEG):
        return [(ground, around)]
    boxes = [shapely.box(x, y, x + 60, y + 60) for x in range(-180, 180, 60) for y in (-90, -30, 30)]
    pieces = [areas_only(piece) for piece in shapely.intersection(ground, boxes)]
    return [(piece, _around(piece)) for piece in pieces if not piece.is_empty]


def _around(ground: shapely.Geometry) -> tuple[Array, float]:
    """A direction in the middle of the ground, and the angle in rad that all of it lies within."""
    corners = shapely.get_coordinates(shapely.segmentize(ground, 5.0))
    vectors = unit_vectors(latlon_of_position(corners))
    middle = (vectors.min(axis=0) + vectors.max(axis=0)) / 2
    length = np.linalg.norm(middle)
    if length < 0.1:
        return np.array([1.0, 0.0, 0.0]), np.pi
    middle /= length
    return middle, float(np.arccos(np.clip((vectors @ middle).min(), -1, 1)))


def _divide_piece(
    ground: shapely.Geometry,
    middle: Array,
    radius_rad: float,
    seeds: Array,
    owners: NDArray[np.intp],
    count: int,
) -> NDArray[np.object_]:
    frame = _frame(middle)
    corners, sizes = _regions(seeds @ frame.T, radius_rad)
    some = np.flatnonzero(sizes >= 3)
    on_sphere = np.concatenate([corners, np.ones((*corners.shape[:2], 1))], axis=2) @ frame
    latlon = latlon_of(on_sphere)
    rings = [latlon[seed, : sizes[seed]] for seed in some]
    regions = planar_polygons(rings, max_km=EDGE_KM)
    shares = np.full(count, shapely.Polygon(), dtype=object)
    owner_of_region = owners[some]
    order = np.argsort(owner_of_region, kind="stable")
    present, starts = np.unique(owner_of_region[order], return_index=True)
    shapely.prepare(ground)
    for owner, mine in zip(present, np.split(regions[order], starts[1:]), strict=True):
        whole = mine[0] if len(mine) == 1 else shapely.union_all(mine, grid_size=GRID_DEG)
        inland = shapely.contains_properly(ground, whole)  # most regions of a large country; no cutting then
        shares[owner] = whole if inland else areas_only(shapely.intersection(ground, whole))
    return shares


def _frame(middle: Array) -> Array:
    """Rows: two directions along the ground and the middle itself, an orthonormal right-handed frame."""
    helper = np.eye(3)[np.argmin(np.abs(middle))]
    first = np.cross(helper, middle)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(middle, first), middle])


def _regions(seeds: Array, radius_rad: float) -> tuple[Array, NDArray[np.intp]]:
    """Corners (M, V, 2) of the region of each seed (M, 3) in the gnomonic plane, and how many they are.

    The region of a seed is { (u, v): (u, v, 1) . (seed - other) >= 0 for each other seed }, in a square.
    """
    from scipy.spatial import cKDTree

    half = np.tan(min(radius_rad + 0.01, np.radians(WIDEST_DEG + 1))) * 1.01
    square = half * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    regions = _Regions(np.tile(square, (len(seeds), 1, 1)), np.full(len(seeds), 4))
    tree = cKDTree(seeds)
    everyone = np.arange(len(seeds))
    neighbours = tree.query(seeds, k=np.arange(1, min(_FIRST_NEIGHBOURS, len(seeds)) + 1))[1]
    for other in neighbours.T[1:]:
        regions.cut(everyone, seeds - seeds[other])
    active = everyone
    for _ in range(len(seeds) + 16):  # a region with that many neighbours is cut once by each
        active, other = _rivals(regions, seeds, tree, active)
        if not len(active):
            break
        regions.cut(active, seeds[active] - seeds[other])
    return regions.corners, regions.sizes


def _rivals(
    regions: _Regions, seeds: Array, tree: Any, active: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Those regions with a corner that is nearer to another seed than to their own, and that seed.

    Half-planes are convex: a region whose corners are all nearest to their own seed is finished.
    """
    real = np.arange(regions.corners.shape[1]) < regions.sizes[active, None]
    row, slot = np.nonzero(real)
    corner = np.concatenate([regions.corners[active[row], slot], np.ones((len(row), 1))], axis=1)
    corner /= np.linalg.norm(corner, axis=1, keepdims=True)
    other = tree.query(corner)[1]
    line = seeds[active[row]] - seeds[other]
    depth = -np.einsum("ci,ci->c", corner, line) - _ROUNDING - 1e-11 * np.linalg.norm(line, axis=1)
    deepest = np.full(len(active), 0.0)
    np.maximum.at(deepest, row, depth)
    hit = np.flatnonzero((depth > 0) & (depth == deepest[row]))
    found, first = np.unique(row[hit], return_index=True)
    return active[found], other[hit[first]]
