"""Samples places from a table on disk, matches them with photos, and writes the result as a table."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from graticule.errors import MissingFileError, TableError, UsageError
from graticule.geo import s2
from graticule.photos.columns import check_said
from graticule.photos.coordinates import refusals
from graticule.photos.duplicates import find_duplicates
from graticule.photos.fields import country_codes
from graticule.photos.places import check_not_swapped, no_places, place_columns, positions_of
from graticule.photos.sample import closest_photos, draw_places
from graticule.photos.table import TABLE_NAME, read_photo_table, table_file
from graticule.photos.tabular import read_rows
from graticule.photos.writing import rebased, replace_files, write_parquet

UNIT_LEVEL: Final = 10
"""S2 level of the units inside cells where none are named: about 9 km across, the size of a parish."""

UNITS_BELOW: Final = 2
"""Units of an S2 cell are its descendants so many levels down: 16 of them."""

SUFFIXES: Final = (".parquet", ".csv")


class Cells(Protocol):
    """What is asked of a partition."""

    @property
    def method(self) -> str:
        """How the cells were made; those of ``s2`` have S2 tokens."""

    @property
    def tokens(self) -> list[str]:
        """External id of each cell."""

    def encode(self, latlon: ArrayLike) -> NDArray[np.int64]:
        """Cell of each place, -1 where none covers it."""


@dataclass(frozen=True)
class SampleRules:
    """How to sample.

    Convention:
        - ``per_cell``: places of each cell
        - ``by``: the column whose values are the cells; ``units``: the column of units inside cells
        - ``unit_level``: S2 level of the units where no column is named
        - ``within_km``: a photo further from a place does not stand for it
    """

    per_cell: int
    by: str | None = None
    units: str | None = None
    unit_level: int | None = None
    within_km: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class SampleReport:
    """What was drawn.

    Convention:
        - ``rows`` of the table = those usable + ``unplaced`` + the sum of ``refused`` (number by reason)
        - ``outside``: usable rows in no cell; ``short``: cells with fewer rows than asked, and their rows
        - ``photos``: None, or ``given``, ``dropped`` (places by reason) and ``kept``
        - ``written``: rows of the output
    """

    table: str
    output: str
    rules: dict[str, Any]
    cells_are: str
    units_are: str
    rows: int
    unplaced: int
    refused: dict[str, int]
    outside: int
    cells: int
    sampled: int
    short: dict[str, int]
    photos: dict[str, Any] | None
    written: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The report, ready for JSON."""
        return asdict(self)


def sample_table(
    table: str | Path,
    output: str | Path,
    rules: SampleRules,
    *,
    partition: Cells | None = None,
    photos: str | Path | None = None,
    latitude: str | None = None,
    longitude: str | None = None,
    replace: bool = False,
) -> SampleReport:
    """Draw places from ``table``, match them with photos if these are given, and write them to ``output``.

    Convention:
        - ``table``: addresses or points: CSV, TSV, JSON lines, Parquet, or a photo table
        - cells are those of ``partition``, else the values of ``rules.by``, else countries
        - ``photos``: a photo table; the output then is a photo table of the photos nearest to the places,
          each once, with ``cell``, ``unit``, ``place_latitude``, ``place_longitude`` and ``place_km``
        - ``output``: .parquet or .csv, or with ``photos`` a folder
        - ``replace``: a file that is there may be replaced

    Raises:
        MissingFileError: there is no such table, or the output cannot be written.
        TableError: the table has no usable place, or none in a cell.
        UsageError: a column that was named is not there, or the options contradict each other.
    """
    started_s = time.perf_counter()
    path, target = Path(table), _target(Path(output), photos is not None, replace)
    frame = read_photo_table(path) if path.is_dir() else read_rows(path)
    check_said(frame, str(path), latitude=latitude, longitude=longitude, by=rules.by, units=rules.units)
    rows, unplaced, refused = _placed(frame, path, latitude, longitude)
    latlon = rows.select("latitude", "longitude").to_numpy()
    labels, cells_are = _cells(rows, latlon, rules, partition)
    units, units_are = _units(rows, latlon, rules, partition)
    drawn = draw_places(labels, units, per_cell=rules.per_cell, seed=rules.seed)
    if not len(drawn):
        raise TableError(
            f"None of the {rows.height:,} places of table '{path}' lies in a cell ({cells_are}).\n"
            "Give cells that cover them with --cells, or a column with --by."
        )
    sample = _own(rows).with_columns(labels.alias("cell"), units.alias("unit"))[drawn.tolist()]
    counts = labels.drop_nulls().value_counts().rows()
    matched, told = (
        (sample, None) if photos is None else _matched(sample, Path(photos), target, rules.within_km)
    )
    _write(matched, target)
    return SampleReport(
        table=str(table),
        output=str(target),
        rules=asdict(rules),
        cells_are=cells_are,
        units_are=units_are,
        rows=frame.height,
        unplaced=unplaced,
        refused=refused,
        outside=labels.null_count(),
        cells=len(counts),
        sampled=len(drawn),
        short={str(cell): count for cell, count in sorted(counts) if count < rules.per_cell},
        photos=told,
        written=matched.height,
        seconds=round(time.perf_counter() - started_s, 2),
    )


def _target(output: Path, has_photos: bool, replace: bool) -> Path:
    """The file to write."""
    if has_photos and not output.suffix:
        output = output / TABLE_NAME
    if output.suffix.lower() not in SUFFIXES:
        folder = ", or a folder" if has_photos else ""
        raise UsageError(
            f"'{output}' does not say how to write: expected a name in .parquet or .csv{folder}.\n"
            f"For example:  -o {output.with_suffix('.parquet')}"
        )
    if output.exists() and not replace:
        raise UsageError(
            f"'{output}' exists already.\nName another after -o, or let it be replaced with --replace."
        )
    return output


