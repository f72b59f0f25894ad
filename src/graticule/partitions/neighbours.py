"""Which cells lie side by side, for cells of any kind."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.geo.sphere import latlon_of, unit_vectors
from graticule.partitions.partition import Partition

Array = NDArray[np.float64]

_ALONG: Final = (0.001, 0.5, 0.999)
"""Where every edge is looked across. Two edges that overlap hold an end or the middle of one of them."""

_ACROSS: Final = 0.004
"""How far, as a share of the edge: beyond what a parallel bends from a geodesic within a degree."""


def neighbours(partition: Partition) -> NDArray[np.int64]:
    """The pairs of cells that have more than a corner in common.

    From every edge of every outline a step is taken outwards, and the cell found there is a neighbour; cells
    that only meet across open ground (such as water) are none.

    Convention:
        - the result is (M, 2), each pair once, the smaller cell first, sorted

    Example:
        >>> from graticule.partitions.kd import build_kd
        >>> neighbours(build_kd([[10, -100], [10, 10], [10, 100], [-40, 100]], max_photos=1)).tolist()
        [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    """
    rings, owner = partition.parts()
    sizes = np.array([len(ring) for ring in rings])
    corner = unit_vectors(np.concatenate(rings))
    after = np.arange(1, len(corner) + 1)
    ends = np.cumsum(sizes)
    after[ends - 1] = ends - sizes
    cell = np.repeat(owner, sizes)
    pairs = []
    for share in _ALONG:
        found = partition.encode(_beyond(corner, corner[after], share))
        pairs.append(np.column_stack([cell, found])[(found >= 0) & (found != cell)])
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def _beyond(start: Array, end: Array, share: float) -> Array:
    """Places just right of the edges (N, 3), seen from their start: outside of a counter-clockwise ring."""
    left = np.cross(start, end)
    length = np.linalg.norm(left, axis=1, keepdims=True)
    on_edge = start * (1 - share) + end * share
    return latlon_of(on_edge - left / np.where(length > 0, length, 1.0) * length * _ACROSS)
