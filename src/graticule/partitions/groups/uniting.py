"""Cells of a partition united into fewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.geo import s2
from graticule.geo.sphere import latlon_of, unit_vectors
from graticule.partitions.outlines.growing import Growth, Sites
from graticule.partitions.outlines.regions import Regions
from graticule.partitions.outlines.roots import add_roots, located
from graticule.partitions.partition import Partition, Source
from graticule.partitions.partition.naming import unique_names

Array = NDArray[np.float64]

NAMED: Final = 3
"""A cell is called by so many of its members, those with most photos."""


def unite(
    base: Partition,
    group: NDArray[np.int64],
    method: str,
    parameters: Mapping[str, Any],
    *,
    sites: Sites,
    names: Sequence[str] | None = None,
) -> Partition:
    """A partition whose cells are unions of the cells of ``base``.

    Convention:
        - ``group``: (K,) 0.. for each cell of the base, -1 for cells that are left out
        - photos and centres are those of ``sites``; cells stand in the order of the Hilbert curve
        - ``names``: (K,) what each cell of the base is called; its own names when left out
    """
    cell = base.encode(sites.latlon)
    in_base = np.bincount(cell[cell >= 0], sites.photos[cell >= 0], base.count).astype(np.int64)
    count = int(group.max()) + 1
    mine = np.where(cell >= 0, group[cell], -1)
    inside = mine >= 0
    centres = _middles(base, group, sites, mine)
    order = np.argsort(s2.cell_ids(centres), kind="stable")
    called = list(base.names if names is None else names)
    members = [_by_photos(np.flatnonzero(group == index), in_base) for index in order]
    tokens = [_joined([base.tokens[one] for one in each], "+", "+{}") for each in members]
    tree = pl.DataFrame(
        {
            "node": np.arange(count),
            "parent": pl.Series([None] * count, dtype=pl.Int64),
            "level": np.zeros(count, dtype=np.int64),
            "cell": np.arange(count),
            "cell_id": unique_names(tokens),
            "token": unique_names(tokens),
            "photos": np.array([in_base[each].sum() for each in members], dtype=np.int64),
            "latitude": centres[order, 0],
            "longitude": centres[order, 1],
            "name": unique_names(
                _joined([called[one] for one in each], ", ", " and {} more") for each in members
            ),
            "members": pl.Series([np.sort(each).tolist() for each in members], dtype=pl.List(pl.Int64)),
            "base": pl.Series([base.to_bytes(), *[None] * (count - 1)], dtype=pl.Binary),
        }
    )
    kept = int(sites.photos[inside].sum())
    total = int(sites.photos.sum())
    left_out = np.unique(cell[(cell >= 0) & (mine < 0)])
    source = Source(total, sites.places, total - kept, len(left_out), sites.fingerprint)
    return Partition(tree, method, dict(parameters), source)


def _middles(base: Partition, group: NDArray[np.int64], sites: Sites, mine: NDArray[np.int64]) -> Array:
    """Mean place (G, 2) of the photos of each group; of one without, of its members' own mean places."""
    inside, count = mine >= 0, int(group.max()) + 1
    weighted = sites.vectors[inside] * sites.photos[inside, None]
    sums = np.stack([np.bincount(mine[inside], axis, count) for axis in weighted.T], axis=1)
    for index in np.flatnonzero(np.linalg.norm(sums, axis=1) < 1e-9):
        sums[index] = unit_vectors(base.centres[group == index]).sum(axis=0)
    return latlon_of(sums)


def _by_photos(members: NDArray[np.intp], photos: NDArray[np.int64]) -> NDArray[np.intp]:
    return members[np.argsort(-photos[members], kind="stable")]


def _joined(words: list[str], between: str, more: str) -> str:
    rest = len(words) - NAMED
    return between.join(words[:NAMED]) + (more.format(rest) if rest > 0 else "")


def country_cells(regions: Regions, sites: Sites, reach_km: float) -> Partition:
    """A partition in which every region is one cell, called by its code."""
    growth = Growth(sites)
    add_roots(growth, regions, located(regions, sites, reach_km), np.arange(len(regions.codes)), reach_km)
    return growth.partition("admin", {"cells": None, "min_photos": 0, "reach_km": reach_km}, dropped_cells=0)
