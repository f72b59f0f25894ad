"""Predictions of a network in torch, for the validation photos of a run and for export's parity check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from graticule.geo.outlines import country_of
from graticule.inference.estimate import Estimate, best_groups
from graticule.models import PlaceNetwork
from graticule.partitions import Partition
from graticule.predictions import SCHEMA, Predictions
from graticule.training.loading import Photos, ordered_loader
from graticule.training.module import as_image
from graticule.training.photo_sets import PhotoSet
from graticule.training.points import Points

TOP: Final = 10
"""How many candidates a prediction lists."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says of N photos.

    Convention:
        - ``probabilities``: (N, K), or None; ``positions``: (N, 2) degrees, or None; at least one of them
        - ``read``: (N,) which photos could be read; the rows of others hold NaN
    """

    probabilities: NDArray[np.float32] | None
    positions: NDArray[np.float32] | None
    read: NDArray[np.bool_]

    def best_cells(self, partition: Partition) -> NDArray[np.int64]:
        """The most probable cell of each photo, or the one that the position lies in; -1 for none."""
        if self.probabilities is not None:
            best = np.nan_to_num(self.probabilities).argmax(axis=1)
        else:
            best = partition.encode(np.nan_to_num(np.asarray(self.positions, dtype=np.float64)))
        return np.where(self.read, best, -1).astype(np.int64)


@torch.no_grad()
def predict_photos(network: PlaceNetwork, photos: Photos, *, batch_size: int, workers: int | None) -> Answers:
    """The network's answers for the photos, in order."""
    network.eval()
    device = next(network.parameters()).device
    widths = {"probabilities": len(network.logit_shift), "position": 2}
    found = {
        name: np.full((len(photos), widths[name]), np.nan, dtype=np.float32)
        for name in network.output_names
        if name in widths
    }
    read = np.zeros(len(photos), dtype=bool)
    for batch in ordered_loader(photos, batch_size=batch_size, workers=workers):
        if len(batch.rows):
            rows = batch.rows.numpy()
            read[rows] = True
            said = network(as_image(batch.inputs).to(device))
            for name, part in zip(network.output_names, said, strict=True):
                if name in found:
                    found[name][rows] = part.cpu().numpy()
    return Answers(found.get("probabilities"), found.get("position"), read)


def write_predictions(
    path: Path,
    answers: Answers,
    photos: PhotoSet,
    partition: Partition,
    *,
    model: str,
    estimate: Estimate = "best-cell",
) -> None:
    """Write ``predictions.parquet`` of N photos: best cells, uncalibrated, and the point of the answer."""
    probabilities, positions = answers.probabilities, answers.positions
    shares = None if probabilities is None else np.nan_to_num(probabilities)
    places = None if positions is None else np.nan_to_num(positions)
    points = Points(partition.centres, estimate).of(shares, places)
    fields = _of_places(points) if shares is None else _of_cells(shares, partition)
    rows = []
    for row in range(len(photos)):
        answer: dict[str, object] = {"candidates": [], "error": "The photo could not be read."}
        if answers.read[row]:
            point = {"latitude": float(points[row, 0]), "longitude": float(points[row, 1])}
            answer = {**point, **fields[row]}
        given = {"photo_id": photos.ids[row], "path": str(photos.paths[row]), "model": model}
        rows.append(dict.fromkeys(SCHEMA) | given | answer)
    Predictions(pl.DataFrame(rows, schema=SCHEMA)).write(path)


def _of_places(points: NDArray[np.float64]) -> list[dict[str, object]]:
    return [{"candidates": [], "country": code} for code in country_of(points)]


def _of_cells(probabilities: NDArray[np.float32], partition: Partition) -> list[dict[str, object]]:
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :TOP]
    codes = list(country_of(partition.centres))
    countries = sorted({code for code in codes if code is not None})
    group = np.array([countries.index(code) if code is not None else -1 for code in codes], dtype=np.intp)
    chosen, shares = best_groups(probabilities.astype(np.float64), group, len(countries))
    return [
        {
            "confidence": float(probabilities[row, cells[0]]),
            "candidates": [
                _candidate(partition, int(cell), float(probabilities[row, cell])) for cell in cells
            ],
            "country": countries[chosen[row]] if chosen[row] >= 0 else None,
            "country_confidence": float(shares[row]) if chosen[row] >= 0 else None,
        }
        for row, cells in enumerate(best)
    ]


def _candidate(partition: Partition, cell: int, probability: float) -> dict[str, object]:
    return {
        "cell": cell,
        "token": partition.tokens[cell],
        "name": partition.names[cell],
        "latitude": float(partition.centres[cell, 0]),
        "longitude": float(partition.centres[cell, 1]),
        "probability": probability,
    }
