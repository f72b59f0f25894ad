"""``graticule ingest``: from a folder or a table of photos to a photo table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, progress, stderr, stdout
from graticule.errors import UsageError

if TYPE_CHECKING:
    from graticule.photos.ingest_report import IngestReport

_SHOWN = 8
"""So many countries are printed; the report lists all."""

_SHOWN_REFUSALS = 12
"""So many refused photos are printed; the report lists all."""


def _list_layouts(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print name and summary of every layout."""
    if not wanted or context.resilient_parsing:
        return
    from graticule.photos.layouts import LAYOUTS

    width = max(len(layout.name) for layout in LAYOUTS)
    for layout in LAYOUTS:
        click.echo(f"{layout.name:<{width}}  {layout.summary}")
    context.exit()


@click.command("ingest")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
@click.option(
    "--layout",
    default="auto",
    metavar="NAME",
    show_default=True,
    help="How SOURCE is laid out; auto: found out, and said. --list-layouts shows the names.",
)
@click.option(
    "--list-layouts",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_layouts,
    help="Show every layout, and exit.",
)
@click.option("--latitude", metavar="COLUMN", help="Column with latitudes in degrees.")
@click.option("--longitude", metavar="COLUMN", help="Column with longitudes in degrees.")
@click.option("--path", metavar="COLUMN", help="Column with the photos' paths or names.")
@click.option("--id", "photo_id", metavar="COLUMN", help="Column with the photos' ids.")
@click.option("--decimal-comma", is_flag=True, help="Numbers are written 48,137 and not 48.137.")
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    help="Folder that a table's paths start from, if not its own.",
)
@click.option(
    "--utm-zone",
    metavar="ZONE",
    help="Such as 32N, where file names hold UTM coordinates without their zone.",
)
@click.option(
    "--source-name", metavar="TEXT", help="Written as the source of photos where the table has none."
)
@click.option(
    "--check-pixels/--no-check-pixels", default=True, help="Decode every photo to find damaged ones."
)
@click.option(
    "--duplicates",
    default="report",
    show_default=True,
    metavar="WHAT",
    help="The same file, or the same picture stored in another way. report: kept, and listed in "
    "ingest.json; drop: of each picture one photo is kept; keep: not looked for.",
)
@click.option(
    "--min-side",
    "min_side_px",
    type=click.IntRange(min=0),
    default=16,
    show_default=True,
    metavar="PX",
    help="Refuse photos whose shorter side has fewer pixels.",
)
@click.option(
    "--wrong-colours",
    default="report",
    show_default=True,
    metavar="WHAT",
    help="Photos that are black and white, of one tone, or of one colour. report: kept, and listed in "
    "ingest.json; drop: refused; keep: not looked for.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Threads that open photos.  [default: one per processor]"
)
@click.option(
    "--max-side",
    "max_side_px",
    type=click.IntRange(min=1),
    metavar="PX",
    help="Store each photo in the output, its long side at most PX pixels: upright JPEG, no metadata.",
)
@click.option("--shards", is_flag=True, help="Store the photos in tar files (WebDataset), with an index.")
@click.option(
    "--shard-photos",
    "photos_per_shard",
    type=click.IntRange(min=1),
    metavar="N",
    help="Photos in a shard (without --shards: in a folder).  [default: 1000]",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    metavar="Q",
    help="JPEG quality of stored photos.  [default: 90]",
)
@click.option("--force", is_flag=True, help="Remove what was stored in the output before in another form.")
@json_option
def command(source: Path, output: Path, as_json: bool, **words: Any) -> int:
    """Make a photo table of SOURCE: a folder of photos, a table of them, or a published data set.

    Tables are CSV, TSV, Parquet or JSON lines; data sets are known by their files (--list-layouts).
    Writes photos.parquet and ingest.json into the folder named by -o; the photos stay where they are
    unless --max-side or --shards stores them there. Stopped while storing, the same line goes on.
    Exit status 3 says that some photos were refused; ingest.json lists each with its reason.

    \b
    Examples:
      graticule ingest DCIM/ -o photos
      graticule ingest trip/photos.csv -o photos
      graticule ingest im2gps3k/ -o photos
      graticule ingest photos --max-side 320 --shards -o small
      graticule ingest places.csv --images scans/ --latitude lat_wgs --longitude lon_wgs -o photos
    """
    from graticule.photos.ingest import IngestSettings, ingest

    with progress("photos") as bar:
        task = bar.add_task("Opening photos", total=None)
        report = ingest(
            source,
            output,
            IngestSettings(**_with_storage(words)),
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
            on_stored=lambda done, total: bar.update(
                task, description="Storing photos", completed=done, total=total
            ),
        )
    if as_json:
        emit(report.to_dict())
    else:
        _print(report)
    return REFUSED_SOME if report.refused else 0


