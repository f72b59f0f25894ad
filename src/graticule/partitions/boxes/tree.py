"""The table of nodes of a tree of boxes: what the k-d tree and the quadtree have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.geo.sphere import latlon_of
from graticule.partitions.cells.box_cells import EDGE_COLUMNS

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


def box_tree(
    tokens: Sequence[str], boxes: Array, leaf_tokens: Sequence[str], photos: Counts, sums: Array
) -> pl.DataFrame:
    """One row per node, each before its children; the columns of a partition file but names and geometry.

    Convention:
        - ``tokens``: (n,) of all nodes, sorted so that each comes right before the nodes below it; the parent
          of a node has its token without the last letter
        - ``boxes``: (n, 4) south, west, north, east in **degrees**, the same order
        - ``leaf_tokens``: (K,) of the cells, in the same order; ``photos`` (K,) and ``sums`` (K, 3), the sum
          of the unit vectors of the photos, are theirs
        - a node whose photos have no mean, such as two at antipodes, gets the middle of its box
    """
    row: Mapping[str, int] = {token: at for at, token in enumerate(tokens)}
    parent = np.array([row.get(token[:-1], -1) for token in tokens])
    leaves = np.array([row[token] for token in leaf_tokens])
    cell = np.full(len(tokens), -1)
    cell[leaves] = np.arange(len(leaves))
    level = np.array([len(token) for token in tokens]) - len(tokens[0])
    # Nodes stand in the order of a walk, so the cells below a node follow each other.
    first = np.searchsorted(leaves, np.arange(len(tokens)))
    last = np.searchsorted(leaves, _ends(level))
    total = np.concatenate([[0], np.cumsum(photos)])
    running = np.concatenate([np.zeros((1, 3)), np.cumsum(sums, axis=0)])
    node_photos, node_sums = total[last] - total[first], running[last] - running[first]
    node_sums[leaves] = sums  # as summed, without the rounding of differences
    centres = latlon_of(np.where(_points_nowhere(node_sums, node_photos)[:, None], 0.0, node_sums))
    middle = np.column_stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)])
    centres = np.where(np.isnan(centres), middle, centres)
    return pl.DataFrame(
        {
            "node": np.arange(len(tokens)),
            "parent": pl.Series(parent, dtype=pl.Int64).replace(-1, None),
            "level": level,
            "cell": pl.Series(cell, dtype=pl.Int64).replace(-1, None),
            "cell_id": pl.Series(tokens, dtype=pl.String),
            "token": pl.Series(tokens, dtype=pl.String),
            "photos": node_photos,
            "latitude": centres[:, 0],
            "longitude": centres[:, 1],
            **dict(zip(EDGE_COLUMNS, boxes.T, strict=True)),
        }
    )


def _ends(level: Counts) -> Counts:
    """The row after the last node below each node: the next that is not deeper."""
    ends = np.full(len(level), len(level))
    waiting: list[int] = []
    for row, depth in enumerate(level.tolist()):
        while waiting and level[waiting[-1]] >= depth:
            ends[waiting.pop()] = row
        waiting.append(row)
    return ends


def _points_nowhere(sums: Array, photos: Counts) -> NDArray[np.bool_]:
    nowhere: NDArray[np.bool_] = np.linalg.norm(sums, axis=1) <= 1e-9 * photos
    return nowhere