def _placed(
    frame: pl.DataFrame, path: Path, latitude: str | None, longitude: str | None
) -> tuple[pl.DataFrame, int, dict[str, int]]:
    """Rows with a usable place; how many have none, and how many a wrong one, by reason."""
    columns = place_columns(frame, path, latitude, longitude)
    positions = positions_of(frame, columns)
    check_not_swapped(positions, columns, path)
    reasons = refusals(positions)
    bare = positions["latitude"].is_null() & reasons.is_null()
    refused = dict(sorted(Counter(reasons.drop_nulls().to_list()).items()))
    good = reasons.is_null() & ~bare
    if not good.any():
        raise no_places(path, frame.height, int(bare.sum()), refused)
    said = [name for name in (columns.latitude, columns.longitude) if name]
    rest = frame.drop(said).drop("latitude", "longitude", strict=False)
    return positions.drop("wrong").hstack(rest).filter(good), int(bare.sum()), refused


def _cells(
    rows: pl.DataFrame, latlon: NDArray[np.float64], rules: SampleRules, partition: Cells | None
) -> tuple[pl.Series, str]:
    """The cell of each row, null in none; and what cells are, in words."""
    if partition is not None and rules.by is not None:
        raise UsageError("Cells come from a partition or from a column.\nLeave out --cells or --by.")
    if partition is not None:
        tokens = pl.Series([*partition.tokens, None], dtype=pl.String)
        return tokens[partition.encode(latlon).tolist()], f"cells of a partition ({partition.method})"
    if rules.by is not None:
        return rows[rules.by].cast(pl.String), f"values of column '{rules.by}'"
    if "country" in rows.columns:
        return country_codes(rows["country"])[0], "countries, by column 'country'"
    from graticule.geo.outlines import country_of

    return pl.Series(list(country_of(latlon)), dtype=pl.String), "countries, by outline"


def _units(
    rows: pl.DataFrame, latlon: NDArray[np.float64], rules: SampleRules, partition: Cells | None
) -> tuple[pl.Series, str]:
    """The unit of each row inside its cell, and what units are, in words."""
    if rules.units is not None:
        if rules.unit_level is not None:
            raise UsageError("Units come from a column or are S2 cells.\nLeave out --units or --unit-level.")
        return rows[rules.units].cast(pl.String), f"values of column '{rules.units}'"
    leaves = s2.cell_ids(latlon)
    if rules.unit_level is None and partition is not None and partition.method == "s2":
        cells = partition.encode(latlon)
        ids = s2.from_token(partition.tokens)
        levels = np.where(cells >= 0, s2.level(ids)[cells] + UNITS_BELOW, UNIT_LEVEL)
        units = s2.parent(leaves, np.minimum(levels, 30))
        return pl.Series(s2.token(units)), f"S2 cells {UNITS_BELOW} levels below each cell"
    level = UNIT_LEVEL if rules.unit_level is None else rules.unit_level
    if not 0 <= level <= 30:
        raise UsageError(f"There is no S2 level {level}.\nGive 0 to 30:  --unit-level {UNIT_LEVEL}")
    return pl.Series(s2.token(s2.parent(leaves, level))), f"S2 cells of level {level}"


def _own(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows; columns of theirs that would be written over are called ``original_...``."""
    return rows.rename({name: f"original_{name}" for name in ("cell", "unit") if name in rows.columns})


def _matched(
    sample: pl.DataFrame, table: Path, target: Path, within_km: float | None
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The photos nearest to the places, as a photo table; and how many were dropped, by reason."""
    everything = read_photo_table(table)
    photos = everything.filter(pl.col("latitude").is_not_null())
    places, spots = (frame.select("latitude", "longitude").to_numpy() for frame in (sample, photos))
    matches = closest_photos(places, spots, within_km=within_km)
    chosen = photos[matches.photo.tolist()]
    repeats = find_duplicates(
        chosen["sha256"], chosen["phash"], chosen["width"].cast(pl.Int64) * chosen["height"]
    )
    goes = np.zeros(chosen.height, dtype=np.bool_)
    goes[[each.row for each in repeats]] = True
    at = sample[matches.place.tolist()].select(
        "cell",
        "unit",
        pl.col("latitude").alias("place_latitude"),
        pl.col("longitude").alias("place_longitude"),
        pl.Series("place_km", matches.km),
    )
    own = chosen.rename({name: f"original_{name}" for name in at.columns if name in chosen.columns})
    own = own.with_columns(rebased(own["path"], table_file(table).resolve().parent, target.parent))
    dropped = {"no-photo-near": matches.too_far, "same-photo": matches.repeated}
    dropped |= Counter(each.reason for each in repeats)
    kept = own.hstack(at).filter(~pl.Series(goes))
    told = {
        "given": everything.height,
        "dropped": {why: n for why, n in dropped.items() if n},
        "kept": kept.height,
    }
    return kept, told


def _write(frame: pl.DataFrame, target: Path) -> None:
    def write(file: Path) -> None:
        if target.suffix.lower() == ".csv":
            frame.write_csv(file)
        else:
            write_parquet(frame, file)

    try:
        replace_files({target: write})
    except OSError as error:
        raise MissingFileError(
            f"'{target}' cannot be written: {error.strerror or error}.\nName another file after -o."
        ) from error
