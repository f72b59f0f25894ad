"""Errors of one place that answers every photo: millions of them in a tenth of a second."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from graticule.evaluation.ground_truth import GroundTruth
from graticule.evaluation.labels import Booleans
from graticule.evaluation.protocols import Array, Protocol
from graticule.geo.sphere import unit_vectors

_ELLIPSOID_SLACK: Final = 1.01
"""The sphere and the ellipsoid differ by less than this."""

_BLOCK: Final = 1 << 15
"""Photos looked at together: so many distances stay in the processor's cache."""


def errors_of_place(place: Array, truth: GroundTruth, protocol: Protocol) -> Array:
    """Error in km, shape (N,), of answering each photo with ``place``, (latitude, longitude) in degrees."""
    if protocol.geodesic:
        return protocol.distance_km(place, truth.latlon)
    errors = np.empty(len(truth))
    for some, squared in _squared_chords(place, truth):
        np.arcsin(np.minimum(np.sqrt(squared) / 2, 1.0), out=errors[some])
        errors[some] *= 2 * protocol.radius_km
    return errors


def is_within_place(place: Array, truth: GroundTruth, protocol: Protocol, limit_km: float) -> Booleans:
    """Whether each photo lies within ``limit_km`` of ``place``, shape (N,)."""
    reach = limit_km * (_ELLIPSOID_SLACK if protocol.geodesic else 1.0)
    least_squared = (2 * math.sin(min(reach / protocol.radius_km, math.pi) / 2)) ** 2
    inside = np.empty(len(truth), dtype=bool)
    for some, squared in _squared_chords(place, truth):
        inside[some] = squared < least_squared if protocol.strict else squared <= least_squared
    if protocol.geodesic:
        near = np.flatnonzero(inside)
        inside[near] = protocol.is_within(protocol.distance_km(place, truth.latlon[near]), limit_km)
    return inside


def _squared_chords(place: Array, truth: GroundTruth) -> Iterator[tuple[slice, Array]]:
    """Squared straight distances through the unit sphere, some photos at a time.

    They are exact also for places a metre apart, which the cosine is not.
    """
    x, y, z = truth.vectors.T
    at_x, at_y, at_z = unit_vectors(place).tolist()
    for start in range(0, len(truth), _BLOCK):
        some = slice(start, start + _BLOCK)
        yield some, (x[some] - at_x) ** 2 + (y[some] - at_y) ** 2 + (z[some] - at_z) ** 2
