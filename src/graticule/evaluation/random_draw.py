"""What a random draw from the training places would score: its expectation, not one lucky draw.

Every photo is answered with a training place drawn by weight. For few places the expectation is exact:
all pairs are looked at. For many, each photo gets its own draws, from a fixed seed, so many that the
standard error of a share stays below 0.00023.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.config import THRESHOLDS_KM
from graticule.evaluation.curves import CURVE_KM
from graticule.evaluation.protocols import GRATICULE, Array, Protocol
from graticule.evaluation.training_places import TrainingPlaces
from graticule.geo.sphere import unit_vectors

MOST_PAIRS: Final = 5_000_000
CHUNK_PAIRS: Final = 2_000_000

_BINS: Final = 4000
_NEAREST_KM: Final = 1e-3
_PER_LOG: Final = _BINS / np.log(21_000.0 / _NEAREST_KM)


@dataclass(frozen=True, eq=False, slots=True)
class RandomDraw:
    """Expected figures of a random draw.

    Convention:
        - ``within_km``: shares by threshold; ``median_km``: median over all pairs of photo and place
        - ``curve``: share within each distance of ``CURVE_KM``
        - ``is_exact``: all pairs were looked at; otherwise ``pairs`` draws
    """

    within_km: dict[str, float]
    median_km: float
    mean_km: float
    geoscore: float
    curve: Array
    is_exact: bool
    pairs: int


def random_draw(
    truth: Array, training: TrainingPlaces, *, protocol: Protocol = GRATICULE, seed: int = 0
) -> RandomDraw:
    """The expected figures of answering each photo with a training place drawn by weight.

    Convention:
        - ``truth``: (latitude, longitude) in degrees, shape (N, 2)

    Example:
        >>> draw = random_draw(np.array([[0.0, 0.0]]), TrainingPlaces.of([[0, 0], [0, 90]], "two places"))
        >>> draw.within_km["750"], round(draw.mean_km, 1)
        (0.5, 5003.8)
    """
    is_exact = len(truth) * len(training) <= MOST_PAIRS
    hits = np.zeros(len(THRESHOLDS_KM))
    histogram = np.zeros(_BINS + 1)
    sum_km = sum_score = sum_weight = 0.0
    pairs = 0
    for distances, shares in _pairs(truth, training, is_exact, protocol, seed):
        pairs += distances.size
        hits += [float((protocol.is_within(distances, limit) * shares).sum()) for limit in THRESHOLDS_KM]
        bins = (np.log(np.maximum(distances, _NEAREST_KM) / _NEAREST_KM) * _PER_LOG).astype(np.int64)
        weights = np.broadcast_to(shares, distances.shape).ravel()
        histogram += np.bincount(bins.ravel(), weights=weights, minlength=_BINS + 1)
        sum_km += float((distances * shares).sum())
        sum_score += float((protocol.geoscore(distances) * shares).sum())
        sum_weight += float(weights.sum())
    # upper edges of the bins; inside a bin (0.4 % wide) the distribution is taken as even
    edges_km = _NEAREST_KM * np.exp(np.arange(1, _BINS + 2) / _PER_LOG)
    reached = np.cumsum(histogram) / histogram.sum()
    return RandomDraw(
        within_km={
            f"{limit}": float(hit / sum_weight) for limit, hit in zip(THRESHOLDS_KM, hits, strict=True)
        },
        median_km=_median_km(reached, edges_km),
        mean_km=sum_km / sum_weight,
        geoscore=sum_score / sum_weight,
        curve=np.interp(CURVE_KM, edges_km, reached),
        is_exact=is_exact,
        pairs=pairs,
    )


def _median_km(reached: Array, edges_km: Array) -> float:
    middle = int(np.argmax(reached >= 0.5))
    if middle == 0:
        return 0.0
    before = reached[middle - 1]
    inside = (0.5 - before) / (reached[middle] - before)
    return float(edges_km[middle - 1] * (edges_km[middle] / edges_km[middle - 1]) ** inside)


def _pairs(
    truth: Array, training: TrainingPlaces, is_exact: bool, protocol: Protocol, seed: int
) -> Iterator[tuple[Array, Array]]:
    """Distances in km (b, m) from some photos to places, and the share of each of the m places."""
    photos, places = unit_vectors(truth), unit_vectors(training.latlon)
    if is_exact:
        shares = training.weights / training.weights.sum()
        step = max(1, CHUNK_PAIRS // len(places))
        for start in range(0, len(photos), step):
            yield _angles_km(photos[start : start + step] @ places.T, protocol), shares
        return
    random = np.random.default_rng(seed)
    draws = max(1, MOST_PAIRS // len(photos))
    step = max(1, CHUNK_PAIRS // draws)
    for start in range(0, len(photos), step):
        some = photos[start : start + step]
        chosen = places[_drawn(training.weights, (len(some), draws), random)]
        yield _angles_km(np.einsum("bi,bdi->bd", some, chosen), protocol), np.full(draws, 1 / draws)


def _drawn(weights: Array, shape: tuple[int, int], random: np.random.Generator) -> NDArray[np.int64]:
    """Indices of places, each drawn as often as it weighs."""
    if np.ptp(weights) == 0:
        return random.integers(0, len(weights), size=shape, dtype=np.int64)
    reached = np.cumsum(weights)
    found = np.searchsorted(reached, random.random(shape) * reached[-1], side="right")
    return np.asarray(np.minimum(found, len(weights) - 1), dtype=np.int64)


def _angles_km(cosines: Array, protocol: Protocol) -> Array:
    return np.asarray(protocol.radius_km * np.arccos(np.clip(cosines, -1.0, 1.0)), dtype=np.float64)
