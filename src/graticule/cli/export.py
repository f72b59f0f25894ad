"""``graticule export``: from a run folder to a bundle that predicts without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graticule.cli.output import emit, json_option


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The bundle: a folder, or one file that ends with .graticule.",
)
@click.option(
    "--checkpoint",
    type=click.Choice(["best_loss", "best_accuracy"]),
    help="Which state of the network.  [default: as the recipe says]",
)
@click.option(
    "--weights",
    type=click.Choice(["float32", "float16", "int8"]),
    default="float32",
    show_default=True,
    help="How numbers are stored: float16 halves the file, int8 quarters it.",
)
@click.option(
    "--table", type=click.Path(path_type=Path), help="The photo table, when it has moved since training."
)
@json_option
def command(
    run: Path, output: Path, checkpoint: str | None, weights: Any, table: Path | None, as_json: bool
) -> None:
    """Write the bundle of RUN: the network as ONNX, the cells, the calibration, the model card.

    The graph is checked against torch on the validation photos, and measured on validation and test.

    \b
    Examples:
      graticule export run -o model
      graticule export run -o model.graticule --weights float16
    """
    from graticule.config import require

    for package in ("torch", "timm", "onnx", "onnxscript", "safetensors"):
        require(package)
    from graticule.training.exporting.export import export

    def say(line: str) -> None:
        click.echo(line, err=True)

    report = export(run, output, checkpoint=checkpoint, weights=weights, table=table, say=say)
    if as_json:
        emit(report.to_dict())
        return
    click.echo(f"Model: {report.path}")
    click.echo(f"Locate a photo:  graticule predict photo.jpg --model {report.path}")
