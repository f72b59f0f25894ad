"""Which cells lie side by side, for cells of any kind."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.geo.sphere import latlon_of, unit_vectors
from graticule.partitions.partition import Partition

Array = NDArray[np.float64]

_ALONG: Final = (1e-4, 0.5, 1 - 1e-4)
"""Where every edge is looked across. Two edges that overlap hold an end or the middle of one of them."""

_ACROSS: Final = 1e-8
"""How far, as a share of the edge: so little that at a pole, where meridians meet, no thin cell is passed."""

_LEAST_STEP: Final = 1e-13
"""In radians: below it, rounding would decide. A leaf cell of S2 is 10,000 times as wide."""


def neighbours(partition: Partition) -> NDArray[np.int64]:
    """The pairs of cells that have more than a corner in common.

    From every edge of every outline a step is taken outwards, and the cell found there is a neighbour; cells
    that only meet across open ground (such as water) are none.

    Convention:
        - the result is (M, 2), each pair once, the smaller cell first, sorted

    Example:
        >>> from graticule.partitions.boxes.kd import build_kd
        >>> neighbours(build_kd([[10, -100], [10, 10], [10, 100], [-40, 100]], max_photos=1)).tolist()
        [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    """
    rings, owner = partition.parts()
    sizes = np.array([len(ring) for ring in rings])
    corner = np.concatenate(rings)
    after = np.arange(1, len(corner) + 1)
    ends = np.cumsum(sizes)
    after[ends - 1] = ends - sizes
    cell = np.repeat(owner, sizes)
    pairs = []
    for share in _ALONG:
        found = partition.encode(_beyond(corner, corner[after], share, geodesic=partition.spherical))
        pairs.append(np.column_stack([cell, found])[(found >= 0) & (found != cell)])
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def _beyond(start: Array, end: Array, share: float, *, geodesic: bool) -> Array:
    """Places just right of the edges (N, 2), seen from their start: outside of a counter-clockwise ring."""
    first, last = unit_vectors(start), unit_vectors(end)
    if geodesic:
        on_edge = first * (1 - share) + last * share
    else:
        on_edge = unit_vectors(_straight_on_the_map(start, end, share))
    left = np.cross(first, last)
    length = np.linalg.norm(left, axis=1, keepdims=True)  # nearly; 0 where two corners are one place
    step = np.maximum(length * _ACROSS, _LEAST_STEP)
    return latlon_of(on_edge - left / np.where(length > 0, length, 1.0) * step)


def _straight_on_the_map(start: Array, end: Array, share: float) -> Array:
    """Places along edges that are straight in longitude and latitude; a pole lies on every meridian."""
    polar_start, polar_end = np.abs(start[:, 0]) == 90.0, np.abs(end[:, 0]) == 90.0
    east = np.where(polar_start, end[:, 1], start[:, 1])
    turn = np.where(polar_start | polar_end, 0.0, end[:, 1] - start[:, 1])
    turn -= 360.0 * np.rint(turn / 360.0)
    latitude = start[:, 0] * (1 - share) + end[:, 0] * share
    return np.column_stack([latitude, east + turn * share])
