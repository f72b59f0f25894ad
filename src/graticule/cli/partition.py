"""``graticule partition``: cuts the Earth into cells by where the photos are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, stderr
from graticule.cli.partition_words import (
    Rows,
    check_endings,
    option_typed,
    print_comparisons,
    print_summary,
    remark_result,
    remark_rows,
)
from graticule.errors import UsageError
from graticule.partitions.methods import (
    METHODS,
    OPTIONS,
    build_from_counts,
    build_partition,
    respelled,
    spelled,
)

if TYPE_CHECKING:
    from graticule.partitions import Partition, Summary
    from graticule.partitions.built import Built
    from graticule.partitions.s2.counts import S2Counts
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
@click.argument("tables", nargs=-1, metavar="TABLE", type=click.Path(path_type=Path))
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
    "--streaming",
    is_flag=True,
    help="Read the table in blocks and count its photos by S2 cell, for tables larger than memory.",
)
@click.option(
    "--counting-level",
    type=int,
    help="S2 level that a streamed table is counted at: no cell of s2 is finer.  [default: 13, about 1 km]",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The partition, GeoParquet."
)
@click.option(
    "--map", "map_path", type=click.Path(path_type=Path, dir_okay=False), help="Draw the cells, as HTML."
)
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the cells for print: PNG, SVG or PDF (needs the extra 'report').",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="For clusters: a page with elbow, silhouette, sizes and agreement, as HTML.",
)
@click.option("--compare", "comparing", is_flag=True, help="Compare partition files instead, on --photos.")
@click.option("--photos", type=click.Path(path_type=Path), help="The table of photos to compare on.")
@json_option
def command(tables: tuple[Path, ...], comparing: bool, photos: Path | None, **words: Any) -> int:
    """Cut the Earth into cells that each hold about as many photos of TABLE.

    TABLE is a photo table (a folder or photos.parquet), or any CSV, JSON-lines or Parquet file with
    latitudes and longitudes. Photos in no cell are counted as dropped. With --compare, name two or more
    partition files instead, and a table of photos to measure them on.

    \b
    Examples:
      graticule partition photos/ --max 300 --min 30 -o cells.parquet --map cells.html
      graticule partition places.csv.gz --preset cnn-vit --merge-small -o cells.parquet
      graticule partition places.csv.gz --method kd --cells 1000 -o cells.parquet --figure cells.png
      graticule partition --compare s2.parquet kd.parquet --photos test.csv
    """
    if comparing:
        return _compare(tables, photos, words)
    if len(tables) != 1:
        raise UsageError(
            f"There are {len(tables)} tables to cut cells from, expected one.\n"
            "Type:  graticule partition TABLE   or   graticule partition --compare A B --photos TABLE"
        )
    if photos is not None:
        raise UsageError(
            "--photos is the table to compare partitions on, and nothing is compared.\n"
            f"Type:  graticule partition --compare {tables[0]} OTHER --photos {photos}"
        )
    return _cut(tables[0], words)


def _cut(table: Path, words: dict[str, Any]) -> int:
    """Build, write, draw and print one partition."""
    from graticule.partitions.summary import summarise

    figure_path, map_path, output = words["figure"], words["map_path"], words["output"]
    check_endings({"-o": output, "--map": map_path, "--report": words["report"]})
    if figure_path is not None:
        from graticule.reports.partition_figure import check_figure_path

        check_figure_path(figure_path)  # before the work, not after it
    if words["report"] is not None and words["method"] != "clusters":
        raise UsageError(
            f"Only groups of countries have such a report, not the method '{words['method']}'.\n"
            "Leave --report out, or type:  --method clusters"
        )
    with spelled(option_typed):
        rows, built = _built(table, words)
    partition = built.partition
    figures = summarise(partition)
    if output is not None:
        partition.write(output)
    if map_path is not None:
        _draw(partition, map_path, f"{partition.count:,} cells of {table.name}")
    if figure_path is not None:
        from graticule.reports.partition_figure import write_partition_figure

        write_partition_figure(figure_path, partition, title=f"{partition.count:,} cells of {table.name}")
    if words["report"] is not None:
        from graticule.reports.clusters import write_clusters_report

        write_clusters_report(words["report"], partition, built.figures)
    written = {"output": output, "map": map_path, "figure": figure_path, "report": words["report"]}
    remark_rows(rows)
    if words["as_json"]:
        emit({**_document(table, rows, words["method"], partition, figures, written), **built.figures})
    else:
        print_summary(figures)
    for remark in built.remarks:
        stderr().print(respelled(remark, option_typed), markup=False)
    remark_result(figures, written, words["method"])
    return REFUSED_SOME if rows.refused else 0


def _built(table: Path, words: dict[str, Any]) -> tuple[Rows, Built]:
    """What became of the table's rows, and the cells around their places."""
    options = {name: words[name] for name in OPTIONS}
    if words["streaming"]:
        rows, counts = _counted(table, words)
        return rows, build_from_counts(words["method"], counts, options)
    if words["counting_level"] is not None:
        raise UsageError("--counting-level is about streamed tables.\nAdd --streaming, or leave it out.")
    places = _read(table, words)
    return Rows.of(places), build_partition(words["method"], places.latlon, places.photos, options)


