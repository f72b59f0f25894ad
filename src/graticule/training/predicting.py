"""Predictions of a network in torch, for the validation photos of a run and for export's parity check."""

from __future__ import annotations

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
from graticule.predictions import Predictions
from graticule.predictions.predictions import SCHEMA
from graticule.training.loading import Photos, ordered_loader
from graticule.training.module import as_image
from graticule.training.photo_sets import PhotoSet
from graticule.training.points import Points

TOP: Final = 10
"""How many candidates a prediction lists."""


@torch.no_grad()
def predict_cells(
    network: PlaceNetwork, photos: Photos, *, batch_size: int, workers: int | None
) -> NDArray[np.float32]:
    """Probabilities (N, K) of the photos, in order; a row of NaN for one that cannot be read."""
    network.eval()
    device = next(network.parameters()).device
    probabilities = np.full((len(photos), len(network.logit_shift)), np.nan, dtype=np.float32)
    for batch in ordered_loader(photos, batch_size=batch_size, workers=workers):
        if len(batch.rows):
            found, _ = network(as_image(batch.inputs).to(device))
            probabilities[batch.rows.numpy()] = found.cpu().numpy()
    return probabilities


def write_predictions(
    path: Path,
    probabilities: NDArray[np.float32],
    photos: PhotoSet,
    partition: Partition,
    *,
    model: str,
    estimate: Estimate = "best-cell",
) -> None:
    """Write ``predictions.parquet`` of N photos: best cells, uncalibrated, and the point of the answer."""
    read = ~np.isnan(probabilities[:, 0])
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :TOP]
    codes = list(country_of(partition.centres))
    countries = sorted({code for code in codes if code is not None})
    group = np.array([countries.index(code) if code is not None else -1 for code in codes], dtype=np.intp)
    chosen, shares = best_groups(np.nan_to_num(probabilities).astype(np.float64), group, len(countries))
    points = Points(partition.centres, estimate).of(np.nan_to_num(probabilities))
    rows = []
    for row in range(len(photos)):
        answer: dict[str, object] = {"candidates": [], "error": "The photo could not be read."}
        if read[row]:
            candidates = [
                _candidate(partition, int(cell), float(probabilities[row, cell])) for cell in best[row]
            ]
            answer = {
                "latitude": float(points[row, 0]),
                "longitude": float(points[row, 1]),
                "confidence": candidates[0]["probability"],
                "candidates": candidates,
                "country": countries[chosen[row]] if chosen[row] >= 0 else None,
                "country_confidence": float(shares[row]) if chosen[row] >= 0 else None,
            }
        given = {"photo_id": photos.ids[row], "path": str(photos.paths[row]), "model": model}
        rows.append(dict.fromkeys(SCHEMA) | given | answer)
    Predictions(pl.DataFrame(rows, schema=SCHEMA)).write(path)


def _candidate(partition: Partition, cell: int, probability: float) -> dict[str, object]:
    return {
        "cell": cell,
        "token": partition.tokens[cell],
        "name": partition.names[cell],
        "latitude": float(partition.centres[cell, 0]),
        "longitude": float(partition.centres[cell, 1]),
        "probability": probability,
    }
