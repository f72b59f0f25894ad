"""``graticule sample``: places from a table of addresses, so many per cell, and the photos nearest them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, stderr, stdout

if TYPE_CHECKING:
    from graticule.photos.sample_files import SampleReport


@click.command("sample")
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Table to write: .parquet or .csv; with --photos also a folder, for a photo table.",
)
@click.option("--per-cell", type=int, required=True, metavar="N", help="Places to draw from each cell.")
@click.option("--cells", type=click.Path(path_type=Path), help="A partition: cells.parquet.")
@click.option("--by", metavar="COLUMN", help="Column whose values are the cells.  [default: countries]")
@click.option(
    "--units",
    metavar="COLUMN",
    help="Column of smaller units inside cells, such as districts: a cell's places are drawn from them in "
    "proportion to the rows in each.",
)
@click.option(
    "--unit-level",
    type=int,
    help="Without --units: the S2 level of such units.  [default: 2 below the cell for S2 cells, else 10]",
)
@click.option(
    "--photos", type=click.Path(path_type=Path), help="A photo table: write the photo nearest to each place."
)
@click.option("--within-km", type=float, help="With --photos: a photo further away does not count.")
@click.option("--latitude", metavar="COLUMN", help="Column with latitudes.  [default: by its name]")
@click.option("--longitude", metavar="COLUMN", help="Column with longitudes.  [default: by its name]")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed, another draw."
)
@click.option("--replace", is_flag=True, help="A file that is there may be replaced.")
@json_option
def command(
    table: Path,
    output: Path,
    per_cell: int,
    cells: Path | None,
    by: str | None,
    units: str | None,
    unit_level: int | None,
    photos: Path | None,
    within_km: float | None,
    latitude: str | None,
    longitude: str | None,
    seed: int,
    replace: bool,
    as_json: bool,
) -> int:
    """Draw N places per cell from TABLE: addresses or points, in CSV, TSV, JSON lines or Parquet.

    Inside each cell places are drawn from smaller units in proportion to the rows there. With --photos the
    photo nearest to each place is taken, each photo and each picture once. Exit status 3 says that rows of
    TABLE had positions that cannot be.

    \b
    Examples:
      graticule sample addresses.csv --by municipality --units postcode --per-cell 330 -o places.csv
      graticule sample addresses.csv --cells cells.parquet --per-cell 100 --photos photos/ -o sampled/
    """
    from graticule.cli.partition_words import option_typed
    from graticule.errors import UsageError
    from graticule.partitions.methods import spelled
    from graticule.photos.sample_files import SampleRules, sample_table

    if within_km is not None and photos is None:
        raise UsageError(
            "--within-km is about photos, but none are given.\nName a photo table with --photos."
        )
    partition = None
    if cells is not None:
        from graticule.partitions import Partition

        partition = Partition.read(cells)
    with spelled(option_typed):
        report = sample_table(
            table,
            output,
            SampleRules(per_cell, by, units, unit_level, within_km, seed),
            partition=partition,
            photos=photos,
            latitude=latitude,
            longitude=longitude,
            replace=replace,
        )
    if as_json:
        emit(report.to_dict())
    else:
        _print(report)
    return REFUSED_SOME if report.refused else 0


def _print(report: SampleReport) -> None:
    console = stdout()
    console.print(f"Cells are {report.cells_are}; units are {report.units_are}.", markup=False)
    for name, value in [
        ("rows", f"{report.rows:,}"),
        *([("without a place", f"{report.unplaced:,}")] if report.unplaced else []),
        *((f"refused, {reason}", f"{count:,}") for reason, count in report.refused.items()),
        *([("in no cell", f"{report.outside:,}")] if report.outside else []),
        ("cells", f"{report.cells:,}"),
        ("places drawn", f"{report.sampled:,}"),
    ]:
        console.print(f"{name:<24}{value:>10}", markup=False)
    if report.photos is not None:
        for reason, count in report.photos["dropped"].items():
            console.print(f"{'dropped, ' + reason:<24}{count:>10,}", markup=False)
        console.print(f"{'photos kept':<24}{report.photos['kept']:>10,}", markup=False)
    if report.short:
        least = min(report.short, key=lambda cell: report.short[cell])
        wanted = report.rules["per_cell"]
        stderr().print(
            f"Note: {len(report.short):,} of {report.cells:,} cells have fewer than {wanted:,} rows, such as "
            f"'{least}' with {report.short[least]:,}; all of theirs were taken.",
            markup=False,
        )
    console.print(f"Wrote {report.output} in {report.seconds:g} s.", markup=False)
