"""A model on a published test: read the test as it lies on disk, predict, judge by its rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from graticule.benchmarks.catalogue import Benchmark, benchmark_named
from graticule.benchmarks.published import NOT_OURS, published_results
from graticule.errors import MissingFileError
from graticule.evaluation import Evaluation, TrainingPlaces, evaluate_predictions
from graticule.evaluation.classes import ClassEvaluation, ClassTable, evaluate_classes
from graticule.evaluation.matching import shown
from graticule.geo.outlines import country_of
from graticule.photos.layouts import Words, choose_layout
from graticule.predictions import Predictions

if TYPE_CHECKING:
    from graticule.inference import Model

CANDIDATES: Final = 100
"""So many cells are asked for where countries are to be ranked."""

RANKED: Final = 10


@dataclass(frozen=True, eq=False)
class BenchmarkRun:
    """What came out.

    Convention:
        - ``result``: the evaluation, of places or of classes; its ``metrics`` have the part ``benchmark``:
          the test's name, size and photos found, and ``published``, the rows of published figures
    """

    benchmark: Benchmark
    predictions: Predictions
    result: Evaluation | ClassEvaluation

    @property
    def metrics(self) -> dict[str, Any]:
        """The document of ``metrics.json``."""
        return self.result.metrics


def run_benchmark(
    name: str,
    photos: str | Path,
    model: Model,
    *,
    training_places: TrainingPlaces | None = None,
    protocol: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> BenchmarkRun:
    """Predict the photos of a published test and judge the answers.

    Convention:
        - ``photos``: the folder with the published table and photos, or the table
        - ``protocol``: the test's own when left out
        - ``training_places``: for the baselines; the cells of the model when left out
        - photos that the table names and the folder lacks are counted, and the figures are then not those of
          the published test

    Raises:
        MissingFileError: the folder does not exist, or holds none of the photos.
        TableError: there is no table of that test.
        UsageError: there is no such benchmark or protocol.
    """
    benchmark = benchmark_named(name)
    found, refused = _photos_of(benchmark, Path(photos))
    sources = found.rename({"file": "path"}).with_columns(pl.col("path").cast(pl.String))
    top = CANDIDATES if benchmark.kind == "countries" else RANKED
    answers = _predicted(model, sources, top, on_progress)
    if benchmark.kind == "countries":
        result: Evaluation | ClassEvaluation = evaluate_classes(
            _country_table(answers, sources), resamples=resamples, seed=seed
        )
    else:
        cells = f"the {model.partition.count:,} cells of {model.card.identity}, weighted by their photos"
        result = evaluate_predictions(
            answers,
            sources,
            training_places=training_places or TrainingPlaces.of_partition(model.partition, cells),
            partition=model.partition,
            protocol=protocol or benchmark.protocol,
            resamples=resamples,
            seed=seed,
        )
    result.metrics["benchmark"] = _part(benchmark, found.height, len(refused), model.card.identity)
    result.metrics["remarks"] = [*_remarks(benchmark, found.height, refused), *result.metrics["remarks"]]
    return BenchmarkRun(benchmark, answers, result)


def _photos_of(benchmark: Benchmark, source: Path) -> tuple[pl.DataFrame, list[str]]:
    """The photos of the test that are there, and the ids of those that are not."""
    if not source.exists():
        raise MissingFileError(
            f"There is no folder '{source}'.\nName the one with table and photos of {benchmark.title}."
        )
    layout, _ = choose_layout(source, benchmark.layout, Words())
    found = layout.read(source, Words())
    rows = found.rows
    if benchmark.split is not None and "split" in rows.columns and rows["split"].drop_nulls().len():
        rows = rows.filter(pl.col("split") == benchmark.split)
    if rows.is_empty():
        first = f" The first reason: {found.refused[0].message}" if found.refused else ""
        raise MissingFileError(
            f"'{source}' holds none of the photos of {benchmark.title}.{first}\n"
            "Name the folder with the published table and the photos."
        )
    return rows, [refusal.photo_id for refusal in found.refused]


def _predicted(
    model: Model, sources: pl.DataFrame, top: int, on_progress: Callable[[int, int], None] | None
) -> Predictions:
    from graticule.inference.sources import find_sources

    batches = []
    for batch in model.predict_batches(find_sources(sources), top=top):
        batches.append(batch)
        if on_progress is not None:
            on_progress(sum(len(each) for each in batches), sources.height)
    return Predictions.concat(batches)


def _country_table(answers: Predictions, truth: pl.DataFrame) -> ClassTable:
    """The countries of each photo, most probable first: the probabilities of cells, added up by country."""
    table = answers.to_polars()
    listed = (
        table.select("photo_id", "candidates").explode("candidates").unnest("candidates").drop_nulls("cell")
    )
    places = listed.select("latitude", "longitude").to_numpy()
    countries = country_of(places, within_km=200.0) if len(places) else np.empty(0, dtype=object)
    by_country = (
        listed.with_columns(pl.Series("country", list(countries), dtype=pl.String))
        .drop_nulls("country")
        .group_by("photo_id", "country")
        .agg(pl.col("probability").sum())
        .sort("photo_id", "probability", "country", descending=[False, True, False])
        .group_by("photo_id", maintain_order=True)
        .agg(pl.col("country").head(RANKED))
    )
    ranked = ("predicted", *(f"predicted_{rank}" for rank in range(2, RANKED + 1)))
    said = table.select("photo_id").join(by_country, on="photo_id", how="left", maintain_order="left")
    said = said.select(
        "photo_id",
        *(pl.col("country").list.get(rank, null_on_oob=True).alias(name) for rank, name in enumerate(ranked)),
    )
    true = truth.select("photo_id", pl.col("country").alias("true"))
    frame = true.join(said, on="photo_id", how="left", maintain_order="left").with_columns(
        pl.lit(None, dtype=pl.String).alias("group")
    )
    return ClassTable(frame, ranked=ranked)


def _part(benchmark: Benchmark, found: int, missing: int, model: str) -> dict[str, Any]:
    return {
        "name": benchmark.name,
        "title": benchmark.title,
        "source": benchmark.source,
        "photos": benchmark.photos,
        "photos_found": found,
        "photos_missing": missing,
        "is_whole": found == benchmark.photos,
        "model": model,
        "published": [result.to_dict() for result in published_results(benchmark.name)],
        "published_note": NOT_OURS,
    }


def _remarks(benchmark: Benchmark, found: int, refused: list[str]) -> list[str]:
    said = []
    if found != benchmark.photos:
        said.append(
            f"{found:,} photos were judged, {benchmark.title} has {benchmark.photos:,}: these figures and "
            "the published ones are not of the same photos."
        )
    if refused:
        said.append(f"{len(refused):,} photos of the table could not be read as photos: {shown(refused)}.")
    return [*said, *([benchmark.caution] if benchmark.caution else []), NOT_OURS]
