"""``graticule train``: from a recipe and a photo table to a run folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graticule.cli.output import emit, json_option
from graticule.config import usable_cores
from graticule.errors import UsageError

if TYPE_CHECKING:
    from graticule.training.train import TrainingReport


@click.command("train")
@click.argument("recipe", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The run folder to make.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Put another value into the recipe; may be given again.",
)
@click.option(
    "--scale",
    metavar="NAME",
    help="Make the recipe smaller as its own section says: smoke (minutes on two cores), small.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run that was stopped or killed.",
)
@click.option("--force", is_flag=True, help="Write over a run that is there.")
@click.option(
    "--profile",
    is_flag=True,
    help="First measure loading and computing alone, and say which limits; the run goes on.",
)
@json_option
def command(
    recipe: str | None,
    output: Path | None,
    overrides: tuple[str, ...],
    scale: str | None,
    resume: Path | None,
    force: bool,
    profile: bool,
    as_json: bool,
) -> None:
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
    from graticule.config import require

    if resume is not None and (recipe or output or overrides or scale or force or profile):
        raise UsageError(
            "--resume goes on with the recipe of the run; it takes no RECIPE, -o, --set, --scale, --force "
            "or --profile.\n"
            f"Type:  graticule train --resume {resume}"
        )
    if resume is None and (recipe is None or output is None):
        missing = "a RECIPE" if recipe is None else "-o RUN, the folder to make"
        raise UsageError(
            f"Training needs {missing}.\nFor example:  graticule train quick --set "
            "photos.table=photos/ -o run"
        )
    for package in ("torch", "lightning", "timm", "safetensors", "onnx"):
        require(package)
    report = _run(recipe, output, overrides, scale, resume, force=force, profile=profile)
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


def _run(
    recipe: str | None,
    output: Path | None,
    overrides: tuple[str, ...],
    scale: str | None,
    resume: Path | None,
    *,
    force: bool,
    profile: bool,
) -> TrainingReport:
    from graticule.training.recipe_files import read_recipe

    read = (
        None if recipe is None else read_recipe(recipe, overrides, scale=scale)
    )  # its errors come before torch is loaded
    from graticule.training.train import resume as go_on
    from graticule.training.train import train

    def say(line: str) -> None:
        click.echo(line, err=True)

    bar = sys.stderr.isatty()
    if resume is not None:
        return go_on(resume, say=say, bar=bar)
    assert read is not None  # checked by the caller, like the next
    assert output is not None
    from graticule.training.planet import with_photos

    read = with_photos(read, say, workers=usable_cores())
    return train(read, output, force=force, say=say, bar=bar, profile=profile)
