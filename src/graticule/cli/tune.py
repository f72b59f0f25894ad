"""``graticule tune``: try values of a recipe's fields, and say which are best and which matter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import emit, json_option

if TYPE_CHECKING:
    from graticule.reports.search import SearchResults


@click.command("tune")
@click.argument("recipe")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of the search; gone on with.",
)
@click.option(
    "--space", metavar="NAME|FILE", help="What is tried.  [default: the space named like the recipe]"
)
@click.option("--trials", type=click.IntRange(min=1), help="How many are to end.  [default: the space's]")
@click.option(
    "--scale", metavar="NAME", help="Make the recipe smaller as its own section says: smoke, small."
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Put another value into the recipe."
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Trials at once.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of what is tried.")
@json_option
def command(
    recipe: str,
    output: Path,
    space: str | None,
    trials: int | None,
    scale: str | None,
    overrides: tuple[str, ...],
    jobs: int,
    seed: int,
    as_json: bool,
) -> None:
    """Try values of RECIPE's fields with Optuna: grid, random or TPE, bad trials ended early.

    A search that was killed goes on with the same line, trials that were under way from their last
    checkpoint. Its folder gets study.db, a run folder per trial, trials.csv, report.html with the
    importance of each parameter, and best.yaml, a recipe to train.

    \b
    Examples:
      graticule tune country_resnet50 --scale smoke --trials 4 -o search
      graticule tune country_resnet50 --space country_resnet50_initial --set photos.table=photos/ -o search
      graticule tune my.yaml --space my-space.yaml --jobs 2 -o search
      graticule train search/best.yaml -o run
    """
    from graticule.config import require
    from graticule.training.search.space import read_space

    found = read_space(recipe, space, scale=scale, overrides=overrides)  # its errors come before torch
    for package in ("torch", "lightning", "timm", "safetensors", "onnx", "optuna"):
        require(package)
    from graticule.training.locking import one_at_a_time
    from graticule.training.search.results import write_results
    from graticule.training.search.study import Search, run_search

    search = Search.of(found, output, trials=trials, seed=seed)
    busy = f"Another search is under way in '{output}'.\nLet it end, or name another folder with -o."
    with one_at_a_time(output / "lock", busy):
        study = run_search(search, jobs=jobs, say=lambda line: click.echo(line, err=True))
        results = write_results(search, study)
    if as_json:
        emit(_document(results, output))
    else:
        _print(results, output)


def _document(results: SearchResults, output: Path) -> dict[str, Any]:
    return {
        "search": str(output),
        "goal": results.goal,
        "best": dict(results.best or {}),
        "importances": None if results.importances is None else dict(results.importances),
        "trials": [dict(row) for row in results.rows],
    }


def _print(results: SearchResults, output: Path) -> None:
    head = ["trial", "state", results.goal, *results.parameters]
    rows = [head]
    for trial in results.rows:
        cells = [
            trial["trial"],
            trial["state"],
            trial["value"],
            *(trial[name] for name in results.parameters),
        ]
        rows.append(
            [
                "-" if cell is None else f"{cell:.4g}" if isinstance(cell, float) else str(cell)
                for cell in cells
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        click.echo("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    shares = ", ".join(f"{name} {share:.2f}" for name, share in (results.importances or {}).items())
    click.echo(f"Importance: {shares or 'too few trials went through to tell'}")
    click.echo(f"Report: {output / 'report.html'}")
    click.echo(f"Train the best:  graticule train {output / 'best.yaml'} -o RUN")
