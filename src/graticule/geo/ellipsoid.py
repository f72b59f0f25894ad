"""Lengths on the ellipsoid WGS 84, for whole arrays of places: what code that asks geopy measures.

Places are (latitude, longitude) in degrees along the last axis, as everywhere. Elsewhere in graticule the
Earth is a sphere; this is here because published figures were measured with geodesics.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.geo.sphere import check_latlon

Array = NDArray[np.float64]

EQUATOR_KM: Final = 6378.137
"""Half the longer axis of WGS 84."""

FLATTENING: Final = 1 / 298.257223563

_POLE_KM: Final = EQUATOR_KM * (1 - FLATTENING)
_SECOND_ECCENTRICITY_SQUARED: Final = (EQUATOR_KM**2 - _POLE_KM**2) / _POLE_KM**2
_ROUNDS: Final = 20
_CONVERGED_RAD: Final = 1e-13
_HALVINGS: Final = 60
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_AT_ONCE: Final = 1 << 18
"""Pairs looked at together: their arrays fit into the processor's cache."""


def geodesic_km(a: ArrayLike, b: ArrayLike, /) -> Array:
    """Length of the shortest path on the ellipsoid WGS 84 between points of ``a`` and ``b``.

    Convention:
        - ``a`` and ``b`` are (latitude, longitude) in **degrees**, shape ``(..., 2)``, broadcast
        - the result, in **km**, has the broadcast shape without the last axis; right to a millimetre

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.

    Source:
        T. Vincenty, "Direct and Inverse Solutions of Geodesics on the Ellipsoid", Survey Review 23 (1975);
        for nearly opposite places, where that does not converge, the root in the first azimuth of
        C. F. F. Karney, "Algorithms for geodesics", Journal of Geodesy 87 (2013), by bisection.

    Example:
        >>> float(geodesic_km([52.52, 13.405], [48.857, 2.352]).round(1))
        879.7
    """
    a, b = np.broadcast_arrays(check_latlon(a), check_latlon(b))
    flat_a, flat_b = a.reshape(-1, 2), b.reshape(-1, 2)
    found = np.empty(len(flat_a))
    for start in range(0, len(found), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        found[some] = _lengths_km(flat_a[some], flat_b[some])
    return found.reshape(a.shape[:-1])


def _lengths_km(a: Array, b: Array) -> Array:
    turn_deg = b[:, 1] - a[:, 1]
    turn_rad = np.abs(np.radians(turn_deg - 360.0 * np.rint(turn_deg / 360.0)))
    reduced_a, reduced_b = _reduced_rad(a[:, 0]), _reduced_rad(b[:, 0])
    lengths = np.empty(len(a))
    hard = _vincenty(reduced_a, reduced_b, turn_rad, lengths)
    if hard.size:
        lengths[hard] = _bisected(reduced_a[hard], reduced_b[hard], turn_rad[hard])
    return lengths


def _reduced_rad(latitude_deg: Array) -> Array:
    """The latitude on the sphere around the ellipsoid."""
    latitude = np.radians(latitude_deg)
    return np.asarray(np.arctan2((1 - FLATTENING) * np.sin(latitude), np.cos(latitude)))


def _vincenty(reduced_a: Array, reduced_b: Array, turn: Array, lengths: Array) -> NDArray[np.intp]:
    """Fill ``lengths``, in km; returns the rows that did not converge. Names as in Vincenty's paper."""
    todo = np.arange(len(turn))
    sin_u1, cos_u1, sin_u2, cos_u2 = (
        np.sin(reduced_a), np.cos(reduced_a), np.sin(reduced_b), np.cos(reduced_b),
    )  # fmt: skip
    target = turn
    lam = turn.copy()
    for _ in range(_ROUNDS):
        sin_lam, cos_lam = np.sin(lam), np.cos(lam)
        across = cos_u1 * cos_u2
        sin_sigma = np.hypot(cos_u2 * sin_lam, cos_u1 * sin_u2 - sin_u1 * cos_u2 * cos_lam)
        cos_sigma = sin_u1 * sin_u2 + across * cos_lam
        sigma = np.arctan2(sin_sigma, cos_sigma)
        sin_alpha = across * sin_lam / np.where(sin_sigma == 0, 1.0, sin_sigma)
        cos2_alpha = 1 - sin_alpha**2
        flat = cos2_alpha < 1e-12  # along the equator
        middle = np.where(flat, 0.0, cos_sigma - 2 * sin_u1 * sin_u2 / np.where(flat, 1.0, cos2_alpha))
        c = FLATTENING / 16 * cos2_alpha * (4 + FLATTENING * (4 - 3 * cos2_alpha))
        bent = sigma + c * sin_sigma * (middle + c * cos_sigma * (2 * middle**2 - 1))
        further = target + (1 - c) * FLATTENING * sin_alpha * bent
        done = (np.abs(further - lam) < _CONVERGED_RAD) & (further <= np.pi)
        if done.any():
            u2 = cos2_alpha[done] * _SECOND_ECCENTRICITY_SQUARED
            lengths[todo[done]] = _arc_km(u2, sigma[done], sin_sigma[done], cos_sigma[done], middle[done])
            kept = ~done
            todo, target, lam = todo[kept], target[kept], further[kept]
            sin_u1, cos_u1, sin_u2, cos_u2 = sin_u1[kept], cos_u1[kept], sin_u2[kept], cos_u2[kept]
            if not todo.size:
                break
        else:
            lam = further
    return todo


def _arc_km(u2: Array, sigma: Array, sin_sigma: Array, cos_sigma: Array, middle: Array) -> Array:
    big_a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    big_b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    inner = cos_sigma * (2 * middle**2 - 1) - big_b / 6 * middle * (4 * sin_sigma**2 - 3) * (
        4 * middle**2 - 3
    )
    return np.asarray(_POLE_KM * big_a * (sigma - big_b * sin_sigma * (middle + big_b / 4 * inner)))


def _bisected(reduced_a: Array, reduced_b: Array, turn: Array) -> Array:
    """Lengths in km by bisection of the azimuth at the first place; any pair, but slow."""
    swap = np.abs(reduced_a) < np.abs(reduced_b)
    first, second = np.where(swap, reduced_b, reduced_a), np.where(swap, reduced_a, reduced_b)
    side = np.where(first > 0, -1.0, 1.0)
    # both on the equator: an azimuth needs a side, so the first place moves by less than a micrometre
    first, second = np.minimum(first * side, -1e-14), second * side
    low, high = np.zeros_like(turn), np.full_like(turn, np.pi)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_short = _reached(first, second, middle)[0] < turn
        low, high = np.where(is_short, middle, low), np.where(is_short, high, middle)
    return _reached(first, second, (low + high) / 2)[1]


def _reached(first: Array, second: Array, azimuth: Array) -> tuple[Array, Array]:
    """The turn in radians, and the length in km, where a geodesic comes to the second latitude."""
    cos_first, cos_second = np.cos(first), np.cos(second)
    sin_node = np.sin(azimuth) * cos_first
    forward = np.cos(azimuth) * cos_first
    forward_second = np.sqrt(np.maximum(forward**2 + cos_second**2 - cos_first**2, 0.0))
    start, end = np.arctan2(np.sin(first), forward), np.arctan2(np.sin(second), forward_second)
    turn = np.arctan2(sin_node * np.sin(end), np.cos(end)) - np.arctan2(
        sin_node * np.sin(start), np.cos(start)
    )
    squared = _SECOND_ECCENTRICITY_SQUARED * (1 - sin_node**2)
    half = (end - start) / 2
    arc = (start + half)[:, None] + half[:, None] * _NODES
    stretch = np.sqrt(1 + squared[:, None] * np.sin(arc) ** 2)
    slower = ((2 - FLATTENING) / (1 + (1 - FLATTENING) * stretch)) @ _WEIGHTS * half
    return turn - FLATTENING * sin_node * slower, _POLE_KM * (stretch @ _WEIGHTS) * half
