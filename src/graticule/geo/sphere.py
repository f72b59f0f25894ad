"""Lengths, directions and means on the sphere, for whole arrays of places at once.

Places are (latitude, longitude) in degrees along the last axis, everywhere. Any finite longitude is taken,
and wraps: 190 is the same meridian as -170. Every formula here keeps its accuracy for places a metre apart,
at the poles, across the antimeridian and for antipodes; that is why none is the shortest one of the textbook.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import CoordinateError, UsageError

Array = NDArray[np.float64]

_PAIRS_PER_CHUNK: Final = (
    1 << 16
)  # nearest_km: half a MiB of cosines at a time, which the processor's cache holds
_DOT_SLACK: Final = 4e-15  # twice what rounding can do to a dot product of two unit vectors
_NO_DIRECTION: Final = 1e-12  # a mean vector this short, relative to the weights, is rounding noise


def check_latlon(latlon: ArrayLike, /) -> Array:
    """The places as a float64 array, after a check that each of them is on Earth.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(..., 2)``; so is the result
        - any finite longitude is accepted and left as it is

    Raises:
        CoordinateError: the last axis does not have length 2, a value is not a finite number,
            or a latitude lies outside [-90, 90].

    Example:
        >>> check_latlon([52, 13])
        array([52., 13.])
    """
    try:
        raw = np.asarray(latlon)
        if raw.dtype.kind not in "fiuO":
            raise TypeError(raw.dtype)
        places = raw.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise CoordinateError(
            "Places have to be numbers of shape (..., 2), but these are not.\n"
            "Give (latitude, longitude) in degrees, for example [52.52, 13.405]."
        ) from error
    if places.ndim == 0 or places.shape[-1] != 2:
        raise CoordinateError(
            f"Places have to have shape (..., 2), but these have shape {places.shape}.\n"
            "Give (latitude, longitude) along the last axis, for example [52.52, 13.405]."
        )
    # NaN fails every comparison. Minima and maxima need no temporary array, which counts in millions of rows.
    latitude, longitude = places[..., 0], places[..., 1]
    if places.size and not (
        latitude.min() >= -90.0
        and latitude.max() <= 90.0
        and longitude.min() > -np.inf
        and longitude.max() < np.inf
    ):
        raise _off_earth(places.reshape(-1, 2))
    return places


def _off_earth(places: Array) -> CoordinateError:
    """The error for the first of the places (N, 2) that is not on Earth."""
    finite = np.isfinite(places[:, 0]) & np.isfinite(places[:, 1])
    first = int(np.argmax(~finite | (np.abs(places[:, 0]) > 90.0)))
    latitude, longitude = places[first].tolist()
    where = f"Place {first} of {len(places)} (counted from 0) is ({latitude}, {longitude})"
    if not finite[first]:
        return CoordinateError(f"{where}, which is not finite.\nDrop the places without a position first.")
    advice = "Give places as (latitude, longitude) in degrees"
    if abs(longitude) <= 90.0:
        advice += "; here the two look swapped"
    return CoordinateError(f"{where}, but a latitude has to lie in [-90, 90].\n{advice}.")


def _turn_deg(difference_deg: Array) -> Array:
    """A difference of longitudes as the shorter turn, in [-180, 180]; exact, unlike ``np.mod``."""
    return difference_deg - 360.0 * np.rint(difference_deg / 360.0)


def great_circle_km(a: ArrayLike, b: ArrayLike, /, *, radius_km: float = EARTH_RADIUS_KM) -> Array:
    """Length of the shortest path on the sphere between points of ``a`` and ``b``.

    Convention:
        - ``a`` and ``b`` are (latitude, longitude) in **degrees**, shape ``(..., 2)``, broadcast
        - the result, in **km**, has the broadcast shape without the last axis

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.

    Source:
        R. W. Sinnott, "Virtues of the Haversine", Sky & Telescope 68 (1984). The haversine of the way to the
        antipode of ``b`` stands under the arc tangent instead of one minus the haversine, so that antipodes
        are as accurate as neighbours.

    Example:
        >>> float(great_circle_km([52.52, 13.405], [48.857, 2.352]).round(1))
        877.5
    """
    a, b = check_latlon(a), check_latlon(b)
    latitude_a, latitude_b = a[..., 0], b[..., 0]
    half_turn_rad = np.radians(_turn_deg(b[..., 1] - a[..., 1])) / 2
    across = np.cos(np.radians(latitude_a)) * np.cos(np.radians(latitude_b))
    hav = np.sin(np.radians(latitude_b - latitude_a) / 2) ** 2 + across * np.sin(half_turn_rad) ** 2
    hav_of_antipode = (
        np.sin(np.radians(latitude_b + latitude_a) / 2) ** 2 + across * np.cos(half_turn_rad) ** 2
    )
    distance_km: Array = 2 * radius_km * np.arctan2(np.sqrt(hav), np.sqrt(hav_of_antipode))
    return distance_km


def unit_vectors(latlon: ArrayLike, /) -> Array:
    """The places as points of the unit sphere.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(..., 2)``
        - the result is (x, y, z), shape ``(..., 3)``: x to (0, 0), y to (0, 90), z to the north pole

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.

    Example:
        >>> unit_vectors([[0, 0], [90, 0]]).round(9).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    radians = np.radians(check_latlon(latlon))
    latitude_rad, longitude_rad = radians[..., 0], radians[..., 1]
    vectors = np.empty((*radians.shape[:-1], 3))
    cosine = np.cos(latitude_rad)
    vectors[..., 0] = np.cos(longitude_rad) * cosine
    vectors[..., 1] = np.sin(longitude_rad) * cosine
    vectors[..., 2] = np.sin(latitude_rad)
    return vectors


