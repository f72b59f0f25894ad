"""k-means on the sphere: centres are places, and a place belongs to the nearest of them by great circle.

Our own and not scikit-learn's, which measures straight through the Earth to centres that lie inside it: the
file of a partition keeps the centres, and the cell of a place has to be the one with the nearest centre.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graticule.partitions.cells.seeds import nearest_seed

Array = NDArray[np.float64]

MOST_ROUNDS: Final = 100
"""Lloyd's rounds; two dozen are usual."""

STARTS: Final = 4
"""Of so many random beginnings the best is kept."""


class Clustering(NamedTuple):
    """Centres and who belongs to them.

    Convention:
        - ``centres``: (K, 3) unit vectors, ``labels``: (N,) the nearest centre of each place
        - ``cost``: weighted sum of 1 - cos(angle) between the places and their centres
    """

    centres: Array
    labels: NDArray[np.intp]
    cost: float


def spherical_kmeans(
    vectors: Array, count: int, *, weights: Array | None = None, seed: int = 0, starts: int = STARTS
) -> Clustering:
    """``count`` centres among places such that places are near to theirs.

    Convention:
        - ``vectors``: (N, 3) unit vectors; ``weights``: (N,) not negative, 1 each when left out
        - fewer centres come back where there are fewer different places with weight
        - every centre has a place with weight, and every place's label is its nearest centre

    Source:
        I. S. Dhillon, D. S. Modha, "Concept decompositions for large sparse text data using clustering",
        Machine Learning 42 (2001); started as k-means++ (D. Arthur, S. Vassilvitskii, 2007).

    Example:
        >>> from graticule.geo.sphere import unit_vectors
        >>> found = spherical_kmeans(unit_vectors([[0, 0], [0, 1], [0, 90], [1, 90]]), 2)
        >>> bool(found.labels[0] == found.labels[1] != found.labels[2] == found.labels[3])
        True
    """
    mass = np.ones(len(vectors)) if weights is None else np.asarray(weights, dtype=np.float64)
    random = np.random.default_rng(seed)
    found = [_lloyd(vectors, mass, _scattered(vectors, mass, count, random)) for _ in range(starts)]
    return min(found, key=lambda clustering: (-len(clustering.centres), clustering.cost))


def _scattered(vectors: Array, mass: Array, count: int, random: np.random.Generator) -> Array:
    """Beginnings: each next one drawn by how far the places are from those drawn before (k-means++)."""
    far = np.full(len(vectors), np.inf)
    chance = mass / mass.sum()
    chosen: list[int] = []
    while len(chosen) < count and chance.sum() > 0:
        chosen.append(int(random.choice(len(vectors), p=chance / chance.sum())))
        squared = ((vectors - vectors[chosen[-1]]) ** 2).sum(axis=1)  # exact 0 for the same place
        far = np.minimum(far, squared)
        chance = mass * far
    return vectors[chosen]


def _lloyd(vectors: Array, mass: Array, centres: Array) -> Clustering:
    labels = nearest_seed(vectors, centres)
    for _ in range(MOST_ROUNDS):
        sums = np.stack([np.bincount(labels, mass * axis, len(centres)) for axis in vectors.T], axis=1)
        length = np.linalg.norm(sums, axis=1)
        kept = length > 0  # a centre that lost its places goes
        centres = sums[kept] / length[kept, None]
        before, labels = labels, nearest_seed(vectors, centres)
        if kept.all() and np.array_equal(before, labels):
            break
    used = np.bincount(labels, mass, len(centres)) > 0
    if not used.all():
        centres = centres[used]
        labels = nearest_seed(vectors, centres)
    cost = float((mass * (1 - np.einsum("ij,ij->i", vectors, centres[labels]))).sum())
    return Clustering(centres, labels, cost)
