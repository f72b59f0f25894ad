"""Errors of one place that answers every photo: millions of them in a tenth of a second."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from graticule.evaluation.ground_truth import GroundTruth
from graticule.evaluation.labels import Booleans
from graticule.evaluation.protocols import Array, Protocol
from graticule.geo.sphere import unit_vectors

_ELLIPSOID_SLACK: Final = 1.01
"""The sphere and the ellipsoid differ by less than this."""


def errors_of_place(place: Array, truth: GroundTruth, protocol: Protocol) -> Array:
    """Error in km, shape (N,), of answering each photo with ``place``, (latitude, longitude) in degrees."""
    if protocol.geodesic:
        return protocol.distance_km(place, truth.latlon)
    squared = _squared_chords(place, truth)
    np.sqrt(squared, out=squared)
    np.minimum(squared, 2.0, out=squared)
    squared /= 2
    np.arcsin(squared, out=squared)
    squared *= 2 * protocol.radius_km
    return squared


def is_within_place(place: Array, truth: GroundTruth, protocol: Protocol, limit_km: float) -> Booleans:
    """Whether each photo lies within ``limit_km`` of ``place``, shape (N,)."""
    reach = limit_km * (_ELLIPSOID_SLACK if protocol.geodesic else 1.0)
    least_squared = (2 * math.sin(min(reach / protocol.radius_km, math.pi) / 2)) ** 2
    squared = _squared_chords(place, truth)
    inside = squared < least_squared if protocol.strict else squared <= least_squared
    if protocol.geodesic:
        near = np.flatnonzero(inside)
        inside[near] = protocol.is_within(protocol.distance_km(place, truth.latlon[near]), limit_km)
    return np.asarray(inside)


def _squared_chords(place: Array, truth: GroundTruth) -> Array:
    """Squared straight distances through the unit sphere, shape (N,): exact also for places a metre apart."""
    x, y, z = truth.vectors.T
    at_x, at_y, at_z = unit_vectors(place).tolist()
    squared = (x - at_x) ** 2
    squared += (y - at_y) ** 2
    squared += (z - at_z) ** 2
    return np.asarray(squared)
