"""What knows nothing of the photo: the trivial guesses that stand beside every model.

- ``constant``: the best constant guess, a place of its own for each figure, found on the training places
- ``random``: a random draw from the training places, in expectation
- ``clusters``: S3's draw, a random point of a random cluster of the training places
- ``largest_cell``: always the centre of the most photographed cell

Each has the fields of the model's own metrics, so that a reader can compare line by line.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from graticule.config import THRESHOLDS_KM
from graticule.evaluation import metrics
from graticule.evaluation.cluster_draw import CLUSTERS, cluster_draw
from graticule.evaluation.constants import best_constants
from graticule.evaluation.curves import cumulative
from graticule.evaluation.ground_truth import GroundTruth
from graticule.evaluation.labels import Booleans
from graticule.evaluation.one_place import errors_of_place, is_within_place
from graticule.evaluation.protocols import Array, Protocol
from graticule.evaluation.random_draw import RandomDraw, random_draw
from graticule.evaluation.training_places import TrainingPlaces
from graticule.geo import s2
from graticule.geo.outlines import country_of
from graticule.geo.places import place_names
from graticule.geo.sphere import spherical_mean

TOP_K: Final = (1, 3, 5, 10)

LARGEST_CELL_LEVEL: Final = 6
"""S2 level (cells about 140 km wide) of the largest cell where no partition is known."""

MOST_FOR_COUNTRIES: Final = 20_000
"""Past so many training places a sample tells how photos are spread over countries."""

CLUSTER_DRAWS: Final = 200_000
"""So many of S3's guesses at least are judged, or one for each photo up to twice as many."""


@dataclass(frozen=True, eq=False)
class Baselines:
    """The baselines over the same photos.

    Convention:
        - ``constants``: the best place of each goal, (2,) degrees
        - ``constant_errors_km``: for the goals that need them (median, mean, GeoScore), the error of each
          photo, shape (N,); ``constant_within``: for the thresholds, whether each photo is within, (N,)
        - ``drawn_errors_km``: errors of S3's draw from clusters, shape (D,)
    """

    truth: GroundTruth
    training: TrainingPlaces
    protocol: Protocol
    constants: dict[str, Array]
    constant_errors_km: dict[str, Array]
    constant_within: dict[str, Booleans]
    draw: RandomDraw
    drawn_errors_km: Array
    largest_cell: Array
    country_shares: dict[str, float]

    @classmethod
    def of(
        cls, truth: GroundTruth, training: TrainingPlaces, *, protocol: Protocol, seed: int = 0
    ) -> Baselines:
        """Find the constants on ``training`` and judge all baselines on ``truth``."""
        truth.vectors  # noqa: B018 -- made once, before two threads ask for them
        # NumPy works outside Python's lock, so that a second core takes the draws
        with ThreadPoolExecutor(1) as beside:
            draw = beside.submit(random_draw, truth.latlon, training, protocol=protocol, seed=seed)
            drawn = beside.submit(_drawn_errors_km, truth, training, protocol, seed)
            constants = best_constants(training, protocol=protocol)
            errors_km, within = _of_constants(constants, truth, protocol)
        return cls(
            truth=truth,
            training=training,
            protocol=protocol,
            constants=constants,
            constant_errors_km=errors_km,
            constant_within=within,
            draw=draw.result(),
            drawn_errors_km=drawn.result(),
            largest_cell=_largest_cell(truth, training),
            country_shares=_country_shares(training),
        )

    @property
    def constant_curve(self) -> Array:
        """Share within each distance of ``CURVE_KM`` for the one place that is best for the GeoScore."""
        return cumulative(self.constant_errors_km["geoscore"])

    def to_dict(self) -> dict[str, Any]:
        """The part ``baselines`` of ``metrics.json``."""
        return {
            "source": self.training.source,
            "is_in_sample": self.training.is_in_sample,
            "is_by_cell": self.training.areas_km2 is not None,
            "training_places": len(self.training),
            "constant": self._constant(),
            "random": self._random(),
            "clusters": self._clusters(),
            "largest_cell": self._largest_cell(),
        }

    def _constant(self) -> dict[str, Any]:
        errors = self.constant_errors_km
        names = place_names(np.stack(list(self.constants.values())))
        places = {
            goal: {"latitude": float(place[0]), "longitude": float(place[1]), "name": name}
            for (goal, place), name in zip(self.constants.items(), names, strict=True)
        }
        country = max(self.country_shares, key=self.country_shares.__getitem__, default=None)
        return {
            "n": len(self.truth),
            "median_km": metrics.median_km(errors["median_km"]),
            "mean_km": metrics.mean_km(errors["mean_km"]),
            "within_km": {
                limit: float(np.count_nonzero(flags) / len(flags))
                for limit, flags in self.constant_within.items()
            },
            "geoscore": metrics.geoscore(errors["geoscore"], protocol=self.protocol),
            "top_k": self._most_photographed_top_k(),
            "country_accuracy": self._country_accuracy({} if country is None else {country: 1.0}),
            "ece": None,
            "coverage_90": None,
            "places": places,
            "country": country,
        }

    def _random(self) -> dict[str, Any]:
        return {
            "n": len(self.truth),
            "median_km": self.draw.median_km,
            "mean_km": self.draw.mean_km,
            "within_km": self.draw.within_km,
            "geoscore": self.draw.geoscore,
            "top_k": self._random_top_k(),
            "country_accuracy": self._country_accuracy(self.country_shares),
            "ece": None,
            "coverage_90": None,
            "is_exact": self.draw.is_exact,
            "pairs": self.draw.pairs,
        }

    def _clusters(self) -> dict[str, Any]:
        nothing = {f"{k}": None for k in TOP_K}
        return {
            **self._figures(self.drawn_errors_km),
            "top_k": nothing,
            "country_accuracy": None,
            "ece": None,
            "coverage_90": None,
            "clusters": CLUSTERS,
            "draws": len(self.drawn_errors_km),
        }

    def _largest_cell(self) -> dict[str, Any]:
        country = country_of(self.largest_cell[None])[0]
        latitude, longitude = self.largest_cell.tolist()
        name = place_names(self.largest_cell[None])[0]
        return {
            **self._figures(errors_of_place(self.largest_cell, self.truth, self.protocol)),
            "top_k": self._most_photographed_top_k(),
            "country_accuracy": self._country_accuracy({} if country is None else {country: 1.0}),
            "ece": None,
            "coverage_90": None,
            "place": {"latitude": latitude, "longitude": longitude, "name": name},
        }

    def _figures(self, errors_km: Array) -> dict[str, Any]:
        return {
            "n": len(self.truth),
            "median_km": metrics.median_km(errors_km),
            "mean_km": metrics.mean_km(errors_km),
            "within_km": metrics.within_km(errors_km, protocol=self.protocol),
            "geoscore": metrics.geoscore(errors_km, protocol=self.protocol),
        }

    def _country_accuracy(self, shares: dict[str, float]) -> float | None:
        """Expected share of right countries when each is answered with its share of ``shares``."""
        counts = self.truth.country.counts
        right = sum(count * shares.get(code, 0.0) for code, count in counts.items())
        return right / sum(counts.values()) if sum(counts.values()) else None

    def _most_photographed_top_k(self) -> dict[str, float | None]:
        if self.truth.partition is None or self.truth.cells is None:
            return {f"{k}": None for k in TOP_K}
        ranked = np.argsort(-np.asarray(self.truth.partition.photos), kind="stable")
        return {f"{k}": float(np.isin(self.truth.cells, ranked[:k]).mean()) for k in TOP_K}

    def _random_top_k(self) -> dict[str, float | None]:
        """Of k draws with replacement, one is the true cell with probability 1 - (1 - its share) ** k."""
        if self.truth.partition is None or self.truth.cells is None:
            return {f"{k}": None for k in TOP_K}
        photos = np.asarray(self.truth.partition.photos, dtype=np.float64)
        covered = self.truth.cells != metrics.NO_CELL
        share = np.where(covered, photos[self.truth.cells] / max(photos.sum(), 1.0), 0.0)
        return {f"{k}": float((1 - (1 - share) ** k).mean()) for k in TOP_K}


