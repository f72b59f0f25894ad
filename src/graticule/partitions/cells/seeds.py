"""Seeds: places that share ground out, each getting what is nearer to it than to the others."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.geo.geojson import position
from graticule.geo.sphere import latlon_of, unit_vectors

Array = NDArray[np.float64]

_FEW: Final = 32  # up to so many seeds comparing with each beats a tree


def nearest_seed(vectors: Array, seeds: Array) -> NDArray[np.intp]:
    """Index of the seed (M, 3) nearest to each place (N, 3); of several as near the first.

    Example:
        >>> nearest_seed(np.eye(3), np.eye(3)[[2, 0]]).tolist()
        [1, 0, 0]
    """
    if len(seeds) > _FEW:
        from scipy.spatial import cKDTree

        nearest: NDArray[np.intp] = cKDTree(seeds).query(vectors)[1]
        return nearest
    # Seed by seed and term by term: a matrix product would round by how many places are asked at once, and a
    # place on a border would change sides.
    labels = np.zeros(len(vectors), dtype=np.intp)
    best = np.full(len(vectors), -np.inf)
    x, y, z = vectors.T
    for index, (a, b, c) in enumerate(seeds.tolist()):
        cosine = x * a + y * b + z * c
        nearer = cosine > best
        labels[nearer] = index
        best[nearer] = cosine[nearer]
    return labels


def seeds_wkb(seeds: Array) -> bytes:
    """Seeds (M, 3), unit vectors, as the ``definition`` of a node.

    Example:
        >>> shapely.from_wkb(seeds_wkb(unit_vectors([[5.0, 2.0]])))
        <MULTIPOINT ((2 5))>
    """
    blob: bytes = shapely.to_wkb(shapely.multipoints(position(latlon_of(seeds))), byte_order=1)
    return blob


def seeds_as_kept(seeds: Array) -> Array:
    """The seeds as they come back from a file, so that builders and readers agree to the last bit."""
    return unit_vectors(latlon_of(seeds))
