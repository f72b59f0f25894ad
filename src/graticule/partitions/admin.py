"""Cells from administrative boundaries: polygons, the smallest merged, the largest split by k-means (S2).

S2 took the municipalities of Denmark and split the largest by k-means until it had 129 classes. Here any
polygons serve; each split halves the cell with most photos, and a split that leaves too few is not made.
"""

from __future__ import annotations

import heapq
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from graticule.errors import UsageError
from graticule.geo.geojson import latlon_of_position
from graticule.geo.sphere import unit_vectors
from graticule.partitions.growing import Growth, Sites, sites_of
from graticule.partitions.joining import Units
from graticule.partitions.locating import Locator
from graticule.partitions.methods import Built
from graticule.partitions.regions import Regions, bundled_regions
from graticule.partitions.shapes import areas_only
from graticule.partitions.splitting import halve

Array = NDArray[np.float64]

CELLS: Final = 129
"""S2's number of classes."""

REACH_KM: Final = 25.0
"""A place off all polygons belongs to the nearest up to this far, in km: coasts are drawn that roughly."""

NEIGHBOUR_DEG: Final = 0.01
"""Polygons up to this far apart, about 1 km, are neighbours: borders of sloppy files do not meet."""


def build_admin(
    latlon: ArrayLike,
    *,
    cells: int | None = CELLS,
    min_photos: int = 30,
    regions: Regions | None = None,
    reach_km: float = REACH_KM,
    weights: ArrayLike | None = None,
) -> Built:
    """Cells that are polygons, or parts of one, or several that touch.

    Polygons without photos are left out. Each with fewer than ``min_photos`` is joined to a neighbour: of
    those that touch it the one with fewest photos, on an island the nearest. Then, while there are fewer
    than ``cells``, the cell with most photos is halved by k-means; while there are more, the smallest
    polygon is joined.

    Convention:
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees**
        - ``cells``: how many are wanted; None leaves every polygon that has enough photos one cell
        - ``regions``: the polygons; the bundled countries when left out
        - ``reach_km``: places off all polygons belong to the nearest up to this far, in **km**; those
          further away are dropped, and counted
        - ``weights``: (N,) number of photos at each place, whole; 1 each when left out

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        TableError: there is no photo, or none in any polygon.
        UsageError: a number is out of range.

    Source:
        T. Csizmadia, J. Glowaczewski, "Image geo-location with visual transformers" (2023), section 3.1.

    Example:
        >>> places = [[48.86, 2.35]] * 40 + [[43.3, 5.4]] * 40 + [[39.9, 116.4]] * 40
        >>> partition = build_admin(places, cells=3, min_photos=10).partition
        >>> sorted(partition.tokens)
        ['CN', 'FR/1', 'FR/2']
    """
    check_numbers(cells=cells, min_photos=min_photos, reach_km=reach_km)
    sites = sites_of(latlon, weights)
    regions = bundled_regions() if regions is None else regions
    of_region = located(regions, sites, reach_km)
    used = np.bincount(of_region[of_region >= 0], minlength=len(regions.codes)) > 0
    regions, of_region = regions.at(used), np.where(of_region >= 0, (np.cumsum(used) - 1)[of_region], -1)
    unit = join_small(regions, sites, of_region, least=min_photos, most=cells)
    growth = Growth(sites)
    add_roots(growth, regions, of_region, unit, reach_km)
    remarks = [*regions.remarks, *_counted(used, unit), *off_remark(sites, of_region, reach_km)]
    if cells is not None:
        made = _split_until(growth, cells, min_photos)
        if made < cells:
            remarks.append(
                f"There are {made:,} cells, not {cells:,}: no other can be halved and leave {min_photos:,} "
                "photos on both sides. Lower --min to cut further."
            )
    parameters: dict[str, Any] = {"cells": cells, "min_photos": min_photos, "reach_km": reach_km}
    partition = growth.partition("admin", parameters, dropped_cells=0)
    return Built(partition, tuple(remarks))


def check_numbers(*, cells: int | None, min_photos: int, reach_km: float) -> None:
    """Refuse numbers that cannot be.

    Raises:
        UsageError: fewer than one cell or photo, or a reach that is negative.
    """
    if cells is not None and cells < 1:
        raise UsageError(f"{cells} cells cannot be made, expected at least 1.\nType:  --cells {CELLS}")
    if min_photos < 1:
        raise UsageError(
            f"The least number of photos in a cell is {min_photos}, expected at least 1: a cell without "
            "photos teaches nothing.\nType:  --min 1"
        )
    if not 0 <= reach_km < np.inf:
        raise UsageError(f"A reach of {reach_km} km is not possible.\nType:  --reach {REACH_KM:.0f}")


