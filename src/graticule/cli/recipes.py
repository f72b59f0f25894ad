"""``graticule recipes``: the recipes that come with graticule."""

from __future__ import annotations

import click

from graticule.cli.output import emit, json_option


@click.command("recipes")
@click.option("--names", is_flag=True, help="Print the names alone, one a line.")
@json_option
def command(names: bool, as_json: bool) -> None:
    """List the recipes that come with graticule: names, sources, what they reproduce.

    \b
    Examples:
      graticule recipes
      for r in $(graticule recipes --names); do graticule train $r -o runs/$r; done
    """
    from graticule.training.recipe_files import list_recipes

    found = list_recipes()
    if as_json:
        emit(
            {
                "recipes": [
                    {
                        "name": item.name,
                        "path": str(item.path),
                        "source": item.source,
                        "reproduces": item.reproduces,
                        "published": item.published,
                    }
                    for item in found
                ]
            }
        )
        return
    for item in found:
        if names:
            click.echo(item.name)
            continue
        click.echo(f"{item.name}  (source: {item.source})")
        click.echo(f"    {item.reproduces}")
        click.echo(f"    published: {item.published}")
    if not names:
        click.echo("Train one:  graticule train NAME --set photos.table=FOLDER -o RUN")
