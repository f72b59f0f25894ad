"""From Universal Transverse Mercator to degrees: some data sets name photos by metres east and north."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import CoordinateError

Array = NDArray[np.float64]

_RADIUS_M: Final = 6_378_137.0  # WGS 84, semi-major axis
_FLATTENING: Final = 1 / 298.257223563
_SCALE: Final = 0.9996  # on the central meridian of a zone
_EAST_M: Final = 500_000.0  # easting of the central meridian
_SOUTH_M: Final = 10_000_000.0  # northing of the equator in southern zones

_N: Final = _FLATTENING / (2 - _FLATTENING)
_RECTIFYING_M: Final = _RADIUS_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_ECCENTRICITY: Final = np.sqrt(_FLATTENING * (2 - _FLATTENING))

# Karney (2011), eq. 36, to the fourth order in the third flattening: better than a micrometre in a zone.
_BETA: Final = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440,
    17 * _N**3 / 480 - 37 * _N**4 / 840,
    4397 * _N**4 / 161280,
)


def latlon_of_utm(easting_m: ArrayLike, northing_m: ArrayLike, zone: ArrayLike, north: ArrayLike) -> Array:
    """Places from their UTM coordinates on WGS 84.

    Convention:
        - ``easting_m``, ``northing_m`` in metres; ``zone`` 1 to 60; ``north``: whether the coordinates are
          those of the northern hemisphere; all broadcast
        - the result is (latitude, longitude) in **degrees**, shape ``(..., 2)``, longitude in [-180, 180)

    Raises:
        CoordinateError: a zone is none, or a coordinate lies where UTM has none.

    Source:
        C. F. F. Karney, "Transverse Mercator with an accuracy of a few nanometers", J. Geodesy 85 (2011).

    Example:
        >>> latlon_of_utm(630084.3, 4833438.6, 17, True).round(5).tolist()
        [43.64257, -79.38714]
    """
    arrays = np.broadcast_arrays(easting_m, northing_m, zone, north)
    east, up, zones = (np.asarray(each, dtype=np.float64) for each in arrays[:3])
    if not bool(np.all(is_utm(east, up, zones))):
        raise CoordinateError(
            "These are no UTM coordinates: expected zones 1 to 60, eastings of 100,000 to 1,000,000 m and "
            "northings of 0 to 10,000,000 m."
        )
    xi = np.where(arrays[3], up, up - _SOUTH_M) / (_SCALE * _RECTIFYING_M)
    eta = (east - _EAST_M) / (_SCALE * _RECTIFYING_M)
    xi_sphere, eta_sphere = xi.copy(), eta.copy()
    for j, beta in enumerate(_BETA, start=1):
        xi_sphere -= beta * np.sin(2 * j * xi) * np.cosh(2 * j * eta)
        eta_sphere -= beta * np.cos(2 * j * xi) * np.sinh(2 * j * eta)
    tangent = np.sin(xi_sphere) / np.hypot(np.sinh(eta_sphere), np.cos(xi_sphere))
    latitude = np.degrees(np.arctan(_geodetic(tangent)))
    longitude = np.degrees(np.arctan2(np.sinh(eta_sphere), np.cos(xi_sphere))) + 6 * zones - 183
    return np.stack([latitude, (longitude + 180) % 360 - 180], axis=-1)


def is_utm(easting_m: ArrayLike, northing_m: ArrayLike, zone: ArrayLike) -> NDArray[np.bool_]:
    """Whether coordinates, in metres, can be UTM's; False for what is not finite.

    Example:
        >>> is_utm([630084.3, 48.1], [4833438.6, 11.5], 17).tolist()
        [True, False]
    """
    east, up, zones = (np.asarray(each, dtype=np.float64) for each in (easting_m, northing_m, zone))
    inside = (east >= 100_000) & (east <= 1_000_000) & (up >= 0) & (up <= _SOUTH_M)
    return np.asarray(inside & (zones >= 1) & (zones <= 60) & (zones == np.floor(zones)))


def _geodetic(conformal: Array) -> Array:
    """The tangent of the geodetic latitude from that of the conformal one, by Newton's method."""
    tangent = conformal / (1 - _ECCENTRICITY**2)
    for _ in range(4):  # two suffice for 1e-9 degrees
        root = np.sqrt(1 + tangent**2)
        sigma = np.sinh(_ECCENTRICITY * np.arctanh(_ECCENTRICITY * tangent / root))
        guess = tangent * np.sqrt(1 + sigma**2) - sigma * root
        slope = (
            np.sqrt(1 + guess**2) * root * (1 - _ECCENTRICITY**2) / (1 + (1 - _ECCENTRICITY**2) * tangent**2)
        )
        tangent = tangent + (conformal - guess) / slope
    return np.asarray(tangent)
