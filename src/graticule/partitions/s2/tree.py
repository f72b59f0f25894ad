"""The tree above S2 cells, up to the faces of the cube, as the table of nodes of a partition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.geo import s2
from graticule.geo.sphere import latlon_of

Ids = NDArray[np.uint64]
Counts = NDArray[np.int64]


def s2_tree(
    leaf_ids: Ids,
    leaf_photos: Counts,
    leaf_sums: NDArray[np.float64],
    annexes: Sequence[Sequence[int]] | None = None,
) -> pl.DataFrame:
    """One row per node, level by level, along the Hilbert curve within each level.

    Convention:
        - ``leaf_ids``: (K,) the cells, ascending; ``leaf_photos`` (K,); ``leaf_sums`` (K, 3) of the unit
          vectors of their photos
        - ``annexes``: further S2 cells of each; they become a column, where a node that is no cell has those
          of the cells below it that lie outside itself
    """
    ids, cell, photos, sums, parent = _grown(leaf_ids, leaf_photos, leaf_sums)
    centres = latlon_of(sums)  # never NaN: all of a face lies within 55 degrees of its middle
    tree = pl.DataFrame(
        {
            "node": np.arange(len(ids)),
            "parent": pl.Series(parent, dtype=pl.Int64).replace(-1, None),
            "level": s2.level(ids).astype(np.int64),
            "cell": pl.Series(cell, dtype=pl.Int64).replace(-1, None),
            "cell_id": ids,
            "token": pl.Series(list(s2.token(ids)), dtype=pl.String),
            "photos": photos,
            "latitude": centres[:, 0],
            "longitude": centres[:, 1],
        }
    )
    if annexes is None:
        return tree
    return tree.with_columns(
        pl.Series("annexes", _inherited(annexes, ids, cell, parent), dtype=pl.List(pl.UInt64))
    )


def _grown(
    leaf_ids: Ids, leaf_photos: Counts, leaf_sums: NDArray[np.float64]
) -> tuple[Ids, Counts, Counts, NDArray[np.float64], Counts]:
    """Ids, cell (-1 for inner nodes), photos, sums of vectors and parent (-1 for roots) of all nodes."""
    leaf_levels = s2.level(leaf_ids)
    at = [leaf_ids[leaf_levels == level] for level in range(int(leaf_levels.max()) + 1)]
    for level in range(len(at) - 1, 0, -1):
        if len(at[level]):
            at[level - 1] = np.union1d(at[level - 1], s2.parent(at[level], level - 1))
    starts = np.cumsum([0, *(len(ids) for ids in at)])
    cell = np.full(starts[-1], -1)
    photos = np.zeros(starts[-1], dtype=np.int64)
    sums = np.zeros((starts[-1], 3))
    parent = np.full(starts[-1], -1)
    for level in range(len(at) - 1, -1, -1):
        rows = slice(starts[level], starts[level + 1])
        leaves = np.flatnonzero(leaf_levels == level)
        here = starts[level] + np.searchsorted(at[level], leaf_ids[leaves])
        cell[here], photos[here], sums[here] = leaves, leaf_photos[leaves], leaf_sums[leaves]
        if level:
            above = s2.parent(at[level], level - 1)
            parent[rows] = starts[level - 1] + np.searchsorted(at[level - 1], above)
            np.add.at(photos, parent[rows], photos[rows])
            np.add.at(sums, parent[rows], sums[rows])
    return np.concatenate(at), cell, photos, sums, parent


def _inherited(annexes: Sequence[Sequence[int]], ids: Ids, cell: Counts, parent: Counts) -> list[list[int]]:
    """Annexes of all nodes: those of a cell, and of the nodes above it as far as they lie outside these."""
    first, last = s2.range_min(ids).tolist(), s2.range_max(ids).tolist()
    found: list[list[int]] = [list(annexes[at]) if at >= 0 else [] for at in cell.tolist()]
    for node in range(len(found) - 1, -1, -1):  # children come after their parents
        above = int(parent[node])
        if above >= 0:
            found[above] += [given for given in found[node] if not first[above] <= given <= last[above]]
    return [sorted(given) for given in found]