def latlon_of(vectors: ArrayLike, /) -> Array:
    """The places that vectors from the centre of the sphere point at.

    Convention:
        - ``vectors`` is (x, y, z), shape ``(..., 3)``, of any length
        - the result is (latitude, longitude) in **degrees**, shape ``(..., 2)``, longitude in [-180, 180];
          NaN for a vector of length zero or with a NaN in it, as those point nowhere

    Raises:
        CoordinateError: the last axis does not have length 3.

    Example:
        >>> latlon_of([0, 2, 0]).tolist()
        [0.0, 90.0]
    """
    xyz = np.asarray(vectors, dtype=np.float64)
    if xyz.ndim == 0 or xyz.shape[-1] != 3:
        raise CoordinateError(
            f"Vectors have to have shape (..., 3), but these have shape {xyz.shape}.\n"
            "Places of shape (..., 2) become vectors by graticule.geo.sphere.unit_vectors."
        )
    x, y, z = xyz[..., 0], xyz[..., 1], xyz[..., 2]
    latlon = np.empty((*xyz.shape[:-1], 2))
    # Adding 0.0 turns -0.0 into 0.0, so that the meridian of 180 degrees has one name.
    latlon[..., 0] = np.degrees(np.arctan2(z + 0.0, np.hypot(x, y)))
    latlon[..., 1] = np.degrees(np.arctan2(y + 0.0, x + 0.0))
    nowhere = ~(np.maximum(np.maximum(np.abs(x), np.abs(y)), np.abs(z)) > 0.0)  # NaN is not above 0 either
    if np.any(nowhere):
        latlon[nowhere] = np.nan
    return latlon


def spherical_mean(latlon: ArrayLike, /, weights: ArrayLike | None = None) -> Array:
    """The mean place: the direction of the summed unit vectors, right at the antimeridian and the poles.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(..., 2)``
        - ``weights``, shape ``(...)``, are finite and not negative; all 1 when left out
        - the result is (latitude, longitude) in **degrees**, shape ``(2,)``, longitude in [-180, 180]

    Raises:
        CoordinateError: there is no place, or the places cancel (such as antipodes) and have no mean;
            a latitude lies outside [-90, 90], or a value is not finite.
        UsageError: the weights are of another shape, negative or not finite.

    Example:
        >>> spherical_mean([[10, 179], [10, -179]]).round(2).tolist()
        [10.0, 180.0]
    """
    places = check_latlon(latlon).reshape(-1, 2)
    flat = None if weights is None else np.asarray(weights, dtype=np.float64).reshape(-1)
    mean: Array = group_means(places, np.zeros(len(places), dtype=np.intp), 1, flat)[0]
    if np.isnan(mean).any():
        raise CoordinateError(
            f"These {len(places)} places have no mean: there are none, all weights are 0, or they cancel.\n"
            "Give at least one place with a positive weight, and not just antipodes."
        )
    return mean


