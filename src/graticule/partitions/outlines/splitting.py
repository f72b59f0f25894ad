"""Cutting one node of a tree of territories in two, so that both halves keep enough photos."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.partitions.outlines.growing import Growth
from graticule.partitions.outlines.kmeans import spherical_kmeans

Array = NDArray[np.float64]

_LEAST_SPREAD: Final = 1e-9  # rad, 6 mm: places nearer to each other than this are one place


def halve(growth: Growth, node: int, *, least: int) -> list[int]:
    """Two children of ``node`` by k-means, or cut in the middle where k-means cuts off too few photos.

    Convention:
        - the result: the two nodes, or an empty list when no cut leaves ``least`` photos on both sides
    """
    rows = growth.rows[node]
    vectors, photos = growth.sites.vectors[rows], growth.sites.photos[rows].astype(np.float64)
    if len(rows) < 2 or photos.sum() < 2 * least:
        return []
    found = spherical_kmeans(vectors, 2, weights=photos)
    if len(found.centres) == 2 and not (found.centres[0] == found.centres[1]).all():
        children = growth.split(node, list(found.centres[:, None]), least=least)
        if children:
            return children
    middle = middle_cut(vectors, photos)
    return [] if middle is None else growth.split(node, list(middle[:, None]), least=least)


def middle_cut(vectors: Array, photos: Array) -> Array | None:
    """Two seeds (2, 3) whose border halves the photos across the direction in which they spread most.

    Convention:
        - ``vectors``: (N, 3) unit vectors; ``photos``: (N,); None when all are at one place

    Example:
        >>> from graticule.geo.sphere import latlon_of, unit_vectors
        >>> seeds = middle_cut(unit_vectors([[0, 0], [0, 1], [0, 2], [0, 9]]), np.ones(4))
        >>> round(float(latlon_of(seeds).mean(axis=0)[1]), 6)
        1.5
    """
    middle = (vectors * photos[:, None]).sum(axis=0)
    size = float(np.linalg.norm(middle))
    middle = vectors[0] if size < 1e-9 * photos.sum() else middle / size
    aside = vectors - (vectors @ middle)[:, None] * middle
    _, directions = np.linalg.eigh((aside * photos[:, None]).T @ aside)
    along = directions[:, -1] - (directions[:, -1] @ middle) * middle
    along /= np.linalg.norm(along)
    angle = np.arctan2(vectors @ along, vectors @ middle)
    order = np.argsort(angle, kind="stable")
    angles, total = angle[order], np.cumsum(photos[order])
    gap = np.flatnonzero(np.diff(angles) > _LEAST_SPREAD)
    if not len(gap):
        return None
    best = gap[np.argmin(np.abs(total[gap] - total[-1] / 2))]
    cut = (angles[best] + angles[best + 1]) / 2
    half = max((angles[-1] - angles[0]) / 4, _LEAST_SPREAD)
    turned = np.array([cut - half, cut + half])[:, None]
    seeds: Array = np.cos(turned) * middle + np.sin(turned) * along
    return seeds
