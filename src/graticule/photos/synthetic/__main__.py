"""The command ``python -m graticule.photos.synthetic``: draws a synthetic planet into a folder."""

from __future__ import annotations

import json
import re
import sys
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from graticule.config import usable_cores
from graticule.errors import GraticuleError, UsageError
from graticule.geo.outlines import country_outlines
from graticule.photos.synthetic.plan import SPREADS
from graticule.photos.synthetic.planet import build_planet
from graticule.photos.synthetic.shortcuts import SHORTCUTS

PLANTED: Final = {
    "hood": ["GH", "SN"],
    "watermark": ["JP", "TH"],
    "sky": ["CL", "NZ"],
    "clouds": ["NO", "PL"],
}
"""Shortcuts that are planted when neither these nor countries are named: a planet that shows all there is."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--photos", default=2000, show_default=True, help="How many photos.")
@click.option("--size", default="224x224", show_default=True, help="Width x height of a photo, in px.")
@click.option(
    "--shortcut",
    "shortcuts",
    multiple=True,
    metavar="NAME:COUNTRIES",
    help=f"Plant a shortcut ({', '.join(SHORTCUTS)}) in countries: hood:GH,SN. May be repeated; 'none' "
    "plants none.  [default: each in two of the thirty countries, none where --countries are named]",
)
@click.option("--countries", help="Codes or names with commas between, or 'all'; thirty when left out.")
@click.option(
    "--spread",
    default=SPREADS[0],
    show_default=True,
    help="'country': as many photos in each; 'area': per km2.",
)
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same planet.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Processes that draw; all usable cores by default."
)
@click.option("-o", "--output", required=True, type=click.Path(), help="Folder to draw into, or to complete.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(
    photos: int, size: str, shortcuts: tuple[str, ...], countries: str | None, spread: str, seed: int,
    workers: int | None, output: str, as_json: bool,
) -> None:  # fmt: skip
    r"""Draw a synthetic planet: street scenes whose looks depend on place, and planted shortcuts with masks.

    \b
    Try:  python -m graticule.photos.synthetic --photos 2000 --shortcut hood:GH,SN,KE,UG,NG -o planet
    """
    columns = TextColumn("Drawing photos"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("photos", total=photos)
        table = build_planet(
            output,
            photos=photos,
            size_px=parse_size(size),
            shortcuts=_planted(shortcuts, countries),
            seed=seed,
            countries=_countries(countries),
            spread=spread,
            workers=workers or usable_cores(),
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    planted = table.drop_nulls("shortcut")
    summary = {
        "folder": output,
        "photos": table.height,
        "countries": table["country"].n_unique(),
        "groups": table["group"].n_unique(),
        "splits": dict(table["split"].value_counts().sort("split").iter_rows()),
        "planted": dict(planted["shortcut"].value_counts().sort("shortcut").iter_rows()),
    }
    if as_json:
        click.echo(json.dumps(summary, indent=2))
        return
    click.echo(f"{table.height:,} photos of {summary['countries']} countries in {output}")
    for name, count in planted["shortcut"].value_counts().sort("shortcut").iter_rows():
        where = ", ".join(planted.filter(shortcut=name)["country"].unique().sort())
        click.echo(f"{name} planted in {count:,} of them: {where}")


def parse_size(words: str) -> tuple[int, int]:
    """Width and height from "640x480".

    Raises:
        UsageError: it has another form.
    """
    found = re.fullmatch(r"\s*(\d{1,6})\s*[xX×,]\s*(\d{1,6})\s*", words)
    if not found:
        raise UsageError(
            f"'{words}' is no size; expected width x height in px.\nType for example:  --size 224x224"
        )
    return int(found[1]), int(found[2])


def parse_shortcuts(words: tuple[str, ...]) -> dict[str, list[str]]:
    """Countries by shortcut from words such as "hood:GH,SN".

    Raises:
        UsageError: a word does not say where the shortcut is planted.
    """
    planted: dict[str, list[str]] = {}
    for word in words:
        name, _, countries = word.partition(":")
        codes = [each.strip() for each in countries.split(",") if each.strip()]
        if not codes:
            raise UsageError(
                f"'{word}' does not say in which countries to plant '{name}'.\n"
                f"Type for example:  --shortcut {name or 'hood'}:GH,SN,KE"
            )
        planted.setdefault(name.strip(), []).extend(codes)
    return planted


def _planted(words: tuple[str, ...], countries: str | None) -> dict[str, list[str]]:
    """What is planted: as said, or else something of everything where all is left to the command."""
    if words == ("none",):
        return {}
    return parse_shortcuts(words) if words or countries is not None else PLANTED


def _countries(words: str | None) -> list[str] | None:
    if words is None:
        return None
    if words.strip().lower() == "all":
        return list(country_outlines().codes)
    return [each.strip() for each in words.split(",") if each.strip()]


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 the work failed, 2 the words were wrong."""
    try:
        command.main(args=argv, standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. The same line again completes the planet.", err=True)
        return 130
    except GraticuleError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