def group_means(latlon: ArrayLike, groups: ArrayLike, count: int, weights: ArrayLike | None = None) -> Array:
    """The mean place of each group of places: the direction of the group's summed unit vectors.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(N, 2)``
        - ``groups``, shape ``(N,)``, are integers 0..count-1; a place with -1 belongs to no group
        - ``weights``, shape ``(N,)``, are finite and not negative; all 1 when left out
        - the result is (latitude, longitude) in **degrees**, shape ``(count, 2)``, longitude in [-180, 180];
          NaN for a group that is empty or whose places cancel (such as antipodes)

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        UsageError: groups or weights are of another shape than the places, or out of range.

    Example:
        >>> group_means([[0, 10], [0, 20], [5, 5]], [0, 0, 2], 3).round(6).tolist()
        [[0.0, 15.0], [nan, nan], [5.0, 5.0]]
    """
    vectors = unit_vectors(latlon)
    if vectors.ndim != 2:
        raise CoordinateError(
            f"Grouped places have to have shape (N, 2), but these have shape {(*vectors.shape[:-1], 2)}.\n"
            "Reshape them:  latlon.reshape(-1, 2)"
        )
    index, weight = _check_groups(groups, count, len(vectors)), _check_weights(weights, len(vectors))
    inside = index >= 0
    if not inside.all():
        vectors, index, weight = vectors[inside], index[inside], weight[inside]
    # Scaled by the largest weight, so that huge and tiny weights neither overflow nor vanish.
    weight = weight / (weight.max(initial=0.0) or 1.0)
    sums = np.stack([np.bincount(index, weight * axis, count) for axis in vectors.T], axis=-1)
    total = np.bincount(index, weight, count)
    sums[np.linalg.norm(sums, axis=-1) <= _NO_DIRECTION * total] = 0.0
    return latlon_of(sums)


def _check_groups(groups: ArrayLike, count: int, length: int) -> NDArray[np.intp]:
    index = np.asarray(groups)
    if index.shape != (length,) or (index.dtype.kind not in "iu" and length):
        raise UsageError(
            f"Groups have to be {length} integers, one for each place, "
            f"but they are {index.dtype} of shape {index.shape}.\nGive one group number per place."
        )
    if length and not (index.min() >= -1 and index.max() < count):
        raise UsageError(
            f"Groups have to lie in 0..{count - 1} (or -1 for none), "
            f"but they go from {index.min()} to {index.max()}.\nRaise count, or mend the groups."
        )
    return index.astype(np.intp, copy=False)


def _check_weights(weights: ArrayLike | None, length: int) -> Array:
    if weights is None:
        return np.ones(length)
    weight = np.asarray(weights, dtype=np.float64)
    if weight.shape != (length,):
        raise UsageError(
            f"Weights have to have shape ({length},), but these have shape {weight.shape}.\n"
            "Give one weight for each place."
        )
    if length and not (weight.min() >= 0.0 and weight.max() < np.inf):
        raise UsageError(
            "Weights have to be finite and not negative.\nReplace NaN and negative weights by 0."
        )
    return weight


def destination(latlon: ArrayLike, bearing_deg: ArrayLike, distance_km: ArrayLike) -> Array:
    """The places reached from ``latlon`` by going ``distance_km`` straight on, on the sphere.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(..., 2)``
        - ``bearing_deg``, in **degrees** clockwise from north, and ``distance_km``, in **km**, broadcast
          against its shape without the last axis; a negative distance goes backwards
        - at a pole, north is where the meridian of the given longitude leads
        - the result is (latitude, longitude) in **degrees**, shape ``(..., 2)``, longitude in [-180, 180]

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.

    Example:
        >>> destination([0, 179.5], 90, 111.195).round(3).tolist()
        [0.0, -179.5]
    """
    places = check_latlon(latlon)
    bearing_rad = np.radians(np.asarray(bearing_deg, dtype=np.float64))[..., None]
    arc_rad = np.asarray(distance_km, dtype=np.float64)[..., None] / EARTH_RADIUS_KM
    if not (np.isfinite(bearing_rad).all() and np.isfinite(arc_rad).all()):
        raise CoordinateError(
            "A bearing or a distance is not finite.\nGive bearings in degrees and distances in km."
        )
    latitude_rad, longitude_rad = np.radians(places[..., 0]), np.radians(places[..., 1])
    sine, cosine = np.sin(latitude_rad), np.cos(latitude_rad)
    zero = np.zeros_like(sine)
    north = np.stack([-sine * np.cos(longitude_rad), -sine * np.sin(longitude_rad), cosine], axis=-1)
    east = np.stack([-np.sin(longitude_rad), np.cos(longitude_rad), zero], axis=-1)
    heading = np.cos(bearing_rad) * north + np.sin(bearing_rad) * east
    return latlon_of(np.cos(arc_rad) * unit_vectors(places) + np.sin(arc_rad) * heading)


