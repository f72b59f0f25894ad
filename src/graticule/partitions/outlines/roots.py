"""Territories made of polygons: where places lie among them, the small joined, the roots of a tree."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.errors import UsageError
from graticule.geo.geojson import latlon_of_position
from graticule.geo.sphere import unit_vectors
from graticule.partitions.cells.locating import Locator
from graticule.partitions.cells.shapes import areas_only
from graticule.partitions.limits import check_limits, check_whole
from graticule.partitions.outlines.growing import Growth, Sites
from graticule.partitions.outlines.joining import Units
from graticule.partitions.outlines.regions import Regions

Array = NDArray[np.float64]

REACH_KM: Final = 25.0
"""A place off all polygons belongs to the nearest up to this far, in km: coasts are drawn that roughly."""

NEIGHBOUR_DEG: Final = 0.01
"""Polygons up to this far apart, about 1 km, are neighbours: borders of sloppy files do not meet."""


def check_numbers(*, cells: int | None, min_photos: int, reach_km: float) -> None:
    """Refuse numbers that cannot be.

    Raises:
        UsageError: fewer than one cell or photo, or a reach that is negative.
    """
    check_whole(1, cells=cells)
    check_limits(None, min_photos)
    if not 0 <= reach_km < np.inf:
        raise UsageError(f"A reach of {reach_km} km is not possible.\nType:  `reach_km={REACH_KM:.0f}`")


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


def located(regions: Regions, sites: Sites, reach_km: float) -> NDArray[np.int64]:
    """The region of each site, or -1."""
    return Locator(regions.polygons, np.full(len(regions.codes), reach_km)).locate(sites.latlon)


def off_remark(sites: Sites, of_region: NDArray[np.int64], reach_km: float) -> list[str]:
    """A sentence on the photos that lie in no polygon that is used, nor within reach of one."""
    off = int(sites.photos[of_region < 0].sum())
    if not off:
        return []
    return [f"Photos in no cell nor within {reach_km:g} km of one, dropped: {off:,}."]
