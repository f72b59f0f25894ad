"""Cells that follow how people divide a country: districts joined, and dense ones split (after PIGEON).

PIGEON starts from the districts of GADM, whose licence forbids passing them on. The gazetteer knows state and
county of 155,000 towns, and a district is taken to be the ground nearer to its towns than to others of the
country; polygons of the user's do as well.
"""

from __future__ import annotations

import heapq
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.config import require
from graticule.errors import PartitionError
from graticule.geo.towns import gazetteer, town_districts
from graticule.partitions.built import Built
from graticule.partitions.limits import MAX_PHOTOS, MIN_PHOTOS, check_limits
from graticule.partitions.outlines.growing import Growth, Sites, sites_of
from graticule.partitions.outlines.joining import Units, neighbours_on_sphere
from graticule.partitions.outlines.kmeans import spherical_kmeans
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

Array = NDArray[np.float64]

MOST_SAMPLED: Final = 3000
"""Photos of one cell, drawn at random, that are looked at for dense places."""

SEEDS: Final = 8
"""A dense place is kept as the ground nearer to so many points in it than to those of the others."""

_LEAST_CLUSTER: Final = 5  # photos of a sample that make a dense place


def build_semantic(
    latlon: ArrayLike,
    *,
    max_photos: int = MAX_PHOTOS,
    min_photos: int = MIN_PHOTOS,
    regions: Regions | None = None,
    reach_km: float = REACH_KM,
    weights: ArrayLike | None = None,
) -> Built:
    """Cells of ``min_photos`` to ``max_photos`` photos that are districts, or several, or parts of one.

    Districts with fewer than ``min_photos`` join the smallest neighbour in their country, one of the same
    state if there is one. One with more than ``max_photos`` is split where its photos are
    dense, again and again, or halved where they are dense nowhere.

    Convention:
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees**
        - ``regions``: polygons to start from instead of the districts of the bundled countries
        - ``reach_km``: places off all polygons belong to the nearest up to this far, in **km**
        - ``weights``: (N,) number of photos at each place, whole; 1 each when left out
        - a country with fewer photos than ``min_photos`` is dropped, and counted; a cell whose photos are all
          at one place stays over ``max_photos``

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        MissingPackageError: a cell has to be split and scikit-learn is not installed.
        TableError: there is no photo, or none in any polygon.
        UsageError: a number is out of range.

    Source:
        L. Haas et al., "PIGEON: Predicting image geolocations" (2023), section 3.2; HDBSCAN (R. Campello et
        al., 2013) in place of OPTICS: it needs no radius, and is faster.

    Example:
        >>> places = [[48.86, 2.35]] * 40 + [[43.3, 5.4]] * 40 + [[39.9, 116.4]] * 40 + [[0.3, 32.6]] * 3
        >>> partition = build_semantic(places, max_photos=60, min_photos=10).partition
        >>> sorted(partition.tokens), partition.source.dropped_photos
        (['CN', 'FR/1', 'FR/2'], 3)
    """
    check_numbers(cells=None, min_photos=min_photos, reach_km=reach_km)
    check_limits(max_photos, min_photos)
    sites = sites_of(latlon, weights)
    whole = bundled_regions() if regions is None else regions
    used, unit, lost = _large_enough(whole, sites, min_photos, reach_km, joining=regions is not None)
    # A place in a country that is left out may be near enough to one that stays.
    of_region = located(used, sites, reach_km)
    growth = Growth(sites)
    roots = add_roots(growth, used, of_region, unit, reach_km)
    if regions is None:
        for root, code in zip(roots, used.countries.tolist(), strict=True):
            _add_districts(growth, root, code, min_photos)
    overfull = _split_dense(growth, max_photos, min_photos)
    parameters = {"max_photos": max_photos, "min_photos": min_photos, "reach_km": reach_km}
    partition = growth.partition("semantic", parameters, dropped_cells=lost)
    remarks = [*used.remarks, *off_remark(sites, of_region, reach_km)]
    if lost:
        remarks.append(f"Countries or polygons with too few photos, dropped: {lost:,}.")
    if overfull:
        remarks.append(f"Cells over `max_photos` that could not be split further: {overfull:,}.")
    return Built(partition, tuple(remarks))


