"""``graticule evaluate --benchmark``: a model on a published test, beside published figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from graticule.cli.output import emit, progress, stderr, stdout

if TYPE_CHECKING:
    from collections.abc import Callable

    from graticule.benchmarks import BenchmarkRun


def evaluate_on(
    name: str,
    photos: Path | None,
    model: str | None,
    *,
    train_places: Path | None,
    protocol: str | None,
    output: Path | None,
    resamples: int,
    seed: int,
    as_json: bool,
    show: Callable[[dict[str, Any]], None],
) -> int:
    """Run a benchmark; ``show`` prints the figures of positions. Returns the exit status."""
    from graticule.benchmarks import benchmark_named, run_benchmark
    from graticule.errors import UsageError
    from graticule.evaluation import TrainingPlaces
    from graticule.inference import load_model

    test = benchmark_named(name)
    if photos is None:
        raise UsageError(
            f"The photos of {test.title} are not downloaded: name the folder that holds them.\n"
            f"Type:  graticule evaluate --benchmark {name} --photos FOLDER --model default"
        )
    training = None if train_places is None else TrainingPlaces.read(train_places)
    loaded = load_model(model or "default")
    with progress("photos") as bar:
        task = bar.add_task("Predicting", total=None)
        run = run_benchmark(
            name,
            photos,
            loaded,
            training_places=training,
            protocol=protocol,
            resamples=resamples,
            seed=seed,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    return _report(run, output, as_json, show)


def _report(
    run: BenchmarkRun, output: Path | None, as_json: bool, show: Callable[[dict[str, Any]], None]
) -> int:
    from graticule.evaluation import Evaluation

    if not isinstance(run.result, Evaluation):
        from graticule.cli.evaluate_classes import report_classes

        if not as_json:
            _print_classes(run.metrics)
        status = report_classes(run.result, output, run.benchmark.title, as_json)
    else:
        status = 0
        written = None
        if output is not None:
            from graticule.reports import write_report

            written = write_report(
                output, run.result, title=f"{run.metrics['benchmark']['model']} on {run.benchmark.title}"
            )
        if as_json:
            emit(run.metrics)
        else:
            show(run.metrics)
            _print_places(run.metrics)
        for remark in run.metrics["remarks"]:
            stderr().print(remark, markup=False)
        if written is not None:
            stderr().print(f"Wrote {written}", markup=False)
    if output is not None:
        run.predictions.write(output / "predictions.parquet")
    return status


def _print_places(metrics: dict[str, Any]) -> None:
    from graticule.config import THRESHOLDS_KM

    console, test = stdout(), metrics["benchmark"]
    limits = [f"{limit}" for limit in THRESHOLDS_KM]
    console.print(
        f"\n{test['title']}, {test['source']}: {test['photos_found']:,} of {test['photos']:,} photos",
        style="bold",
        markup=False,
    )
    head = "".join(f"{limit + ' km':>9}" for limit in limits)
    console.print(f"{'per cent within':<36}{head}{'GeoScore':>10}  where it stands", markup=False)

    def row(name: str, shares: dict[str, Any], score: float | None, source: str) -> None:
        cells = "".join(
            f"{'-' if shares[limit] is None else f'{100 * shares[limit]:.1f}':>9}" for limit in limits
        )
        console.print(
            f"{name:<36}{cells}{'-' if score is None else f'{score:,.0f}':>10}  {source}", markup=False
        )

    row(f"{test['model']} (here)", metrics["within_km"], metrics["geoscore"], "measured")
    constant = metrics["baselines"]["constant"]
    row("best constant guess (here)", constant["within_km"], constant["geoscore"], "measured")
    for each in test["published"]:
        row(
            each["model"],
            each,
            each["geoscore"],
            f"{'arXiv ' + each['arxiv'] + '; ' if each['arxiv'] else ''}{each['source']}",
        )


def _print_classes(metrics: dict[str, Any]) -> None:
    console, test = stdout(), metrics["benchmark"]
    console.print(
        f"{test['title']}, {test['source']}: {test['photos_found']:,} of {test['photos']:,} photos",
        style="bold",
        markup=False,
    )
    for each in test["published"]:
        console.print(
            f"published: {each['model']}: top 1 {100 * each['top_1']:.1f} %, "
            f"top 5 {100 * each['top_5']:.1f} % ({each['source']})",
            markup=False,
        )