def join_small(
    regions: Regions,
    sites: Sites,
    of_region: NDArray[np.int64],
    *,
    least: int,
    most: int | None = None,
    within: NDArray[np.object_] | None = None,
) -> NDArray[np.intp]:
    """The unit (P,) that each region becomes part of, as ``Units.join``."""
    inside = of_region >= 0
    photos = np.bincount(of_region[inside], sites.photos[inside], len(regions.codes)).astype(np.int64)
    middles = _middles(regions, sites, of_region)
    # Only polygons that may have to join need to know their neighbours.
    concerned = photos < least if most is None or most >= len(photos) else np.ones(len(photos), dtype=bool)
    touching = _touching(regions.polygons, concerned)
    return Units(photos, middles, touching, within=within).join(least=least, most=most)


def _touching(polygons: NDArray[np.object_], concerned: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Pairs (Q, 2) of polygons, one of them concerned, that share a border and not just a corner."""
    shapely.prepare(polygons)
    one, other = shapely.STRtree(polygons).query(polygons, predicate="dwithin", distance=NEIGHBOUR_DEG)
    wanted = (one != other) & concerned[one] & (~concerned[other] | (one < other))
    one, other = one[wanted], other[wanted]
    around = {each: shapely.buffer(polygons[each], NEIGHBOUR_DEG, quad_segs=2) for each in np.unique(one)}
    within = np.array([around[each] for each in one], dtype=object)
    common = shapely.length(shapely.intersection(shapely.boundary(polygons[other]), within))
    outline = shapely.length(polygons)
    least = np.minimum(4 * NEIGHBOUR_DEG, np.minimum(outline[one], outline[other]) / 2)
    touching: NDArray[np.intp] = np.stack([one, other], axis=1)[common > least]
    return touching


def _middles(regions: Regions, sites: Sites, of_region: NDArray[np.int64]) -> Array:
    """Direction (P, 3) of each region: the mean of its photos, or a place inside it."""
    inside = of_region >= 0
    sums = np.zeros((len(regions.codes), 3))
    np.add.at(sums, of_region[inside], sites.vectors[inside] * sites.photos[inside, None])
    length = np.linalg.norm(sums, axis=1)
    surface = shapely.get_coordinates(shapely.point_on_surface(regions.polygons))
    middles = unit_vectors(latlon_of_position(surface))
    some = length > 0
    middles[some] = sums[some] / length[some, None]
    return middles


def add_roots(
    growth: Growth,
    regions: Regions,
    of_region: NDArray[np.int64],
    unit: NDArray[np.intp],
    reach_km: float,
) -> list[int]:
    """A root for each unit, in their order, named by its region with most photos."""
    order = np.argsort(of_region, kind="stable")
    bounds = np.searchsorted(of_region[order], np.arange(len(unit) + 1))
    rows = [order[bounds[index] : bounds[index + 1]] for index in range(len(unit))]
    photos = np.array([growth.sites.photos[each].sum() for each in rows])
    roots = []
    for each in np.unique(unit):
        members = np.flatnonzero(unit == each)
        members = members[np.argsort(-photos[members], kind="stable")]
        outline = regions.polygons[members[0]]
        if len(members) > 1:
            outline = areas_only(shapely.union_all(regions.polygons[members]))
        others = len(members) - 1
        token = regions.codes[members[0]] + (f"+{others}" if others else "")
        name = regions.names[members[0]] + (f" and {others} more" if others else "")
        own = np.sort(np.concatenate([rows[member] for member in members]))
        roots.append(growth.root(outline, own, token, reach_km, name=name))
    return roots


def _split_until(growth: Growth, cells: int, least: int) -> int:
    """Halve the fullest node until there are so many leaves; the result: how many there are."""
    queue = [(-growth.photos(node), node) for node in range(len(growth))]
    heapq.heapify(queue)
    leaves = len(queue)
    while queue and leaves < cells:
        _, node = heapq.heappop(queue)
        children = halve(growth, node, least=least)
        leaves += max(0, len(children) - 1)
        for child in children:
            heapq.heappush(queue, (-growth.photos(child), child))
    return leaves


def located(regions: Regions, sites: Sites, reach_km: float) -> NDArray[np.int64]:
    """The region of each site, or -1."""
    return Locator(regions.polygons, np.full(len(regions.codes), reach_km)).locate(sites.latlon)


def _counted(used: NDArray[np.bool_], unit: NDArray[np.intp]) -> list[str]:
    empty, joined = int(np.count_nonzero(~used)), len(unit) - len(np.unique(unit))
    remarks = [f"Polygons without photos, left out: {empty:,} of {len(used):,}."] if empty else []
    if joined:
        remarks.append(f"Polygons with too few photos, joined to a neighbour: {joined:,}.")
    return remarks


def off_remark(sites: Sites, of_region: NDArray[np.int64], reach_km: float) -> list[str]:
    """A sentence on the photos that lie in no polygon that is used, nor within reach of one."""
    off = int(sites.photos[of_region < 0].sum())
    if not off:
        return []
    return [f"Photos in no cell nor within {reach_km:g} km of one, dropped: {off:,}."]
