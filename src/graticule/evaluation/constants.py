"""The best constant guess: the one place that, always answered, would score highest.

It is found on the training places alone. Each goal has its own place: the one within 25 km of the most
photos is a city, the one within 2500 km of the most is somewhere between many. Any model should beat
them; several published ones do not.

The search is a heuristic with a wide net: the fullest squares of four shifted grids are scored exactly,
the best dozen climb by pattern search and by moving to the mean of the places they hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.config import THRESHOLDS_KM
from graticule.evaluation.protocols import GRATICULE, Array, Protocol
from graticule.evaluation.training_places import TrainingPlaces
from graticule.geo.sphere import destination, group_means, latlon_of, unit_vectors

MOST_PLACES: Final = 200_000
"""Past this many training places a sample of them is searched."""

MOST_PLACES_GLOBAL: Final = 10_000
"""The same for goals to which every place counts, near or far: they are smooth, and costlier."""

STARTS: Final = 12
SQUARES_PER_GRID: Final = 100
HALVINGS: Final = 6
BEARINGS_DEG: Final = np.arange(0.0, 360.0, 45.0)
GLOBAL_STEP_KM: Final = 800.0

Gain = Callable[[Array], Array]
"""Scores places (C, 2); more is better."""


def best_constants(training: TrainingPlaces, *, protocol: Protocol = GRATICULE) -> dict[str, Array]:
    """The best constant guess for each goal, found on the training places.

    Convention:
        - keys: each threshold in km as text ("1" ... "2500"), "median_km", "mean_km", "geoscore"
        - values: (latitude, longitude) in degrees, shape (2,)
    """
    found = {f"{limit}": best_within(training, limit, protocol=protocol) for limit in THRESHOLDS_KM}
    few = training.thinned(MOST_PLACES_GLOBAL)
    gains = {
        "median_km": _Everywhere(few, protocol).median,
        "mean_km": _Everywhere(few, protocol).mean,
        "geoscore": _Everywhere(few, protocol).geoscore,
    }
    # the places found for the thresholds are fair starts as well, and cost nothing more
    starts = np.concatenate([_fullest_squares(few, GLOBAL_STEP_KM), np.stack(list(found.values()))])
    for goal, gain in gains.items():
        found[goal] = _climb_from(starts, gain, GLOBAL_STEP_KM, STARTS // 2)
    return found


def best_within(training: TrainingPlaces, limit_km: float, *, protocol: Protocol = GRATICULE) -> Array:
    """The place that has the most training photos within ``limit_km``.

    Convention:
        - the result is (latitude, longitude) in degrees, shape (2,)

    Example:
        >>> places = TrainingPlaces.of([[10, 20], [10, 20.1], [-50, 100]], "an example")
        >>> bool(10 <= best_within(places, 25)[0] < 10.1)
        True
    """
    training = training.within(limit_km)
    near = _Nearby(training.thinned(MOST_PLACES), limit_km, protocol)
    # a square of 1.5 radii nearly fits into the circle; its fullest one cannot be far from the best circle
    starts = _fullest_squares(training, 1.5 * limit_km)
    return _climb_from(starts, near.weight_within, limit_km / 2, STARTS, near.mean_within)


class _Nearby:
    """Counts what lies within a fixed distance, looking only at a band of latitude."""

    def __init__(self, places: TrainingPlaces, limit_km: float, protocol: Protocol) -> None:
        order = np.argsort(places.latlon[:, 0], kind="stable")
        self.latitudes = places.latlon[order, 0]
        self.vectors = unit_vectors(places.latlon[order])
        self.weights = places.weights[order]
        angle_rad = min(limit_km / protocol.radius_km, math.pi)
        self.half_band_deg = math.degrees(angle_rad) + 1e-9
        self.least_cosine = math.cos(angle_rad)

    def _inside(self, place: Array, vector: Array) -> tuple[slice, NDArray[np.bool_]]:
        first, last = np.searchsorted(
            self.latitudes, [place[0] - self.half_band_deg, place[0] + self.half_band_deg]
        )
        band = slice(int(first), int(last))
        return band, self.vectors[band] @ vector >= self.least_cosine

    def weight_within(self, places: Array) -> Array:
        weights = np.empty(len(places))
        for row, (place, vector) in enumerate(zip(places, unit_vectors(places), strict=True)):
            band, inside = self._inside(place, vector)
            weights[row] = self.weights[band][inside].sum()
        return weights

    def mean_within(self, place: Array) -> Array:
        band, inside = self._inside(place, unit_vectors(place))
        weights = self.weights[band][inside]
        if not weights.size:
            return place
        total = weights @ self.vectors[band][inside]
        return latlon_of(total) if np.linalg.norm(total) > 1e-9 * weights.sum() else place


class _Everywhere:
    """Goals to which every place counts."""

    def __init__(self, places: TrainingPlaces, protocol: Protocol) -> None:
        self.vectors = unit_vectors(places.latlon)
        self.shares = places.weights / places.weights.sum()
        self.are_equal = bool(np.ptp(places.weights) == 0)
        self.protocol = protocol

    def _distances_km(self, places: Array) -> Array:
        cosines = np.clip(unit_vectors(places) @ self.vectors.T, -1.0, 1.0)
        return np.asarray(self.protocol.radius_km * np.arccos(cosines), dtype=np.float64)

    def mean(self, places: Array) -> Array:
        scores: Array = -self._distances_km(places) @ self.shares
        return scores

    def geoscore(self, places: Array) -> Array:
        scores: Array = self.protocol.geoscore(self._distances_km(places)) @ self.shares
        return scores

    def median(self, places: Array) -> Array:
        distances = self._distances_km(places)
        if self.are_equal:
            return np.asarray(-np.median(distances, axis=1))
        order = np.argsort(distances, axis=1)
        reached = np.cumsum(self.shares[order], axis=1)
        middle = np.argmax(reached >= 0.5 - 1e-12, axis=1)
        rows = np.arange(len(places))
        return np.asarray(-distances[rows, order[rows, middle]])


def _fullest_squares(training: TrainingPlaces, side_km: float) -> Array:
    """Mean places of the fullest squares of four grids, each shifted by half a square: (C, 2)."""
    found = []
    height_deg = math.degrees(side_km / GRATICULE.radius_km)
    for shift_up in (0.0, 0.5):
        rows = np.floor((training.latlon[:, 0] + 90) / height_deg + shift_up)
        middle_deg = np.clip((rows + 0.5 - shift_up) * height_deg - 90, -90, 90)
        width_deg = height_deg / np.maximum(np.cos(np.radians(middle_deg)), 1e-3)
        for shift_right in (0.0, 0.5):
            columns = np.floor((training.latlon[:, 1] + 180) / width_deg + shift_right)
            keys = rows.astype(np.int64) * 1_000_000 + columns.astype(np.int64)
            _, square = np.unique(keys, return_inverse=True)
            loads = np.bincount(square, weights=training.weights)
            fullest = np.argsort(loads, kind="stable")[::-1][:SQUARES_PER_GRID]
            found.append(group_means(training.latlon, square, len(loads), training.weights)[fullest])
    starts = np.concatenate(found)
    return starts[np.isfinite(starts).all(axis=1)]


def _climb_from(
    starts: Array, gain: Gain, step_km: float, keep: int, mean_of: Callable[[Array], Array] | None = None
) -> Array:
    """The best end of the climbs from the ``keep`` best starts."""
    scores = gain(starts)
    best: Array = starts[int(np.argmax(scores))]
    best_score = -math.inf
    for start in starts[np.argsort(scores, kind="stable")[::-1][:keep]]:
        end, score = _climb(start, gain, step_km, mean_of)
        if score > best_score:
            best, best_score = end, score
    return best


def _climb(
    place: Array, gain: Gain, step_km: float, mean_of: Callable[[Array], Array] | None
) -> tuple[Array, float]:
    """Pattern search: eight directions and the mean of what is held; half the step where none is better."""
    score = float(gain(place[None])[0])
    halvings = 0
    while halvings <= HALVINGS:
        around = destination(np.broadcast_to(place, (len(BEARINGS_DEG), 2)), BEARINGS_DEG, step_km)
        tried = around if mean_of is None else np.concatenate([around, mean_of(place)[None]])
        scores = gain(tried)
        better = int(np.argmax(scores))
        if scores[better] > score:
            place, score = tried[better], float(scores[better])
        else:
            step_km /= 2
            halvings += 1
    return place, score