def bearing_deg(a: ArrayLike, b: ArrayLike, /) -> Array:
    """The direction in which the shortest path from ``a`` to ``b`` sets out.

    Convention:
        - ``a`` and ``b`` are (latitude, longitude) in **degrees**, shape ``(..., 2)``, broadcast
        - the result, in **degrees** clockwise from north, in [0, 360), has the broadcast shape without the
          last axis; 0 where ``a`` and ``b`` are the same place

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.

    Example:
        >>> float(bearing_deg([0, 0], [0, -1]))
        270.0
    """
    a, b = check_latlon(a), check_latlon(b)
    turn_rad = np.radians(_turn_deg(b[..., 1] - a[..., 1]))
    sine_a, cosine_b = np.sin(np.radians(a[..., 0])), np.cos(np.radians(b[..., 0]))
    eastward = np.sin(turn_rad) * cosine_b
    # sin(B - A) + ... instead of cos A sin B - sin A cos B cos L: no cancellation between near places.
    northward = (
        np.sin(np.radians(b[..., 0] - a[..., 0])) + 2.0 * sine_a * cosine_b * np.sin(turn_rad / 2.0) ** 2
    )
    bearing = np.degrees(np.arctan2(eastward, northward)) % 360.0
    return np.where(bearing == 360.0, 0.0, bearing)  # -1e-20 % 360 rounds to 360


def nearest_km(points: ArrayLike, targets: ArrayLike) -> tuple[Array, NDArray[np.intp]]:
    """For each point the nearest of the targets, and how far away it is.

    Convention:
        - ``points``, shape ``(..., 2)``, and ``targets``, shape ``(M, 2)``, are (latitude, longitude)
          in **degrees**
        - the result is ``(distance_km, index)``, both of the points' shape without the last axis; among
          targets equally near the first is taken
        - every pair is looked at, in chunks: the time grows as N times M, the memory as M

    Raises:
        CoordinateError: there is no target, a latitude lies outside [-90, 90], or a value is not finite.

    Example:
        >>> distance_km, index = nearest_km([[1, 1], [0, -170]], [[0, 0], [0, 175]])
        >>> index.tolist(), distance_km.round(1).tolist()
        ([0, 1], [157.2, 1667.9])
    """
    places, goals = check_latlon(points), check_latlon(targets)
    if goals.ndim != 2 or not len(goals):
        raise CoordinateError(
            f"Targets have to have shape (M, 2) with M at least 1, but these have shape {goals.shape}.\n"
            "Give at least one place to be near to."
        )
    flat = places.reshape(-1, 2)
    index = np.empty(len(flat), dtype=np.intp)
    goal_vectors = unit_vectors(goals).T
    step = max(1, _PAIRS_PER_CHUNK // len(goals))
    for start in range(0, len(flat), step):
        chunk = flat[start : start + step]
        index[start : start + step] = _nearest_index(chunk, goals, unit_vectors(chunk) @ goal_vectors)
    distance_km = great_circle_km(flat, goals[index])
    return distance_km.reshape(places.shape[:-1]), index.reshape(places.shape[:-1])


def _nearest_index(places: Array, goals: Array, cosines: Array) -> NDArray[np.intp]:
    """The nearest goal of each place, given the cosines (N, M) of all their angles.

    A cosine cannot tell places some metres apart from each other, so what it leaves open is measured.
    """
    index: NDArray[np.intp] = cosines.argmax(axis=1)
    best = np.take_along_axis(cosines, index[:, None], axis=1)
    row, goal = np.nonzero(cosines >= best - _DOT_SLACK)
    if len(row) > len(places):
        several = np.bincount(row)[row] > 1
        row, goal = row[several], goal[several]
        order = np.lexsort((goal, great_circle_km(places[row], goals[goal]), row))
        first = order[np.unique(row[order], return_index=True)[1]]
        index[row[first]] = goal[first]
    return index
