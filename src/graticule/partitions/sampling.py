"""Points spread evenly over the ground of each cell, to integrate over cells of any shape."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.geo.sphere import latlon_of, unit_vectors
from graticule.partitions.partition import Partition

Array = NDArray[np.float64]

_ROUNDS: Final = 30
_TRIES: Final = 200_000


def points_in_cells(partition: Partition, count: int, *, seed: int = 0) -> Array:
    """``count`` random points of each cell, evenly over its area.

    Convention:
        - the result, (K, count, 2), is in (latitude, longitude) **degrees**
        - of a cell that is too thin to be hit, fewer points are repeated, at least its centre

    Example:
        >>> from graticule.partitions import build_s2
        >>> partition = build_s2([[48.86, 2.35]] * 3 + [[39.9, 116.4]] * 3, max_photos=3, min_photos=1)
        >>> points = points_in_cells(partition, 4)
        >>> points.shape, partition.encode(points).tolist()
        ((2, 4, 2), [[0, 0, 0, 0], [1, 1, 1, 1]])
    """
    generator = np.random.default_rng(seed)
    middles, cosines = _caps(partition)
    found = np.repeat(partition.centres[:, None], count, axis=1)
    filled = np.zeros(partition.count, dtype=np.int64)
    for _ in range(_ROUNDS):
        open_cells = np.flatnonzero(filled < count)
        if not len(open_cells):
            break
        tries = max(2 * count, min(64 * count, _TRIES // len(open_cells)))
        cells = np.repeat(open_cells, tries)
        places = _in_caps(middles[cells], cosines[cells], generator)
        hits = np.flatnonzero(partition.encode(places) == cells)
        cell = cells[hits]  # rises
        rank = np.arange(len(cell)) - np.searchsorted(cell, cell) + filled[cell]
        kept = rank < count
        found[cell[kept], rank[kept]] = places[hits[kept]]
        filled += np.bincount(cell[kept], minlength=partition.count)
    for thin in np.flatnonzero((filled > 0) & (filled < count)):
        found[thin] = found[thin, np.arange(count) % filled[thin]]
    return found


def _caps(partition: Partition) -> tuple[Array, Array]:
    """Middle (K, 3) and cosine (K,) of the radius of a cap around each cell."""
    rings, owners = partition.parts()
    sums = np.zeros((partition.count, 3))
    corners = [unit_vectors(ring) for ring in rings]
    for owner, ring in zip(owners, corners, strict=True):
        sums[owner] += ring.sum(axis=0)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    own = unit_vectors(partition.centres)
    middles = np.where(length > 1e-9, sums / np.maximum(length, 1e-9), own)
    farthest = np.zeros(partition.count)
    for owner, ring in zip(owners, corners, strict=True):
        chord = float(np.linalg.norm(ring - middles[owner], axis=1).max(initial=0.0))
        farthest[owner] = max(farthest[owner], 2 * np.arcsin(min(1.0, chord / 2)))
    # Edges along parallels lie a little outside the caps of their corners.
    return middles, np.cos(np.minimum(np.pi, farthest * 1.1 + 1e-7))


def _in_caps(middles: Array, cosines: Array, generator: np.random.Generator) -> Array:
    """One place (N, 2) in each cap, evenly over its area."""
    height = 1 - generator.random(len(middles)) * (1 - cosines)
    turn = generator.random(len(middles)) * 2 * np.pi
    helper = np.where(np.abs(middles[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    east = np.cross(helper, middles)
    east /= np.linalg.norm(east, axis=1, keepdims=True)
    north = np.cross(middles, east)
    aside = np.sqrt(np.maximum(0.0, 1 - height**2))[:, None]
    across = np.cos(turn)[:, None] * east + np.sin(turn)[:, None] * north
    return latlon_of(height[:, None] * middles + aside * across)
