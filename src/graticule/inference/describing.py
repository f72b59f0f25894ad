"""What the network said, in; predictions with places, names, countries and regions, out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from graticule.bundle.regions import cells_within, continents_of_cells, limits_of
from graticule.bundle.scaling import scaled
from graticule.geo.outlines import country_of
from graticule.inference.estimate import Estimate, best_groups, chosen_cells, distances_km
from graticule.inference.looking import Seen
from graticule.predictions import SCHEMA, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.bundle import BundleCard
    from graticule.partitions import Partition

NEAR_LAND_KM: Final = 200.0
"""A cell whose mean place lies within this of a coast belongs to that country."""


@dataclass(frozen=True)
class Wording:
    """What an answer is to hold.

    Convention:
        - ``top``: candidates kept; ``estimate``: how the point is chosen
        - ``promise``: key of the card's thresholds, or None for no region
    """

    top: int
    estimate: Estimate
    promise: str | None


class Describing:
    """A bundle's cells and card, ready to put numbers into answers."""

    def __init__(self, card: BundleCard, partition: Partition, *, gives_cells: bool) -> None:
        self._card = card
        self._partition = partition
        self._gives_cells = gives_cells

    def describe(self, seen: Seen, wording: Wording) -> Predictions:
        """The answers for N photos, with the calibrated probabilities of all cells beside them."""
        width = self._partition.count if self._gives_cells else 0
        kept = np.zeros((len(seen.sources), width), dtype=np.float32)
        answers: list[dict[str, Any]] = [{} for _ in seen.sources]
        found = seen.answer
        if found is not None:
            points = found.position if wording.estimate == "position" else None
            if found.probabilities is None:
                described = _placed(np.asarray(points))
            else:
                shares = scaled(
                    found.probabilities, temperature=self._card.temperature, scaling=self._card.scaling
                )
                kept[seen.readable] = shares
                described = self._described(shares, wording, points)
            for row, answer in zip(seen.readable, described, strict=True):
                answers[row] = answer
        rows = [
            dict.fromkeys(SCHEMA)
            | {
                "photo_id": source.photo_id,
                "path": source.path,
                "model": self._card.identity,
                "candidates": [],
            }
            | answer
            | ({} if refusal is None else {"error": str(refusal)})
            for source, refusal, answer in zip(seen.sources, seen.refusals, answers, strict=True)
        ]
        table = pl.DataFrame(rows, schema=SCHEMA)
        return Predictions(table, partition=self._partition, probabilities=kept if width else None)

    @cached_property
    def cell_countries(self) -> list[str | None]:
        """ISO 3166-1 alpha-2 of the country that each cell's mean place lies in; None in the open sea."""
        # A mean place can lie off the coast; without the gazetteer the first answer comes sooner.
        return list(country_of(self._partition.centres, within_km=NEAR_LAND_KM, town_within_km=0.0))

    def _described(
        self, shares: NDArray[np.float64], wording: Wording, points: NDArray[np.floating] | None
    ) -> list[dict[str, Any]]:
        """The fields of an answer for each row of calibrated probabilities (N, K).

        Convention:
            - ``points``: (N, 2) degrees, the network's own places; None: chosen from the cells
        """
        if points is None:
            between_km = self._between_km if wording.estimate == "expected-distance" else None
            points = self._partition.centres[chosen_cells(shares, wording.estimate, between_km)]
        best = np.argsort(-shares, axis=1, kind="stable")[:, : wording.top]
        countries, country_shares = best_groups(shares, self._country_of_cell, len(self._countries))
        promise = wording.promise
        regions = None if promise is None else self._regions(shares, promise)
        return [
            {
                "latitude": float(points[row, 0]),
                "longitude": float(points[row, 1]),
                "confidence": float(shares[row, best[row, 0]]),
                "candidates": [self._candidate(cell, shares[row, cell]) for cell in best[row]],
                "country": self._countries[countries[row]] if countries[row] >= 0 else None,
                "country_confidence": float(country_shares[row]) if countries[row] >= 0 else None,
                "region_cells": None if regions is None else regions[row].tolist(),
                "region_km2": None if regions is None else float(self._areas_km2[regions[row]].sum()),
                "region_promise": None if promise is None else float(promise),
            }
            for row in range(len(shares))
        ]

    def _regions(self, shares: NDArray[np.float64], promise: str) -> list[NDArray[np.intp]]:
        card = self._card
        between_km = self._between_km if card.region_rule.needs_distances else None
        groups = self._continents if card.region_rule.by == "continent" else None
        limits = limits_of(card.conformal[promise], card.conformal_by_group.get(promise), groups)
        return cells_within(shares, card.region_rule.scores(shares, between_km), limits)

    def _candidate(self, cell: int, probability: float) -> dict[str, Any]:
        latitude, longitude = self._partition.centres[cell]
        return {
            "cell": int(cell),
            "token": self._partition.tokens[cell],
            "name": self._partition.names[cell],
            "latitude": float(latitude),
            "longitude": float(longitude),
            "probability": float(probability),
        }

    @cached_property
    def _between_km(self) -> NDArray[np.float64]:
        return distances_km(self._partition.centres)

    @cached_property
    def _continents(self) -> list[str]:
        return continents_of_cells(self._partition)

    @cached_property
    def _areas_km2(self) -> NDArray[np.float64]:
        return self._partition.areas_km2

    @cached_property
    def _countries(self) -> list[str]:
        return sorted({code for code in self.cell_countries if code is not None})

    @cached_property
    def _country_of_cell(self) -> NDArray[np.intp]:
        index = {code: number for number, code in enumerate(self._countries)}
        return np.array([-1 if code is None else index[code] for code in self.cell_countries], dtype=np.intp)


def _placed(points: NDArray[np.floating]) -> list[dict[str, Any]]:
    """The fields of an answer that is a place (N, 2) in degrees and no more."""
    countries = country_of(points, within_km=NEAR_LAND_KM, town_within_km=0.0)
    return [
        {"latitude": float(latitude), "longitude": float(longitude), "country": country}
        for (latitude, longitude), country in zip(points, countries, strict=True)
    ]
