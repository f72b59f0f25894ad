"""``graticule collect``: photos with places from Flickr or Mapillary, through their APIs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, progress, stderr, stdout

if TYPE_CHECKING:
    from graticule.photos.collecting import CollectReport


def _list_terms(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print the shipped terms."""
    if not wanted or context.resilient_parsing:
        return
    from graticule.photos.collecting import EVERYTHING, read_terms

    for term in read_terms([EVERYTHING]):
        click.echo(f"{term.group}\t{term.language}\t{term.text}")
    context.exit()


def _shared(function: Any) -> Any:
    """The options that both services have."""
    for option in reversed(
        [
            click.option(
                "-o",
                "--output",
                type=click.Path(path_type=Path),
                required=True,
                help="Folder to collect into; named again, it goes on there.",
            ),
            click.option(
                "--limit",
                type=click.IntRange(min=1),
                metavar="N",
                help="Keep at most N photos, over all runs.  [default: no limit]",
            ),
            click.option(
                "--min-side",
                type=click.IntRange(min=0),
                default=224,
                show_default=True,
                metavar="PX",
                help="Refuse photos whose shorter side has fewer pixels.",
            ),
            click.option(
                "--photos-per-second",
                type=float,
                default=4.0,
                show_default=True,
                help="Files fetched at most.",
            ),
            click.option(
                "--api-per-second",
                type=float,
                help="Requests to the API at most.  [default: 1 for Flickr, 10 for Mapillary]",
            ),
            click.option("--api-url", metavar="URL", help="Another address of the API, such as a proxy's."),
            json_option,
        ]
    ):
        function = option(function)
    return function


@click.group("collect")
def command() -> None:
    """Collect photos with places from Flickr or Mapillary, with your own key, into a photo table.

    Only their official APIs are asked, politely. By default only photos under free licences are taken;
    author, licence and page of each are kept in the table. A run that was stopped goes on when the same line
    is typed again. Why Street View is not offered: docs/collect.md.

    \b
    Examples:
      graticule collect flickr --terms outdoor --limit 10000 -o flickr
      graticule collect mapillary --places sample.parquet -o mapillary
    """


@command.command("flickr")
@click.option(
    "--terms",
    multiple=True,
    metavar="LIST",
    help="outdoor, urban, natural, regional, events, or a file of your words. May be repeated.",
)
@click.option(
    "--languages",
    metavar="CODES",
    help="Of the shipped terms only these: en,it,fr,es,pt,de,zh,sv.  [default: all]",
)
@click.option(
    "--list-terms",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_terms,
    help="Show the shipped terms, and exit.",
)
@click.option(
    "--places",
    type=click.Path(path_type=Path),
    metavar="TABLE",
    help="Instead of terms: the photo nearest to each place of a table.",
)
@click.option(
    "--within-km",
    type=float,
    default=0.5,
    show_default=True,
    help="With --places: a photo further away does not count.",
)
@click.option(
    "--licences",
    default="free",
    show_default=True,
    metavar="NAMES",
    help="free, cc (also NC and ND), any, or names such as CC-BY-4.0, with commas between.",
)
@click.option(
    "--min-accuracy",
    type=int,
    default=14,
    show_default=True,
    help="Of the geotag: 1 world, 3 country, 6 region, 11 city, 16 street.",
)
@click.option("--keep-indoors", is_flag=True, help="Keep photos that their authors marked as taken indoors.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Only photos uploaded on this day or later.",
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Only photos uploaded on this day or earlier.",
)
@_shared
def flickr(
    terms: tuple[str, ...], languages: str | None, licences: str, since: datetime | None,
    until: datetime | None, as_json: bool, **words: Any,
) -> int:  # fmt: skip
    """Collect from Flickr by search terms, or the photo nearest to each place of a table.

    The key is read from FLICKR_API_KEY (https://www.flickr.com/services/apps/create/). Exit status 3 says
    that something is left to do or was no place; collect.json says what.

    \b
    Examples:
      graticule collect flickr --terms outdoor -o flickr
      graticule collect flickr --terms natural --terms my-words.txt --languages en,sv --limit 5000 -o flickr
      graticule collect flickr --places sample.parquet --within-km 1 -o flickr
    """
    from graticule.photos.collecting import LANGUAGES, read_licences

    return _collect(
        "flickr",
        as_json,
        terms=terms,
        languages=tuple(_words(languages)) if languages else LANGUAGES,
        licences=read_licences(_words(licences)),
        since=since.date() if since else None,
        until=until.date() if until else None,
        **words,
    )


