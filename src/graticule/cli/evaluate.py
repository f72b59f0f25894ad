"""``graticule evaluate``: how good are these predictions, and are they better than a constant guess?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, stderr, stdout

if TYPE_CHECKING:
    import polars as pl

    from graticule.evaluation import Evaluation, TrainingPlaces
    from graticule.partitions import Partition


@click.command("evaluate")
@click.argument("predictions", required=False, type=click.Path(path_type=Path))
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    help="Where the photos were taken: a photo table (folder or .parquet), CSV, TSV or JSON lines.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Write a report here.")
@click.option(
    "--train-places",
    type=click.Path(path_type=Path),
    help="A table with the places of the training photos, for the baselines.",
)
@click.option("--model", help="The model that predicted: its cells give top-k, and places for the baselines.")
@click.option("--partition", type=click.Path(path_type=Path), help="Its cells alone (cells.parquet).")
@click.option("--classes", is_flag=True, help="PREDICTIONS is a table of true and predicted classes.")
@click.option("--benchmark", metavar="NAME", help="Predict and judge a published test, such as im2gps3k.")
@click.option("--photos", type=click.Path(path_type=Path), help="With --benchmark: its table and photos.")
@click.option(
    "--areas",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Polygons (GeoJSON, GeoPackage): is the answer in the right one? May be given several times.",
)
@click.option("--split", help="Judge the photos of this split of the truth only (train, val, test).")
@click.option("--id", "photo_id", metavar="COLUMN", help="Column of the truth with the photo ids.")
@click.option("--latitude", metavar="COLUMN", help="Column of the truth with latitudes, in degrees.")
@click.option("--longitude", metavar="COLUMN", help="Column of the truth with longitudes, in degrees.")
@click.option("--group", metavar="COLUMN", help="Column of the truth with authors or sequences.")
@click.option(
    "--protocol",
    metavar="NAME",
    help="How errors become figures: graticule (the default), osv5m, pigeon, geoestimation, geoclip, g3.",
)
@click.option(
    "--resamples",
    default=1000,
    show_default=True,
    type=click.IntRange(0),
    help="Bootstrap samples for the intervals; 0 leaves them out.",
)
@click.option("--thumbnails", is_flag=True, help="The report shows the best and worst photos, small.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="For the intervals.")
@json_option
def command(predictions: Path | None, resamples: int, seed: int, as_json: bool, **words: Any) -> int:
    """Compare PREDICTIONS with the true places, and with guesses that know nothing of the photo.

    PREDICTIONS is a file that predict wrote, or any table of photo ids and positions; with --classes a table
    of true and predicted classes (true_class and pred_class, or true_label and pred_label). Photos are
    matched by id, else by path, file name, or file name without ending. Those known to one side only are
    counted and left out (exit status 3); a photo without an answer counts as wrong.

    \b
    Examples:
      graticule evaluate predictions.parquet --truth photos/ -o report
      graticule evaluate somebody.csv --truth truth.csv --train-places train.csv --json
      graticule evaluate somebody.csv --classes -o classes
      graticule evaluate --benchmark im2gps3k --photos im2gps3k/ --model default
    """
    _check_words(predictions, words)
    output = words["output"]
    if words["benchmark"] is not None:
        from graticule.cli.evaluate_benchmark import evaluate_on

        return evaluate_on(
            words["benchmark"],
            words["photos"],
            words["model"],
            train_places=words["train_places"],
            protocol=words["protocol"],
            output=output,
            resamples=resamples,
            seed=seed,
            as_json=as_json,
            show=_print,
        )
    assert predictions is not None  # _check_words saw to it
    if words["classes"]:
        from graticule.cli.evaluate_classes import evaluate_class_table

        return evaluate_class_table(predictions, words["truth"], output, resamples, seed, as_json)
    evaluation, notes = _evaluated(predictions, resamples, seed, words)
    written = None
    if output is not None:
        from graticule.reports import write_report

        written = write_report(output, evaluation, thumbnails=words["thumbnails"])
    if as_json:
        emit(evaluation.metrics)
    else:
        _print(evaluation.metrics)
    for remark in (*notes, *evaluation.metrics["remarks"]):
        stderr().print(remark, markup=False)
    if written is not None:
        stderr().print(f"Wrote {written}", markup=False)
    return 0 if evaluation.is_complete else REFUSED_SOME


def _check_words(predictions: Path | None, words: dict[str, Any]) -> None:
    """Words that do not go together are told before any work."""
    from graticule.errors import UsageError

    if words["benchmark"] is not None:
        for name in ("truth", "partition", "split", "photo_id", "latitude", "longitude", "group"):
            if words[name]:
                option = "--id" if name == "photo_id" else f"--{name}"
                raise UsageError(f"A benchmark brings its own truth and cells.\nLeave {option} out.")
        if predictions is not None or words["classes"]:
            raise UsageError(
                "A benchmark is predicted by the model, so it takes neither PREDICTIONS nor --classes.\n"
                f"Type:  graticule evaluate --benchmark {words['benchmark']} --photos FOLDER --model MODEL"
            )
        return
    if words["photos"] is not None:
        raise UsageError("--photos names the photos of a benchmark.\nName that:  --benchmark im2gps3k")
    if predictions is None:
        raise UsageError(
            "Nothing was named to evaluate.\nType:  graticule evaluate PREDICTIONS --truth TABLE"
        )
    if words["truth"] is None and not words["classes"]:
        raise UsageError(
            f"Where were the photos taken? Without the truth '{predictions}' cannot be judged.\n"
            f"Type:  graticule evaluate {predictions} --truth TABLE   "
            "or, for a table of classes:  --classes"
        )


def _evaluated(
    predictions: Path, resamples: int, seed: int, words: dict[str, Any]
) -> tuple[Evaluation, list[str]]:
    from graticule.evaluation import TrainingPlaces, evaluate_predictions, read_answers, read_truth
    from graticule.partitions.outlines.polygon_files import read_regions

    answers = read_answers(predictions)
    columns = {role: words[role] for role in ("photo_id", "latitude", "longitude", "group")}
    places = read_truth(words["truth"], split=words["split"], **columns)
    partition, cell_places, notes = _cells(answers, words["model"], words["partition"])
    training = cell_places if words["train_places"] is None else TrainingPlaces.read(words["train_places"])
    regions = {path.stem: read_regions(path) for path in words["areas"]}
    evaluation = evaluate_predictions(
        answers,
        places,
        training_places=training,
        partition=partition,
        regions=regions,
        protocol=words["protocol"] or "graticule",
        resamples=resamples,
        seed=seed,
    )
    return evaluation, [*notes, *(remark for each in regions.values() for remark in each.remarks)]


def _cells(
    answers: pl.DataFrame, model: str | None, partition: Path | None
) -> tuple[Partition | None, TrainingPlaces | None, list[str]]:
    """The cells that the predictions speak of, their places, and remarks.

    From the partition or the model that was named; else from the registered model, if there is one of the
    name and revision in the predictions.
    """
    from graticule.errors import UsageError
    from graticule.evaluation import TrainingPlaces
    from graticule.inference.registry import bundle_of, find_bundle
    from graticule.partitions import Partition

    if model is not None and partition is not None:
        raise UsageError(
            "--model brings its own cells, so --partition cannot stand beside it.\nLeave one out."
        )
    if partition is not None:
        cells = Partition.read(partition)
        said = f"the {cells.count:,} cells of {partition.name}, weighted by their photos"
        return cells, TrainingPlaces.of_partition(cells, said), []
    if model is None:
        stated = answers["model"].drop_nulls().unique().to_list() if "model" in answers.columns else []
        bundle = bundle_of(stated[0]) if len(stated) == 1 else None
        if bundle is None:
            which = f"No registered model is '{stated[0]}'" if len(stated) == 1 else "No model is known"
            said = "so there are no cells to judge by: no top-k, no calibration, no regions"
            return None, None, [f"{which}, {said}. Where there is one, name it with --model."]
    else:
        bundle = find_bundle(model)
    cells = bundle.partition
    said = f"the {cells.count:,} cells of {bundle.card.identity}, weighted by their photos"
    return cells, TrainingPlaces.of_partition(cells, said), []


def _print(metrics: dict[str, Any]) -> None:
    from graticule.evaluation.lines import lines
    from graticule.evaluation.verdicts import figure, summary

    def of(goal: str, value: float | None) -> str:
        missing = "infinite" if goal.endswith("_km") else "-"
        return missing if value is None else figure(goal, value)

    console = stdout()
    failed = f", {metrics['n_failed']:,} without an answer" if metrics["n_failed"] else ""
    model = f", {metrics['model']}" if metrics["model"] else ""
    photos = "1 photo" if metrics["n"] == 1 else f"{metrics['n']:,} photos"
    console.print(f"{photos}{failed}{model}", markup=False)
    level = f"{100 * metrics['intervals']['level']:.0f} % interval" if metrics["intervals"] else ""
    heading = (
        f"{'':<28}{'model':>10}  {level:<24}{'constant':>10}{'random':>11}{'largest cell':>14}  best constant"
    )
    console.print(heading, style="bold")
    for line in lines(metrics):
        goal, ends = line["goal"], line["interval"]
        interval = f"{of(goal, ends[0])} to {of(goal, ends[1])}" if ends else ""
        others = [
            "-" if line[name] is None else figure(goal, line[name])
            for name in ("constant", "random", "largest_cell")
        ]
        below = "  BELOW" if line["verdict"] == "below" else ""
        console.print(
            f"{line['name']:<28}{of(goal, line['model']):>10}  {interval:<24}"
            f"{others[0]:>10}{others[1]:>11}{others[2]:>14}  {line['place'] or ''}{below}",
            markup=False,
        )
    console.print(summary(metrics["against_constant"]), style="bold")
    for comparison in metrics["against_constant"].values():
        if comparison["verdict"] == "below":
            console.print(f"  {comparison['words']}", markup=False)
