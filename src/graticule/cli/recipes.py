"""``graticule recipes``: the recipes that come with graticule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from graticule.cli.output import emit, json_option

if TYPE_CHECKING:
    from graticule.training.recipe.files import RecipeSummary


@click.command("recipes")
@click.option("--names", is_flag=True, help="Print the names of those to train alone, one a line.")
@json_option
def command(names: bool, as_json: bool) -> None:
    """List the recipes that come with graticule: names, sources, what they reproduce.

    \b
    Examples:
      graticule recipes
      for r in $(graticule recipes --names); do graticule train $r -o runs/$r; done
    """
    from graticule.training.recipe.files import PRETRAINING, list_recipes, recipes_folder

    found = list_recipes()
    before = list_recipes(recipes_folder() / PRETRAINING)
    if as_json:
        emit(
            {
                "recipes": [_document(item) for item in found],
                "pretraining": [_document(item) for item in before],
            }
        )
        return
    if names:
        for item in found:
            click.echo(item.name)
        return
    for items, line in (
        (found, "Train one:  graticule train NAME --set photos.table=FOLDER -o RUN"),
        (before, "Pre-train one:  graticule pretrain NAME --set photos.table=PHOTOS -o RUN"),
    ):
        for item in items:
            click.echo(f"{item.name}  (source: {item.source})")
            click.echo(f"    {item.reproduces}")
            click.echo(f"    published: {item.published}")
        click.echo(line)


def _document(item: RecipeSummary) -> dict[str, str]:
    return {
        "name": item.name,
        "path": str(item.path),
        "source": item.source,
        "reproduces": item.reproduces,
        "published": item.published,
    }