def _with_storage(words: dict[str, Any]) -> dict[str, Any]:
    """The words about storing as one; the others as they are."""
    from graticule.photos.storing import Storage

    names = ("max_side_px", "shards", "photos_per_shard", "quality")
    about = {name: value for name in names if (value := words[name])}
    rest = {name: value for name, value in words.items() if name not in names}
    if not about.keys() & {"max_side_px", "shards"}:
        if about:
            raise UsageError(
                "Photos stay where they are, so --shard-photos and --quality have no meaning.\n"
                "Say how to store them:  --max-side 320   or   --shards"
            )
        return rest
    return rest | {"storage": Storage(**about)}


def _print(report: IngestReport) -> None:
    from rich.table import Table

    from graticule.photos.table import REPORT_NAME

    console = stdout()
    console.print(f"Layout {report.layout}: {report.layout_reason}.", markup=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for row in _rows(report):
        table.add_row(*row)
    console.print(table)
    for warning in [*report.warnings, *([report.replaced] if report.replaced else [])]:
        stderr().print(f"Warning: {warning}", markup=False)
    listed_in = Path(report.table).with_name(REPORT_NAME)
    for refusal in report.refusals[:_SHOWN_REFUSALS]:
        stderr().print(f"Refused ({refusal.reason}): {refusal.message}", markup=False)
    if (rest := len(report.refusals) - _SHOWN_REFUSALS) > 0:
        stderr().print(f"... and {rest:,} more refused; all are listed in {listed_in}.", markup=False)
    console.print(f"Wrote {report.table} and {listed_in} in {report.seconds:g} s.", markup=False)


def _rows(report: IngestReport) -> Iterator[tuple[str, str, str]]:
    """(what, how many, of which kind) for the printed table."""
    from graticule.geo.countries import CONTINENTS, country_name

    by_country = (
        "" if not report.without_place else f"{report.without_place:,} of them with a country, but no place"
    )
    yield "read", f"{report.read:,}", ""
    yield "kept", f"{report.kept:,}", by_country
    for reason, count in report.refused.items():
        yield "refused", f"{count:,}", reason
    if report.duplicates["mode"] == "report":
        for reason, count in report.duplicates["counts"].items():
            yield "kept", f"{count:,}", f"{reason}; --duplicates drop would leave them out"
    if report.wrong_colours["mode"] == "report":
        for kind, count in report.wrong_colours["counts"].items():
            yield "kept", f"{count:,}", f"{kind}; --wrong-colours drop would leave them out"
    if report.stored is not None:
        what = ("shard" if report.stored["shards"] else "folder") + "s" * (report.stored["containers"] != 1)
        yield "stored", f"{report.stored['photos']:,}", _stored_in_words(report.stored, what)
    for split, count in report.splits.items():
        if list(report.splits) != ["none"]:
            yield "split", f"{count:,}", split
    for code, count in report.continents.items():
        yield "continent", f"{count:,}", CONTINENTS.get(code, "unknown")
    for scene, count in report.scenes.items():
        yield "scene", f"{count:,}", scene
    named = [
        f"{country_name(code) or code} {count:,}"
        for code, count in report.countries.items()
        if code != "none"
    ]
    more = f", and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    yield "countries", f"{len(named):,}", ", ".join(named[:_SHOWN]) + more


def _stored_in_words(stored: dict[str, Any], what: str) -> str:
    side = f", long side at most {stored['max_side_px']} px" if stored["max_side_px"] else ", as they are"
    return f"in {stored['containers']:,} {what}, {stored['bytes'] / 1e6:,.1f} MB{side}"
