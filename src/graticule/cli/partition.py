"""``graticule partition``: cuts the Earth into cells by where the photos are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, stderr, stdout
from graticule.partitions.methods import METHODS, OPTIONS

if TYPE_CHECKING:
    from graticule.partitions import Partition, Summary
    from graticule.photos.places import Places

F = TypeVar("F", bound=Callable[..., Any])


def _method_options(function: F) -> F:
    """The options of all methods, each saying whose it is."""
    for name, option in reversed(list(OPTIONS.items())):
        owners = ", ".join(method for method, found in METHODS.items() if name in found.takes)
        kind: Any = click.Path(path_type=Path, dir_okay=False) if option.kind is Path else option.kind
        settings: dict[str, Any] = {"is_flag": True, "default": None} if kind is bool else {"type": kind}
        function = click.option(
            option.flag, name, metavar=option.metavar, help=f"({owners}) {option.help}", **settings
        )(function)
    return function


@click.command("partition")
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default="s2",
    show_default=True,
    help="How to cut.  " + "  ".join(f"{name}: {method.help}." for name, method in METHODS.items()),
)
@_method_options
@click.option("--split", help="Rows of this split only, or 'all'.  [default: train, if the table has it]")
@click.option(
    "--latitude", metavar="COLUMN", help="Column with latitudes, in degrees.  [default: by its name]"
)
@click.option(
    "--longitude", metavar="COLUMN", help="Column with longitudes, in degrees.  [default: by its name]"
)
@click.option("--weights", metavar="COLUMN", help="Column with the number of photos at each row's place.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The partition, GeoParquet."
)
@click.option(
    "--map", "map_path", type=click.Path(path_type=Path, dir_okay=False), help="Draw the cells, as HTML."
)
@json_option
def command(
    table: Path,
    method: str,
    output: Path | None,
    map_path: Path | None,
    as_json: bool,
    **words: Any,
) -> int:
    """Cut the Earth into cells that each hold about as many photos of TABLE.

    TABLE is a photo table (a folder or photos.parquet), or any CSV, JSON-lines or Parquet file with
    latitudes and longitudes. Cells with too few photos are dropped, and counted.

    \b
    Examples:
      graticule partition photos/ --max 300 --min 30 -o cells.parquet --map cells.html
      graticule partition places.csv.gz --preset cnn-vit -o cells.parquet
    """
    from graticule.partitions import summarise
    from graticule.partitions.methods import build_partition
    from graticule.photos.places import read_places

    places = read_places(
        table,
        latitude=words["latitude"],
        longitude=words["longitude"],
        photos=words["weights"],
        split=words["split"],
    )
    _remark_rows(places)
    built = build_partition(method, places.latlon, places.photos, {name: words[name] for name in OPTIONS})
    partition = built.partition
    figures = summarise(partition)
    if output is not None:
        partition.write(output)
    if map_path is not None:
        _draw(partition, map_path, f"{partition.count:,} cells of {table.name}")
    if as_json:
        emit({**_document(table, places, partition, figures, output, map_path), **built.figures})
    else:
        _print(figures)
    for remark in built.remarks:
        stderr().print(remark, markup=False)
    _remark_result(figures, output, map_path)
    return REFUSED_SOME if places.refused else 0


def _remark_rows(places: Places) -> None:
    notes = stderr()
    if places.split is not None:
        used = len(places.latlon) + places.unplaced + sum(places.refused.values())
        notes.print(
            f"Taking the {used:,} rows of split '{places.split}' out of {places.rows:,}; "
            "--split all takes every row."
        )
    if places.unplaced:
        notes.print(f"Rows without a place, left out: {places.unplaced:,}.")
    if places.refused:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in places.refused.items())
        notes.print(f"Rows with a place that cannot be, refused: {reasons}.")


def _remark_result(figures: Summary, output: Path | None, map_path: Path | None) -> None:
    notes = stderr()
    if figures.cells == 1:
        notes.print(
            "All photos are in one cell, so there is nothing for a model to tell apart; "
            "lower --max, or give places further apart."
        )
    for path in (output, map_path):
        if path is not None:
            notes.print(f"Wrote {path}", markup=False)
    if output is None:
        notes.print("The cells were not kept; keep them with  -o cells.parquet")


def _print(figures: Summary) -> None:
    photos = figures.photos_per_cell
    share = figures.dropped_photos / figures.photos
    radius_km = figures.median_radius_km
    levels = ", ".join(f"{level}: {count:,}" for level, count in figures.cells_by_level.items())
    for name, value in [
        ("cells", f"{figures.cells:,}"),
        ("nodes of the tree", f"{figures.nodes:,}"),
        ("cells by level", levels),
        ("photos", f"{figures.photos:,}"),
        ("photos per cell", f"min {photos['min']:,}, median {photos['median']:,.0f}, max {photos['max']:,}"),
        ("dropped photos", f"{figures.dropped_photos:,} ({share:.1%}) in {figures.dropped_cells:,} cells"),
        ("median cell radius", f"{radius_km:,.0f} km" if radius_km >= 10 else f"{radius_km:.2g} km"),
    ]:
        stdout().print(f"{name:<20}{value}")


def _document(
    table: Path,
    places: Places,
    partition: Partition,
    figures: Summary,
    output: Path | None,
    map_path: Path | None,
) -> dict[str, Any]:
    return {
        "table": str(table),
        "rows": places.rows,
        "split": places.split,
        "unplaced": places.unplaced,
        "refused": places.refused,
        "method": partition.method,
        "parameters": dict(partition.parameters),
        **figures.to_dict(),
        "fingerprint": partition.fingerprint,
        "output": None if output is None else str(output),
        "map": None if map_path is None else str(map_path),
    }


def _draw(partition: Partition, path: Path, title: str) -> None:
    from graticule.maps import CellLayer, MapScene, write_map

    rings, owner = partition.parts()
    layer = CellLayer(
        polygons=rings,
        labels=[partition.names[cell] for cell in owner],
        photos=partition.photos[owner],
        tokens=[partition.tokens[cell] for cell in owner],
        levels=partition.levels[partition.leaf_nodes][owner],
    )
    write_map(path, MapScene(title=title, cells=layer))