def _large_enough(
    regions: Regions, sites: Sites, least: int, reach_km: float, *, joining: bool
) -> tuple[Regions, NDArray[np.intp], int]:
    """The polygons (P,) that get cells, the unit (P,) of each, and how many units have too few photos.

    Convention:
        - ``joining``: small polygons join inside their country first

    Raises:
        PartitionError: none has enough photos.
    """
    of_region = located(regions, sites, reach_km)
    unit = np.arange(len(regions.codes))
    if joining:
        unit = join_small(regions, sites, of_region, least=least, within=regions.countries)
    photos = np.bincount(unit[of_region[of_region >= 0]], sites.photos[of_region >= 0], len(unit))
    enough = photos[unit] >= least
    if not enough.any():
        most = int(photos.max())
        raise PartitionError(
            f"No cell is left: the country with most photos has {most:,} of "
            f"{int(sites.photos.sum()):,}, and at least {least:,} are asked for.\n"
            f"Type:  `min_photos={max(1, most)}`"
        )
    lost = int(np.count_nonzero((photos > 0) & (photos < least)))
    return regions.at(enough), np.unique(unit[enough], return_inverse=True)[1], lost


def _add_districts(growth: Growth, root: int, code: str, least: int) -> None:
    """Children of a country: its districts, joined until each has enough photos."""
    towns = gazetteer()
    mine = np.flatnonzero(towns.country == code)
    rows = growth.rows[root]
    if len(mine) < 2 or growth.photos(root) < 2 * least:
        return
    nearest = towns.rows(mine).tree.query(growth.sites.vectors[rows])[1]
    used, town = np.unique(nearest, return_inverse=True)
    if len(used) < 2:
        return
    states, counties = town_districts()
    state, county = states[mine[used]], counties[mine[used]]
    district = _numbered(state, county)
    photos = np.bincount(town, growth.sites.photos[rows]).astype(np.int64)
    vectors = towns.vectors[mine[used]]
    pairs = neighbours_on_sphere(vectors)
    count = int(district.max()) + 1
    middles = np.stack([np.bincount(district, photos * axis, count) for axis in vectors.T], axis=1)
    first = np.unique(district, return_index=True)[1]
    units = Units(
        np.bincount(district, photos, count).astype(np.int64),
        middles / np.linalg.norm(middles, axis=1, keepdims=True),
        district[pairs],
        closer=state[first],
    )
    unit = units.join(least=least)[district]
    borders = unit[pairs[:, 0]] != unit[pairs[:, 1]]
    outer = np.zeros(len(used), dtype=bool)
    outer[pairs[borders].reshape(-1)] = True
    # Ground around a town whose neighbours are all of its unit stays with the unit without it.
    groups = [vectors[outer & (unit == each)] for each in np.unique(unit)]
    if len(groups) > 1:
        growth.split(root, groups)


def _numbered(state: NDArray[np.object_], county: NDArray[np.object_]) -> NDArray[np.intp]:
    """A number for each pair of state and county."""
    keys = [f"{a}\t{b}" for a, b in zip(state.tolist(), county.tolist(), strict=True)]
    return np.unique(keys, return_inverse=True)[1]


def _split_dense(growth: Growth, most: int, least: int) -> int:
    """Split nodes until none has too many photos; the result: how many cannot be."""
    queue = [(-growth.photos(node), node) for node in growth.leaves()]
    heapq.heapify(queue)
    overfull = 0
    while queue and -queue[0][0] > most:
        _, node = heapq.heappop(queue)
        children = _dense_parts(growth, node, least) or halve(growth, node, least=least)
        overfull += not children
        for child in children:
            heapq.heappush(queue, (-growth.photos(child), child))
    return overfull


def _dense_parts(growth: Growth, node: int, least: int) -> list[int]:
    """Children of a node around its dense places; none where there are fewer than two."""
    rows = growth.rows[node]
    photos = growth.sites.photos[rows]
    total = int(photos.sum())
    if len(rows) < 2 * _LEAST_CLUSTER or total < 2 * least:
        return []
    random = np.random.default_rng(node)
    size = min(total, MOST_SAMPLED)
    at = np.searchsorted(np.cumsum(photos), np.sort(random.choice(total, size, replace=False)), side="right")
    hdbscan: Any = require("sklearn.cluster", extra="cells").HDBSCAN(
        min_cluster_size=max(_LEAST_CLUSTER, least * size // total), copy=True
    )
    # Through the Earth: a fifth of the time that the great circle takes, as a k-d tree knows no angles, and
    # places stay in the same order of nearness.
    labels = hdbscan.fit_predict(growth.sites.vectors[rows[at]])
    seeds = []
    for label in range(labels.max() + 1):
        members = growth.sites.vectors[rows[at[labels == label]]]
        seeds.append(spherical_kmeans(members, SEEDS, starts=1).centres)
    # Where a part turns out too small once the places in between are shared out, the smallest goes.
    while len(seeds) > 1:
        children = growth.split(node, seeds, least=least)
        if children:
            return children
        del seeds[int(np.bincount(growth.chosen(node, seeds), photos, len(seeds)).argmin())]
    return []
