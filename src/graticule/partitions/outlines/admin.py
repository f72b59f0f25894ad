"""Cells from administrative boundaries: polygons, the smallest merged, the largest split by k-means (S2).

S2 took the municipalities of Denmark and split the largest by k-means until it had 129 classes. Here any
polygons serve; each split halves the cell with most photos, and a split that leaves too few is not made.
"""

from __future__ import annotations

import heapq
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.partitions.built import Built
from graticule.partitions.limits import MIN_PHOTOS
from graticule.partitions.outlines.growing import Growth, sites_of
from graticule.partitions.outlines.regions import Regions, bundled_regions
from graticule.partitions.outlines.roots import (
    REACH_KM,
    add_roots,
    check_numbers,
    join_small,
    located,
    off_remark,
)
from graticule.partitions.outlines.splitting import halve

CELLS: Final = 129
"""S2's number of classes."""


def build_admin(
    latlon: ArrayLike,
    *,
    cells: int | None = CELLS,
    min_photos: int = MIN_PHOTOS,
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
            remarks.append(_too_few(made, cells, min_photos))
    parameters: dict[str, Any] = {"cells": cells, "min_photos": min_photos, "reach_km": reach_km}
    partition = growth.partition("admin", parameters, dropped_cells=0)
    return Built(partition, tuple(remarks))


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


def _too_few(made: int, cells: int, least: int) -> str:
    advice = " Lower `min_photos` to cut further." if least > 1 else ""
    return (
        f"Fewer cells than {cells:,} were made, {made:,}: no other can be halved and leave {least:,} "
        f"photo{'s' * (least > 1)} on both sides.{advice}"
    )


def _counted(used: NDArray[np.bool_], unit: NDArray[np.intp]) -> list[str]:
    empty, joined = int(np.count_nonzero(~used)), len(unit) - len(np.unique(unit))
    remarks = [f"Polygons without photos, left out: {empty:,} of {len(used):,}."] if empty else []
    if joined:
        remarks.append(f"Polygons with too few photos, joined to a neighbour: {joined:,}.")
    return remarks
