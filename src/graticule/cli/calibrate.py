"""``graticule calibrate``: make a model's confidence and regions true for photos like these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, progress, stderr, stdout

SHOWN = 5
"""So many unreadable photos are named."""


@click.command("calibrate")
@click.argument("model")
@click.option(
    "--photos",
    required=True,
    type=click.Path(path_type=Path),
    help="Photos with places: a photo table, or what ingest reads; its split train is left out.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The new bundle: folder or .graticule.",
)
@click.option("--split", help="Use the photos of this split only.  [default: all but train]")
@click.option(
    "--scaling",
    default="temperature",
    show_default=True,
    type=click.Choice(["temperature", "vector", "platt", "none"]),
    help="How probabilities are made true.",
)
@click.option(
    "--regions",
    default="aps",
    show_default=True,
    type=click.Choice(["aps", "raps", "distance"]),
    help="How the cells of a region are chosen: by probability (aps), with a penalty on far-fetched cells "
    "(raps), or by expected distance.",
)
@click.option(
    "--promise",
    "promises",
    multiple=True,
    type=float,
    default=(0.8, 0.9, 0.95),
    show_default=True,
    help="How often a region is to hold the truth, a share; may be given several times.",
)
@click.option(
    "--by",
    default="continent",
    show_default=True,
    type=click.Choice(["continent", "none"]),
    help="Promise for each continent that has enough photos, or over all photos alone.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Which photos judge.")
@click.option("--threads", type=click.IntRange(1), help="Processor cores to use.  [default: all]")
@json_option
def command(
    model: str,
    photos: Path,
    output: Path,
    split: str | None,
    threads: int | None,
    as_json: bool,
    **words: Any,
) -> int:
    """Calibrate MODEL on photos with known places, and write it as a new bundle.

    One part of the photos scales the probabilities, a second finds the regions, and a third, which neither
    has seen, judges both, before and after. No author or trip is in two parts. MODEL stays as it is.

    \b
    Examples:
      graticule calibrate default --photos my_photos/ -o models/mine
      graticule calibrate models/mine --photos data/photos.parquet --split val --promise 0.9 -o models/mine2
    """
    from graticule.bundle.files import check_output
    from graticule.errors import UsageError
    from graticule.evaluation.calibration.calibrating import CalibrationSettings
    from graticule.inference.registry import find_bundle
    from graticule.reports.recalibration import read_calibration_photos, recalibrate

    settings = CalibrationSettings(
        scaling=words["scaling"],
        regions=words["regions"],
        promises=tuple(words["promises"]),
        by=None if words["by"] == "none" else "continent",
        seed=words["seed"],
    )
    check_output(output)
    if Path(model).exists() and output.exists() and output.resolve() == Path(model).resolve():
        raise UsageError(
            f"'{output}' is the model itself, which stays as it is.\nName another place with -o."
        )
    bundle = find_bundle(model)
    given = read_calibration_photos(photos, split=split)
    with progress("photos") as bar:
        task = bar.add_task("read", total=len(given.sources))
        done = recalibrate(
            bundle,
            given,
            output,
            settings=settings,
            threads=threads,
            advance=lambda count: bar.advance(task, count),
        )
    if as_json:
        emit(done.document)
    else:
        _print(done.document)
    notes = stderr()
    for photo_id, reason in list(done.unreadable.items())[:SHOWN]:
        notes.print(f"{photo_id}: {reason}", markup=False)
    if len(done.unreadable) > SHOWN:
        notes.print(f"... and {len(done.unreadable) - SHOWN} more photos that cannot be read")
    notes.print(f"Wrote {output}: {done.card.identity}", markup=False)
    return REFUSED_SOME if done.unreadable else 0


def _print(document: dict[str, Any]) -> None:
    from graticule.evaluation.calibration.coverage import coverage_in_words

    console, photos = stdout(), document["photos"]
    left_out = "".join(f", {count:,} left out ({why})" for why, count in document["left_out"].items())
    console.print(
        f"{photos['n']:,} photos of {photos['groups']:,} groups{left_out}: {photos['scaling']:,} to scale, "
        f"{photos['regions']:,} to find regions on, {photos['judging']:,} to judge. On those:"
    )
    console.print(f"{'':<34}{'before':>10}{'after':>10}", style="bold")
    for name, key in (
        ("calibration error (ECE)", "ece"),
        ("  root mean square, less chance", "ece_debiased"),
        ("  bins of equal mass", "ece_equal_mass"),
        ("  mean over cells", "classwise_ece"),
        ("log-loss", "nll"),
    ):
        ends = [document["confidence"][when][key] for when in ("before", "after")]
        texts = [f"{value:.3f}" if key == "nll" else f"{100 * value:.2f} %" for value in ends]
        console.print(f"{name:<34}{texts[0]:>10}{texts[1]:>10}")
    for limit in document.get("within_km", {}).get("after", {}):
        ends = [document["within_km"][when][limit]["ece"] for when in ("before", "after")]
        label = f"ECE of 'within {limit} km'"
        console.print(f"{label:<34}{100 * ends[0]:>8.2f} %{100 * ends[1]:>8.2f} %")
    for when in ("before", "after"):
        for row in document["coverage"][when]:
            console.print(f"{when.capitalize()}: {coverage_in_words(row)}", markup=False)
    for remark in document["remarks"]:
        console.print(remark, markup=False)