def _check_no_partition(table: Path) -> None:
    """Refuse a partition in the place of a table: its rows have places too, but they are cells."""
    from graticule.partitions.partition.geoparquet import is_partition

    if is_partition(table):
        raise UsageError(
            f"'{table}' is a partition; expected a table of photos or places.\n"
            f"Compare it with another:  graticule partition --compare {table} OTHER --photos TABLE"
        )


def _read(table: Path, words: dict[str, Any]) -> Places:
    from graticule.photos.places import read_places

    _check_no_partition(table)
    return read_places(
        table,
        latitude=words["latitude"],
        longitude=words["longitude"],
        weights=words["weights"],
        split=words["split"],
    )


def _counted(table: Path, words: dict[str, Any]) -> tuple[Rows, S2Counts]:
    """The photos of a table by S2 cell, read block by block."""
    from graticule.partitions.s2.counts import COUNTING_LEVEL, S2Counts
    from graticule.photos.places import no_places
    from graticule.photos.streaming import stream_places

    _check_no_partition(table)
    level = words["counting_level"]
    counts = S2Counts(COUNTING_LEVEL if level is None else level)
    rows = Rows()
    for block in stream_places(
        table,
        latitude=words["latitude"],
        longitude=words["longitude"],
        weights=words["weights"],
        split=words["split"],
    ):
        rows = rows.with_more(Rows.of(block))
        counts.add(block.latlon, block.photos)
    if not counts.rows:
        raise no_places(table, rows.rows, rows.unplaced, dict(rows.refused))
    return rows, counts


def _compare(files: tuple[Path, ...], photos: Path | None, words: dict[str, Any]) -> int:
    """Print the figures of several partitions, measured on the same photos."""
    from graticule.partitions.comparison import compare_all
    from graticule.partitions.partition import Partition

    _check_comparing(files, photos, words)
    partitions = [Partition.read(file) for file in files]
    with spelled(option_typed):
        places = _read(photos or Path(), words)
    remark_rows(Rows.of(places))
    names = [file.stem for file in files]
    if len(set(names)) < len(names):
        names = [str(file) for file in files]
    found = compare_all(zip(names, partitions, strict=True), places.latlon, places.photos)
    if words["as_json"]:
        emit({"photos": str(photos), "partitions": [each.to_dict() for each in found]})
    else:
        print_comparisons(found)
    return REFUSED_SOME if places.refused else 0


def _check_comparing(files: tuple[Path, ...], photos: Path | None, words: dict[str, Any]) -> None:
    if len(files) < 2:
        raise UsageError(
            f"There {'is 1 partition' if files else 'are 0 partitions'} to compare, expected at least two.\n"
            "Type:  graticule partition --compare A.parquet B.parquet --photos TABLE"
        )
    if photos is None:
        raise UsageError(
            "Partitions are compared on photos, and no table of photos is named.\n"
            "Type:  graticule partition --compare A.parquet B.parquet --photos TABLE"
        )
    flags = {"--output": words["output"], "--map": words["map_path"], "--figure": words["figure"]}
    flags |= {"--report": words["report"]}
    flags |= {"--streaming": words["streaming"] or None, "--counting-level": words["counting_level"]}
    flags |= {OPTIONS[name].flag: words[name] for name in OPTIONS}
    given = [flag for flag, value in flags.items() if value is not None]
    if given:
        raise UsageError(
            f"{given[0]} is for building cells, and --compare builds none.\nLeave one of them out."
        )


def _document(
    table: Path,
    rows: Rows,
    method: str,
    partition: Partition,
    figures: Summary,
    written: dict[str, Path | None],
) -> dict[str, Any]:
    return {
        "table": str(table),
        "rows": rows.rows,
        "split": rows.split,
        "unplaced": rows.unplaced,
        "refused": rows.refused,
        "method": method,
        "parameters": dict(partition.parameters),
        **figures.to_dict(),
        "fingerprint": partition.fingerprint,
        **{what: None if path is None else str(path) for what, path in written.items()},
    }


def _draw(partition: Partition, path: Path, title: str) -> None:
    from graticule.maps import CellLayer, MapScene, write_map

    rings, owner = partition.parts()
    layer = CellLayer(
        polygons=rings,
        labels=partition.names,
        photos=partition.photos,
        tokens=partition.tokens,
        levels=partition.levels[partition.leaf_nodes],
        owners=owner,
    )
    write_map(path, MapScene(title=title, cells=layer))
