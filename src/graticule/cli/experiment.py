"""``graticule experiment``: a source's comparison, trained anew over several seeds, beside its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graticule.cli.output import emit, json_option
from graticule.errors import TrainingError

if TYPE_CHECKING:
    from graticule.training.experiments.running import Finding
    from graticule.training.experiments.tables import Table


@click.command("experiment")
@click.argument("name", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder of the experiment; gone on with.  [default: experiments/NAME-SCALE]",
)
@click.option(
    "--scale",
    metavar="NAME",
    help="Make the recipes smaller as they say: smoke (minutes), small (about an hour).",
)
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Train each row so many times.  [default: as it says]"
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Put another value into the recipes of all rows.",
)
@click.option("--keep-checkpoints", is_flag=True, help="Keep the weights of runs that are over.")
@json_option
def command(
    name: str | None,
    output: Path | None,
    scale: str | None,
    seeds: int | None,
    overrides: tuple[str, ...],
    keep_checkpoints: bool,
    as_json: bool,
) -> None:
    """Run the experiment NAME, a file or one that comes with graticule; without NAME, list those.

    Every row is a recipe that differs in one thing, and is trained with several seeds. The table has the
    source's numbers beside ours, with intervals over seeds, and differences to the first row seed by seed.
    An experiment that was killed goes on with the same line, the run that was under way from its last
    checkpoint. Its folder gets a run folder per row and seed, runs.csv and table.md.

    \b
    Examples:
      graticule experiment
      graticule experiment hierarchy --scale smoke
      graticule experiment hierarchy --scale small --set photos.table=photos/ --seeds 5 -o hierarchy
      graticule experiment mine.yaml --scale smoke --json
    """
    if name is None:
        _list(as_json=as_json)
        return
    from graticule.config import require
    from graticule.training.experiments.definition import read_experiment

    experiment = read_experiment(name, scale=scale, overrides=overrides)  # its errors come before torch
    experiment.check_photos()
    for package in ("torch", "lightning", "timm", "safetensors", "onnx"):
        require(package)
    from graticule.training.experiments.running import Course, run_experiment
    from graticule.training.experiments.tables import build_table
    from graticule.training.locking import one_at_a_time

    folder = output or Path("experiments") / "-".join(part for part in (experiment.about.name, scale) if part)
    chosen = experiment.section.seeds if seeds is None else tuple(range(seeds))
    course = Course(experiment, folder, chosen, keep_checkpoints)

    def keep(findings: Sequence[Finding]) -> None:
        _write(build_table(experiment, findings), folder)

    busy = f"Another process is at the experiment in '{folder}'.\nLet it end, or name another folder with -o."
    with one_at_a_time(folder / "lock", busy):
        findings = run_experiment(course, say=lambda line: click.echo(line, err=True), watch=keep)
        keep(findings)
    table = build_table(experiment, findings)
    if as_json:
        emit(table.to_dict())
    else:
        click.echo(table.text())
        click.echo(f"Table: {folder / 'table.md'}; every run: {folder / 'runs.csv'}")
    failed = [finding for finding in findings if finding.error]
    if failed:
        raise TrainingError(
            f"{len(failed)} of {len(findings)} runs failed; the first, '{failed[0].row}' with seed "
            f"{failed[0].seed}, said: {failed[0].error}\nThe same line again tries them once more."
        )


def _write(table: Table, folder: Path) -> None:
    from graticule.training.whole_files import write_whole

    write_whole(folder / "table.md", lambda part: part.write_text(table.markdown(), encoding="utf-8"))
    write_whole(folder / "runs.csv", table.runs().write_csv)


def _list(*, as_json: bool) -> None:
    from graticule.training.experiments.definition import list_experiments

    found = list_experiments()
    if as_json:
        rows = [
            {"name": item.name, "path": str(item.path), "source": item.source, "reproduces": item.reproduces}
            for item in found
        ]
        emit({"experiments": rows})
        return
    for item in found:
        click.echo(f"{item.name}  (source: {item.source})")
        click.echo(f"    {item.reproduces}")
    click.echo("Run one:  graticule experiment NAME --scale smoke")
