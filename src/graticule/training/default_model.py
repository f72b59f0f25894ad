"""Makes the model that ships inside graticule: ``python -m graticule.training.default_model``.

Ingests the photos, trains ``recipes/default.yaml`` on those under free licences, measures on photos that
it never saw, and puts the bundle where the package carries it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from graticule.errors import GraticuleError, MissingFileError, TrainingError
from graticule.evaluation import read_truth
from graticule.models.weights import default_bundle
from graticule.photos.ingest import ingest
from graticule.training.exporting.export import ExportReport, export
from graticule.training.recipe import Recipe
from graticule.training.recipe.files import find_recipe, read_recipe, with_absolute_paths
from graticule.training.run_folder import RunFolder
from graticule.training.train import resume, train

SHARED: Final = "GRATICULE_SHARED"
"""Environment variable with the folder of data and first weights; not set, ``shared`` beside the checkout."""

MOST_BYTES: Final = 12_000_000
"""A larger bundle does not ship."""

PHOTOS: Final = Path("data/photos")
PLACES: Final = Path("data/coords/mp16_sample_100k.csv.gz")
WEIGHTS: Final = Path("weights/mobilenet_edgetpu_100.safetensors")
IM2GPS3K: Final = Path("data/layouts/im2gps3k")
"""Where each thing lies in that folder. Im2GPS3k only measures: nothing is learned from or chosen by it."""


def make_default_model(shared: Path, work: Path, output: Path, overrides: Sequence[str] = ()) -> ExportReport:
    """Train, export and measure the default model; goes on with a run that is in ``work`` already.

    Convention:
        - ``shared``: folder with data and first weights, as the constants above say
        - ``work``: folder for the photo table and the run; ``output``: the bundle to write
        - ``overrides``: ``key=value`` over the recipe

    Raises:
        MissingFileError: a part of ``shared`` is not there.
        TrainingError: the bundle is too large to ship, or the run in ``work`` is of another recipe.
    """
    for part in (PHOTOS, PLACES, WEIGHTS):
        if not (shared / part).exists():
            raise MissingFileError(
                f"'{shared}' has no '{part}', which the default model is made from.\n"
                f"Name the folder that has it:  python -m graticule.training.default_model --shared DIR\n"
                f"or in the environment:  {SHARED}=DIR"
            )
    table, run = work / "photos", RunFolder(work / "run")
    if not (table / "photos.parquet").is_file():
        ingest(shared / PHOTOS, table)
    recipe = read_recipe(
        find_recipe("default"),
        [
            f"photos.table={table}",
            f"prior.places={shared / PLACES}",
            f"network.backbone.weights={shared / WEIGHTS}",
            *overrides,
        ],
    )
    if run.checkpoint("last").is_file():
        _check_same(run, recipe)
        resume(run.path, say=_say)
    else:
        train(recipe, run.path, say=_say, force=run.path.exists())
    unfinished = output.with_name(f"unfinished-{output.name}")
    report = export(run.path, unfinished, weights="float16", also=_benchmarks(shared), say=_say)
    if report.bytes > MOST_BYTES:
        raise TrainingError(
            f"The bundle has {report.bytes:,} bytes and may have {MOST_BYTES:,}: see '{unfinished}'."
        )
    unfinished.replace(output)
    _say(f"The default model is now {report.card.identity}: {output} ({report.bytes / 1e6:.1f} MB).")
    return report


def _check_same(run: RunFolder, recipe: Recipe) -> None:
    if run.read_recipe() != with_absolute_paths(recipe):
        raise TrainingError(
            f"The run '{run.path}' was begun with another recipe than this one, so it is not gone on with.\n"
            "Give the --set of that run again, or another folder:  --work DIR"
        )


def _benchmarks(shared: Path) -> dict[str, pl.DataFrame]:
    folder = shared / IM2GPS3K
    if not folder.is_dir():
        return {}
    truth = read_truth(folder)
    here = {path.name: str(path) for path in (folder / "images").iterdir()}
    chosen = truth.filter(pl.col("photo_id").is_in(list(here)))
    paths = pl.Series([here[name] for name in chosen["photo_id"]], dtype=pl.String)
    return {f"im2gps3k ({chosen.height} of 2,997)": chosen.with_columns(path=paths)}


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m graticule.training.default_model", description=__doc__)
    checkout = Path(__file__).resolve().parents[3]
    shared = Path(os.environ.get(SHARED, checkout.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=shared, help="folder with data and first weights")
    parser.add_argument(
        "--work", type=Path, default=checkout / "build" / "default-model", help="where it trains"
    )
    parser.add_argument("--output", type=Path, default=default_bundle(), help="the bundle to write")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    words = parser.parse_args(argv)
    try:
        make_default_model(words.shared, words.work, words.output, words.overrides)
    except GraticuleError as error:
        _say(f"Error: {error}")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
