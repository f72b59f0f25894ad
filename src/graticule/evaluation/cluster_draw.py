"""S3's random guess: a cluster of the training places by lot, then a point by the cluster's mean and spread.

It is a weaker guess than a random training place, since a cluster of the open country is drawn as often as
that of a metropolis; a model may beat it and still know less than a constant.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.config import EARTH_RADIUS_KM
from graticule.evaluation.protocols import Array
from graticule.evaluation.training_places import TrainingPlaces
from graticule.geo.sphere import destination, latlon_of, unit_vectors
from graticule.partitions.outlines.kmeans import spherical_kmeans

CLUSTERS: Final = 50
"""S3 does not say how many; with MP-16's places 20 to 200 make little difference (docs/evaluation.md)."""

MOST_PLACES: Final = 20_000
"""Past so many training places a sample of them is clustered."""


def cluster_draw(training: TrainingPlaces, count: int, *, clusters: int = CLUSTERS, seed: int = 0) -> Array:
    """So many guesses.

    Convention:
        - the result is (latitude, longitude) in degrees, shape (``count``, 2)
        - every cluster is as likely; around its mean place the distances to the east and to the north are
          drawn from normal distributions with the cluster's own variances. S3 draws latitude and longitude,
          which is the same but at the antimeridian and near the poles

    Source:
        K. Yang, "Self-supervised Learning for Image-based Geolocation", DTU (2024), section 4.3.

    Example:
        >>> places = TrainingPlaces.of([[0, 0], [0, 0.1], [10, 100], [10, 100.1]], "two towns")
        >>> guesses = cluster_draw(places, 1000, clusters=2)
        >>> bool(400 < (guesses[:, 1] > 50).sum() < 600)
        True
    """
    places = training.thinned(MOST_PLACES, seed=seed)
    vectors = unit_vectors(places.latlon)
    found = spherical_kmeans(vectors, clusters, weights=places.weights, seed=seed, starts=1)
    middles, spread_km = _moments(found.centres, found.labels, vectors, places.weights)
    random = np.random.default_rng(seed)
    cluster = random.integers(0, len(middles), count)
    east_north = random.standard_normal((count, 2)) * spread_km[cluster]
    bearing = np.degrees(np.arctan2(east_north[:, 0], east_north[:, 1]))
    return np.asarray(destination(middles[cluster], bearing, np.hypot(*east_north.T)))


def _moments(centres: Array, labels: NDArray[np.intp], vectors: Array, weights: Array) -> tuple[Array, Array]:
    """Mean place (K, 2) in degrees, and standard deviation (K, 2) to the east and the north in km."""
    middles = latlon_of(centres)
    latitude, longitude = np.radians(middles).T
    east = np.stack([-np.sin(longitude), np.cos(longitude), np.zeros_like(latitude)], axis=1)
    north = np.cross(centres, east)
    along = np.stack([(vectors * axes[labels]).sum(axis=1) for axes in (east, north)], axis=1)
    outward = (vectors * centres[labels]).sum(axis=1)
    # from the place on the sphere to the tangent plane, lengths kept
    chord = np.hypot(*along.T)
    along *= (np.arctan2(chord, outward) / np.where(chord == 0, 1.0, chord))[:, None] * EARTH_RADIUS_KM
    loads = np.bincount(labels, weights, len(centres))
    squares = [np.bincount(labels, weights * axis**2, len(centres)) / loads for axis in along.T]
    return middles, np.sqrt(np.stack(squares, axis=1))
