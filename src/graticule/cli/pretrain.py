"""``graticule pretrain``: from photos alone to an encoder that training starts from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graticule.cli.output import emit, json_option
from graticule.config import usable_cores
from graticule.errors import UsageError

if TYPE_CHECKING:
    from graticule.training.pretraining.run import PretrainingReport


@click.command("pretrain")
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
    help="Make the recipe smaller as its own section says: smoke (seconds to minutes on two cores), small.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run that was stopped or killed.",
)
@click.option("--force", is_flag=True, help="Write over a run that is there.")
@json_option
def command(
    recipe: str | None,
    output: Path | None,
    overrides: tuple[str, ...],
    scale: str | None,
    resume: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Pre-train the masked autoencoder that RECIPE describes, on photos that need no places.

    photos.table names a folder of photos, a table of them, or a photo table. The run folder holds what
    that of train holds, and reconstructions.png: photos, what the encoder is shown of them, and what is
    restored. Where photos have places, a linear probe measures every few epochs how well the encoder's
    features tell cells apart, beside the commonest cell and the network before pre-training.

    \b
    Examples:
      graticule pretrain mae_tiny --set photos.table=photos/ -o mae
      graticule pretrain mae_tiny --scale smoke -o mae
      graticule pretrain mae_base --set photos.table=photos/ --set loss=all-summed -o mae
      graticule pretrain --resume mae
      graticule train municipality_vit --set network.backbone.weights=mae --set photos.table=photos/ -o run
    """
    from graticule.config import require

    if resume is not None and (recipe or output or overrides or scale or force):
        raise UsageError(
            "--resume goes on with the recipe of the run; it takes no RECIPE, -o, --set, --scale "
            "or --force.\n"
            f"Type:  graticule pretrain --resume {resume}"
        )
    if resume is None and (recipe is None or output is None):
        missing = "a RECIPE" if recipe is None else "-o RUN, the folder to make"
        raise UsageError(
            f"Pre-training needs {missing}.\n"
            "For example:  graticule pretrain mae_tiny --set photos.table=photos/ -o mae"
        )
    for package in ("torch", "lightning", "timm", "safetensors", "onnx"):
        require(package)
    report = _run(recipe, output, overrides, scale, resume, force=force)
    from graticule.training.ranks import ranks_of_environment

    if not ranks_of_environment().is_first:
        return
    summary = report.to_dict()
    if as_json:
        emit(summary)
        return
    best = summary["best_loss"]
    click.echo(f"best_loss: {best['phase']} epoch {best['epoch']}, validation loss {best['val_loss']:.4f}")
    if report.probes:
        last = report.probes[-1]
        click.echo(f"linear probe: {last['top1']:.1%} (the commonest cell {last['constant']:.1%})")
    click.echo(f"Run: {report.run}")


def _run(
    recipe: str | None,
    output: Path | None,
    overrides: tuple[str, ...],
    scale: str | None,
    resume: Path | None,
    *,
    force: bool,
) -> PretrainingReport:
    from graticule.training.recipe_files import read_pretraining

    # its errors come before torch is loaded
    read = None if recipe is None else read_pretraining(recipe, overrides, scale=scale)
    from graticule.training.pretraining.run import pretrain, resume_pretraining

    def say(line: str) -> None:
        click.echo(line, err=True)

    bar = sys.stderr.isatty()
    if resume is not None:
        return resume_pretraining(resume, say=say, bar=bar)
    assert read is not None  # checked by the caller, like the next
    assert output is not None
    from graticule.training.planet import with_photos

    read = with_photos(read, say, workers=usable_cores())
    return pretrain(read, output, force=force, say=say, bar=bar)