@command.command("mapillary")
@click.option(
    "--places",
    type=click.Path(path_type=Path),
    required=True,
    metavar="TABLE",
    help="The photo nearest to each place of a table, such as sample writes.",
)
@click.option(
    "--within-km",
    type=float,
    default=0.5,
    show_default=True,
    help="A photo further away does not count; at most 2.",
)
@_shared
def mapillary(as_json: bool, **words: Any) -> int:
    """Collect from Mapillary the photo nearest to each place of a table; all are CC-BY-SA-4.0.

    The token is read from MAPILLARY_ACCESS_TOKEN (https://www.mapillary.com/dashboard/developers).
    Panoramas are left out. Exit status 3 says that something is left to do or was no place; collect.json
    says what.

    \b
    Example:
      graticule sample addresses.csv --by municipality --per-cell 330 -o sample.parquet
      graticule collect mapillary --places sample.parquet -o mapillary
    """
    return _collect("mapillary", as_json, **words)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _collect(
    service: str,
    as_json: bool,
    *,
    output: Path,
    limit: int | None,
    min_side: int,
    photos_per_second: float,
    api_per_second: float | None,
    **words: Any,
) -> int:
    from graticule.photos.collecting import CollectSettings, Manners, collect

    settings = CollectSettings(most=limit, min_side_px=min_side, **words)
    with progress("photos") as bar:
        task = bar.add_task("Collecting", total=limit)
        report = collect(
            service,
            output,
            settings,
            manners=Manners(api_per_second, photos_per_second),
            on_progress=lambda kept, still_open: bar.update(
                task, completed=kept, description=f"Collecting ({still_open:,} searches open)"
            ),
        )
    if as_json:
        emit(report.to_dict())
    else:
        _print(report, limit)
    return 0 if report.is_complete or (limit is not None and report.kept >= limit) else REFUSED_SOME


def _print(report: CollectReport, limit: int | None) -> None:
    console = stdout()
    rows = [("found", report.found), ("found again by another search", report.found_again)]
    rows += [(f"not wanted, {reason}", count) for reason, count in report.unwanted.items()]
    rows += [(f"refused, {reason}", count) for reason, count in report.refused.items()]
    rows += [(f"waiting, {reason}", count) for reason, count in report.waiting.items()]
    rows += [("kept", report.kept), ("  of authors", report.authors)]
    rows += [(f"  {licence}", count) for licence, count in report.licences.items()]
    rows += [(f"  found by {group} terms", count) for group, count in report.term_groups.items()]
    for name, value in rows:
        console.print(f"{name:<40}{value:>10,}", markup=False)
    if report.places is not None:
        with_photo, searched = report.places["with_photo"], report.places["searched"]
        console.print(f"{'places with a photo':<40}{with_photo:>10,}  of {searched:,}", markup=False)
        for kind in ("without", "refused"):
            for reason, count in report.places[kind].items():
                console.print(f"{f'places {kind}, {reason}':<40}{count:>10,}", markup=False)
    if (still_open := report.searches.get("open", 0)) and not (limit and report.kept >= limit):
        stderr().print(f"Note: {still_open:,} searches are still open; the same line goes on.", markup=False)
    if report.waiting.get("server-failed"):
        stderr().print("Note: some photos' servers failed; the same line tries them again.", markup=False)
    console.print(
        f"Wrote {report.table} with {report.requests:,} requests in {report.seconds:g} s.", markup=False
    )
