"""Times evaluation: all metrics of millions of photos, the bootstrap, and the report.

Run:  python bench/evaluate.py [--photos 5000000]

Bounds (issue 7): all metrics of 5 million predictions without the bootstrap under 5 s and 4 GB; the
bootstrap of 100,000 photos x 1,000 resamples under 10 s; the report of 3,000 photos under 20 s.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from graticule.evaluation import TrainingPlaces, evaluate_predictions
from graticule.evaluation.curves import CURVE_KM
from graticule.evaluation.intervals import Distribution, Ratio, resample
from graticule.evaluation.paired import compare_predictions
from graticule.reports import write_report

TOWNS = np.array([[48.9, 2.4], [40.7, -74.0], [35.7, 139.7], [-33.9, 151.2], [-1.3, 36.8], [-23.5, -46.6]])
COUNTRIES = np.array(["FR", "US", "JP", "AU", "KE", "BR"])


def tables(count: int, random: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Predictions and truth of so many photos around six towns; every other answer is in the right one."""
    where = random.integers(0, 6, count)
    said = np.where(random.random(count) < 0.5, where, random.integers(0, 6, count))
    places = TOWNS[where] + random.normal(0, 3, (count, 2))
    answers = TOWNS[said] + random.normal(0, 1, (count, 2))
    ids = pl.Series("photo_id", np.arange(count)).cast(pl.String)
    truth = pl.DataFrame(
        {"photo_id": ids, "latitude": places[:, 0], "longitude": places[:, 1], "country": COUNTRIES[where]}
    )
    predictions = pl.DataFrame(
        {"photo_id": ids, "latitude": answers[:, 0], "longitude": answers[:, 1], "country": COUNTRIES[said]}
    )
    return predictions, truth


def timed(name: str, work: Callable[[], object]) -> None:
    start, busy = time.perf_counter(), time.process_time()
    work()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name:<58}{seconds:8.2f} s  {busy:8.2f} s of processor   peak so far {peak_gb:.2f} GB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=5_000_000)
    photos = parser.parse_args().photos
    random = np.random.default_rng(0)
    training = TrainingPlaces.of(tables(100_000, random)[1].select("latitude", "longitude"), "100,000 places")

    predictions, truth = tables(300, random)
    timed(
        "300 photos, 1,000 resamples (first call: loads names)",
        lambda: evaluate_predictions(predictions, truth, training_places=training),
    )
    timed(
        "300 photos, 1,000 resamples",
        lambda: evaluate_predictions(predictions, truth, training_places=training),
    )

    errors = random.lognormal(6, 2, 100_000)
    ratios = {f"{limit}": Ratio(errors <= limit) for limit in np.geomspace(1, 20_000, 20)}
    timed(
        "bootstrap, 100,000 photos x 1,000, 20 shares + median + curve",
        lambda: resample(ratios, {"median": Distribution(errors, CURVE_KM)}),
    )
    groups = random.integers(0, 20_000, 100_000)
    timed(
        "the same by 20,000 groups",
        lambda: resample(ratios, {"median": Distribution(errors, CURVE_KM)}, groups=groups),
    )

    half, half_truth = tables(100_000, random)
    timed(
        "whole evaluation of 100,000 photos, 1,000 resamples",
        lambda: evaluate_predictions(half, half_truth, training_places=training),
    )
    others = tables(100_000, random)[0].with_columns(half["photo_id"])
    timed(
        "comparison of two sets for 100,000 photos, 1,000 resamples",
        lambda: compare_predictions({"a": half, "b": others}, half_truth),
    )

    few, few_truth = tables(3_000, random)

    def report() -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_report(folder, evaluate_predictions(few, few_truth, training_places=training))

    timed("evaluation and report of 3,000 photos", report)
    many, many_truth = tables(photos, random)
    timed(
        f"all metrics of {photos:,} photos, no bootstrap",
        lambda: evaluate_predictions(many, many_truth, training_places=training, resamples=0),
    )
    many = many.sample(fraction=1.0, shuffle=True, seed=0)
    timed(
        "the same, the predictions in another order than the truth",
        lambda: evaluate_predictions(many, many_truth, training_places=training, resamples=0),
    )


if __name__ == "__main__":
    main()
