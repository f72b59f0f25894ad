"""``graticule datasheet``: what a reader should know of a photo table before using it."""

from __future__ import annotations

from pathlib import Path

import click

from graticule.cli.output import emit, json_option, stderr


@click.command("datasheet")
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the page, the Markdown and the JSON.  [default: Markdown on stdout]",
)
@click.option("--name", metavar="TEXT", help="What the data set is called.  [default: its folder's name]")
@click.option("--replace", is_flag=True, help="A datasheet that is there may be replaced.")
@json_option
def command(table: Path, output: Path | None, name: str | None, replace: bool, as_json: bool) -> int:
    """Write a datasheet of TABLE, a photo table, from the table and the reports beside it alone.

    It tells counts, coverage, licences, provenance, splits and their leaks, duplicates, and known gaps, and
    says "Not stated." of what the table does not tell.

    \b
    Examples:
      graticule datasheet photos/ -o datasheet
      graticule datasheet photos/ > DATASHEET.md
    """
    from graticule.photos.datasheet import dataset_facts, markdown

    if output is None:
        facts = dataset_facts(table, name=name)
    else:
        from graticule.reports.datasheet import write_datasheet
        from graticule.reports.page import PAGE

        facts = write_datasheet(table, output, name=name, replace=replace)
        stderr().print(f"Wrote {output / PAGE}", markup=False)
    if as_json:
        emit(facts)
    elif output is None:
        click.echo(markdown(facts), nl=False)
    return 0
