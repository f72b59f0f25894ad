"""How long the report of an evaluation takes: ``python bench/report.py``.

Bound: 3,000 photos with 100 cells in under 20 s. Photos, cells and answers are drawn by chance; thumbnails
are left out, since they measure the disk.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from graticule.evaluation import evaluate_predictions
from graticule.partitions import Partition, build_s2
from graticule.predictions import Candidate, Prediction, Predictions
from graticule.reports import write_report

PHOTOS = 3000
BOUND_S = 20.0


def drawn() -> tuple[Partition, Predictions, pl.DataFrame]:
    random = np.random.default_rng(0)
    towns = random.uniform([-50, -170], [65, 170], (100, 2))
    cells = build_s2(
        np.repeat(towns, 30, axis=0) + random.normal(0, 0.5, (3000, 2)), max_photos=60, min_photos=10
    )
    true = random.integers(0, cells.count, PHOTOS)
    said = np.where(random.random(PHOTOS) < 0.4, true, random.integers(0, cells.count, PHOTOS))
    confidence = random.uniform(0.05, 0.9, PHOTOS)
    rows = []
    for i, cell in enumerate(said.tolist()):
        latitude, longitude = cells.centres[cell].tolist()
        best = Candidate(cell, cells.tokens[cell], cells.names[cell], latitude, longitude, confidence[i])
        rows.append(
            Prediction(
                f"p{i}",
                latitude=latitude,
                longitude=longitude,
                confidence=confidence[i],
                candidates=(best,),
                region_cells=(cell, (cell + 1) % cells.count),
                region_km2=1e5,
                region_promise=0.9,
                model="chance@1",
            )
        )
    truth = pl.DataFrame(
        {
            "photo_id": [f"p{i}" for i in range(PHOTOS)],
            "latitude": cells.centres[true, 0],
            "longitude": cells.centres[true, 1],
        }
    )
    return cells, Predictions.of(rows), truth


def main() -> None:
    cells, predictions, truth = drawn()
    start = time.perf_counter()
    evaluation = evaluate_predictions(predictions, truth, partition=cells)
    evaluated = time.perf_counter()
    cpu = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        write_report(Path(folder), evaluation)
        written = time.perf_counter()
    print(f"{PHOTOS:,} photos, {cells.count} cells: figures and intervals {evaluated - start:.1f} s,")
    print(f"report {written - evaluated:.1f} s ({time.process_time() - cpu:.1f} s of processor time)")
    verdict = "within" if written - evaluated < BOUND_S else "ABOVE"
    print(f"bound {BOUND_S:.0f} s: {verdict}")


if __name__ == "__main__":
    main()
