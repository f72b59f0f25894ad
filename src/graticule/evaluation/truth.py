"""Where the photos were really taken: read from a photo table, or from anybody's table of positions."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from graticule.config import nearest
from graticule.errors import MissingFileError, TableError, UsageError
from graticule.evaluation.matching import shown, without_copies
from graticule.geo.countries import country_code
from graticule.photos.columns import Columns, check_said, sniff
from graticule.photos.coordinates import (
    read_numbers,
    read_points,
    refusals,
    swapped_evidence,
    writes_decimal_comma,
)
from graticule.photos.layouts.scene import with_scene
from graticule.photos.table import TABLE_NAME
from graticule.photos.tabular import is_table, read_rows


def read_truth(path: str | Path, *, split: str | None = None, **said: str | None) -> pl.DataFrame:
    """The true places of a table, one row per photo.

    Convention:
        - ``path``: CSV, TSV, Parquet or JSON lines, gzipped or not, or a folder with one such table
        - ``said``: columns by role (``photo_id``, ``latitude``, ``longitude``, ``country``, ``group``);
          those not said are found by their names
        - ``split``: keep the rows of that split only
        - columns of the result: ``photo_id``, ``path``; ``latitude``, ``longitude`` in degrees, null where
          the table has no usable place; ``reason``, why a place that is there is not usable, or null;
          ``country`` (ISO 3166-1 alpha-2), null where not said or not understood; ``group``;
          ``scene`` (indoor, natural, urban), where the table has it or its probabilities; ``rows``, how
          many rows say the same of the photo, only where some are repeated

    Raises:
        MissingFileError: there is no such table.
        TableError: no column for the id or the place, no row, a row without an id, the same photo at two
            places, or latitude and longitude swapped.
        UsageError: a column that was said, or the split, does not exist.
    """
    file = _table_in(Path(path))
    name = f"Truth '{file}'"
    return _once_each(read_places(file, name, split=split, has_options=True, **said), name)


def read_places(
    file: Path, name: str, *, split: str | None = None, has_options: bool = True, **said: str | None
) -> pl.DataFrame:
    """The photos and positions of a table row by row, as ``read_truth`` gives them.

    Convention:
        - ``name``: what errors call the table; ``has_options``: its columns can be named on the command line

    Raises:
        TableError: as ``read_truth``, but photos may stand in several rows.
    """
    rows = read_rows(file)
    given = {role: name for role, name in said.items() if name is not None}
    check_said(rows, str(file), **given)
    found = sniff(rows, **given)
    if found.photo_id is None or not found.has_place:
        raise TableError(_no_column(name, rows, found, has_options=has_options))
    if rows.is_empty():
        raise TableError(f"{name} has no rows, so there is nothing to compare.\nGive another table.")
    rows = _of_split(rows, found, split, name)
    places = _places(rows, found)
    table = pl.DataFrame(
        {
            "photo_id": rows[found.photo_id].cast(pl.String),
            "path": _text(rows, found.path),
            "country": _country_codes(rows, found.country),
            "group": _text(rows, found.group),
            "scene": _scene(rows),
        }
    ).with_columns(places["latitude"], places["longitude"], refusals(places))
    if not {"latitude", "longitude"} <= given.keys():
        _check_order(table, found, name, has_options=has_options)
    _check_ids(table, found.photo_id, name)
    usable = pl.col("reason").is_null()
    return table.with_columns(pl.when(usable).then(pl.col("latitude", "longitude")))


def _table_in(path: Path) -> Path:
    if not path.is_dir():
        return path
    if (path / TABLE_NAME).is_file():
        return path / TABLE_NAME
    tables = sorted(file for file in path.iterdir() if file.is_file() and is_table(file))
    if len(tables) == 1:
        return tables[0]
    found = f"{len(tables)} tables ({shown([table.name for table in tables])})" if tables else "no table"
    raise MissingFileError(
        f"Folder '{path}' holds {found}; expected one with the true places.\n"
        f"Name the file:  --truth {path}/FILE"
    )


def _no_column(name: str, rows: pl.DataFrame, found: Columns, *, has_options: bool) -> str:
    missing = ["id"] if found.photo_id is None else []
    if not found.has_place:
        missing += [role for role in ("latitude", "longitude") if getattr(found, role) is None]
    words = " ".join(f"--{word} COLUMN" for word in missing)
    advice = (
        f"Name the column:  {words}" if has_options else "Call the columns photo_id, latitude, longitude."
    )
    return (
        f"{name} has no column that looks like a {' or '.join(missing)} "
        f"(found: {', '.join(rows.columns)}).\n{advice}"
    )


def _of_split(rows: pl.DataFrame, found: Columns, split: str | None, name: str) -> pl.DataFrame:
    if split is None:
        return rows
    if found.split is None:
        raise UsageError(f"{name} has no column 'split'.\nLeave --split out, or give a table with splits.")
    kept = rows.filter(pl.col(found.split).cast(pl.String) == split)
    if kept.is_empty():
        known = sorted(str(name) for name in rows[found.split].drop_nulls().unique())
        advice = nearest(split, known) or (known[0] if known else "NAME")
        raise UsageError(
            f"{name} has no photo of the split '{split}' (found: {', '.join(known) or 'none'}).\n"
            f"Try:  --split {advice}"
        )
    return kept


def _places(rows: pl.DataFrame, found: Columns) -> pl.DataFrame:
    """Columns ``latitude``, ``longitude`` and ``wrong`` (something that is no number)."""
    if found.latitude is None or found.longitude is None:
        return read_points(rows[found.point or ""])
    said = [rows[found.latitude], rows[found.longitude]]
    has_commas = all(writes_decimal_comma(column) for column in said)
    (latitude, bad_latitude), (longitude, bad_longitude) = (
        read_numbers(column, decimal_comma=has_commas) for column in said
    )
    # NaN in a table of floats is how some tools write "unknown"
    return pl.DataFrame(
        {
            "latitude": latitude.fill_nan(None),
            "longitude": longitude.fill_nan(None),
            "wrong": bad_latitude | bad_longitude,
        }
    )


def _check_order(table: pl.DataFrame, found: Columns, name: str, *, has_options: bool) -> None:
    evidence = swapped_evidence(table)
    if evidence is None:
        return
    if found.latitude is None:
        raise TableError(
            f"{name} has latitude and longitude exchanged in '{found.point}': {evidence}.\n"
            "Such columns hold the longitude first; write the table again."
        )
    if not has_options:
        raise TableError(
            f"{name} has latitude and longitude exchanged: {evidence}.\n"
            f"Rename the columns '{found.latitude}' and '{found.longitude}'."
        )
    raise TableError(
        f"{name} has latitude and longitude exchanged: {evidence}.\n"
        f"Name them the other way round:  --latitude {found.longitude} --longitude {found.latitude}   "
        f"or, if they are right, as they are:  --latitude {found.latitude} --longitude {found.longitude}"
    )


def _text(rows: pl.DataFrame, name: str | None) -> pl.Series:
    return pl.Series([None] * rows.height, dtype=pl.String) if name is None else rows[name].cast(pl.String)


def _scene(rows: pl.DataFrame) -> pl.Series:
    known = with_scene(rows)
    return _text(known, next((column for column in known.columns if column.lower() == "scene"), None))


def _country_codes(rows: pl.DataFrame, name: str | None) -> pl.Series:
    """ISO codes of whatever a table calls its countries; what is not understood is left to the polygons."""
    stated = _text(rows, name)
    codes = {value: country_code(value) for value in stated.drop_nulls().unique()}
    return pl.Series([None if value is None else codes[value] for value in stated], dtype=pl.String)


def _check_ids(table: pl.DataFrame, column: str, name: str) -> None:
    lacking = table["photo_id"].null_count()
    if lacking:
        which = "1 row has" if lacking == 1 else f"{lacking:,} of {table.height:,} rows have"
        raise TableError(
            f"{name}: {which} no id in the column '{column}', so nothing can be matched with it.\n"
            "Fill the ids in, or leave such rows out."
        )


def _once_each(table: pl.DataFrame, name: str) -> pl.DataFrame:
    once, twice = without_copies(table)
    if twice:
        stand = "1 photo stands" if len(twice) == 1 else f"{len(twice):,} photos stand"
        raise TableError(
            f"{name}: {stand} at more than one place: {shown(twice)}.\n"
            "Keep one row per photo, or name another column for the ids:  --id COLUMN"
        )
    if once.height == table.height:
        return once
    return once.join(table.group_by("photo_id").len("rows"), on="photo_id", maintain_order="left")
