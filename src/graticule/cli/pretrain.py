"""``graticule pretrain``: from photos alone to an encoder that training starts from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from graticule.cli.output import emit, json_option
from graticule.cli.run_words import RunWords, require_training, run_options
from graticule.config import usable_cores

if TYPE_CHECKING:
    from graticule.training.pretraining.run import PretrainingReport


@click.command("pretrain")
@run_options
@json_option
def command(run: RunWords, as_json: bool) -> None:
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
    run.check("pretrain", "mae_tiny --set photos.table=photos/ -o mae")
    report = _run(run)
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


def _run(run: RunWords) -> PretrainingReport:
    from graticule.training.recipe.files import read_pretraining

    # what is wrong with a recipe is said before torch is loaded
    recipe = None if run.recipe is None else read_pretraining(run.recipe, run.overrides, scale=run.scale)
    require_training()
    from graticule.training.pretraining.run import pretrain, resume_pretraining

    def say(line: str) -> None:
        click.echo(line, err=True)

    bar = sys.stderr.isatty()
    if run.resume is not None:
        return resume_pretraining(run.resume, say=say, bar=bar)
    assert recipe is not None  # checked by the caller, like the next
    assert run.output is not None
    from graticule.training.planet import with_photos

    recipe = with_photos(recipe, say, workers=usable_cores())
    return pretrain(recipe, run.output, force=run.force, say=say, bar=bar)
