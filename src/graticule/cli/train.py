"""``graticule train``: from a recipe and a photo table to a run folder."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from graticule.cli.output import emit, json_option
from graticule.cli.run_words import RunWords, require_training, run_options
from graticule.config import usable_cores

if TYPE_CHECKING:
    from graticule.training.train import TrainingReport


@click.command("train")
@run_options
@click.option(
    "--profile",
    is_flag=True,
    help="First measure loading and computing alone, and say which limits; the run goes on.",
)
@json_option
def command(run: RunWords, profile: bool, as_json: bool) -> None:
    """Train what RECIPE describes: a file, or the name of one that comes with graticule.

    The run folder holds the resolved recipe, the environment, the history as CSV, the cells, the best
    checkpoints by loss and by accuracy with their predictions, metrics and confusion on the validation
    and test photos, and the curves as SVG.

    At --scale smoke or small the recipes that come with graticule learn from a synthetic planet, drawn
    once into the user's cache, unless photos.table names photos.

    \b
    Examples:
      graticule train quick --set photos.table=photos/ -o run
      graticule train recipes/quick.yaml --set photos.table=photos/ --set network.dropout=0.4 -o run
      graticule train quick --set photos.table=photos/ -o run --profile
      graticule train hmc_efficientnet --scale smoke -o run
      graticule train --resume run
    """
    run.check("train", "quick --set photos.table=photos/ -o run", profile=profile)
    report = _run(run, profile=profile)
    from graticule.training.ranks import ranks_of_environment

    if not ranks_of_environment().is_first:
        return
    if as_json:
        emit(report.to_dict())
        return
    summary = report.to_dict()
    for name in ("best_loss", "best_accuracy"):
        row = summary[name]
        click.echo(
            f"{name}: {row['phase']} epoch {row['epoch']}, validation loss {row['val_loss']:.3f}, "
            f"top-1 {row['val_top1']:.1%}, median {row['val_median_km']:,.0f} km"
        )
    click.echo(f"Run: {report.run}")


def _run(run: RunWords, *, profile: bool) -> TrainingReport:
    from graticule.training.recipe.files import read_recipe

    # what is wrong with a recipe is said before torch is loaded
    recipe = None if run.recipe is None else read_recipe(run.recipe, run.overrides, scale=run.scale)
    require_training()
    from graticule.training.train import resume, train

    def say(line: str) -> None:
        click.echo(line, err=True)

    bar = sys.stderr.isatty()
    if run.resume is not None:
        return resume(run.resume, say=say, bar=bar)
    assert recipe is not None  # checked by the caller, like the next
    assert run.output is not None
    from graticule.training.planet import with_photos

    recipe = with_photos(recipe, say, workers=usable_cores())
    return train(recipe, run.output, force=run.force, say=say, bar=bar, profile=profile)