def _of_constants(
    constants: dict[str, Array], truth: GroundTruth, protocol: Protocol
) -> tuple[dict[str, Array], dict[str, Booleans]]:
    """Errors in km for the goals that need them, and whether within for the thresholds."""
    limits = {f"{limit}": float(limit) for limit in THRESHOLDS_KM}
    errors_km = {
        goal: errors_of_place(place, truth, protocol)
        for goal, place in constants.items()
        if goal not in limits
    }
    within = {goal: is_within_place(constants[goal], truth, protocol, km) for goal, km in limits.items()}
    return errors_km, within


def _drawn_errors_km(truth: GroundTruth, training: TrainingPlaces, protocol: Protocol, seed: int) -> Array:
    """Errors of S3's guesses: every photo as often as every other, or past many photos some of them."""
    most = 2 * CLUSTER_DRAWS
    rows = np.arange(len(truth))
    if len(rows) > most:
        rows = np.random.default_rng(seed).choice(len(rows), most, replace=False)
    else:
        rows = np.tile(rows, -(-CLUSTER_DRAWS // len(rows)))
    return protocol.distance_km(cluster_draw(training, len(rows), seed=seed), truth.latlon[rows])


def _largest_cell(truth: GroundTruth, training: TrainingPlaces) -> Array:
    """Centre of the most photographed cell: of the partition, else mean place of a fixed S2 level."""
    if truth.partition is not None:
        return np.asarray(truth.partition.centres[int(np.argmax(truth.partition.photos))], dtype=np.float64)
    ids, cell = np.unique(s2.cell_ids(training.latlon, LARGEST_CELL_LEVEL), return_inverse=True)
    loads = np.bincount(cell, weights=training.weights, minlength=len(ids))
    inside = cell == int(np.argmax(loads))
    return spherical_mean(training.latlon[inside], training.weights[inside])


def _country_shares(training: TrainingPlaces) -> dict[str, float]:
    few = training.thinned(MOST_FOR_COUNTRIES)
    shares: dict[str, float] = defaultdict(float)
    for code, weight in zip(country_of(few.latlon), few.weights / few.weights.sum(), strict=True):
        if code is not None:
            shares[code] += float(weight)
    return dict(shares)
