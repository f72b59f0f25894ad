"""The layout ``table``: a CSV, TSV, Parquet or JSON-lines file that says where photos were taken."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from graticule.errors import PhotoError, TableError
from graticule.photos.columns import Columns, check_said, require_place_and_path, sniff
from graticule.photos.coordinates import (
    check_decimal_point,
    read_numbers,
    read_points,
    refusals,
    swapped_evidence,
)
from graticule.photos.fields import as_text, country_codes
from graticule.photos.files import FileIndex
from graticule.photos.layouts.base import Found, Layout, Refusal, Words
from graticule.photos.layouts.beside import Beside, describing_tables, own_positions_win, tables_beside
from graticule.photos.tabular import is_table, read_rows, with_types

_SAYS: Final = {
    "not-a-number": "says '{latitude}', '{longitude}' for its position, which are not two numbers",
    "half-position": "has a latitude or a longitude, but not both ('{latitude}', '{longitude}')",
    "nan-position": "has a position that is not a number ('{latitude}', '{longitude}')",
    "out-of-range": "has latitude {latitude}, longitude {longitude}, which is not on Earth",
    "zero-position": "has the position (0, 0), which tables write where none is known",
    "no-position": "has neither a position nor a country",
}


class TableLayout(Layout):
    """Columns are found by their names or said; photos lie beside the table, or in ``--images``."""

    name: ClassVar[str] = "table"
    summary: ClassVar[str] = "a CSV, TSV, Parquet or JSONL table beside its photos"

    def recognise(self, source: Path) -> str | None:
        """A table file, or a folder with one that describes its photos better than they do themselves."""
        if source.is_file():
            return f"'{source.name}' is a table" if is_table(source) else None
        tables = describing_tables(source)
        if not tables or (len(tables) == 1 and own_positions_win(source, tables[0])):
            return None
        return f"'{tables[0].file.name}' beside the photos says where they were taken"

    def read(self, source: Path, words: Words) -> Found:
        """The rows of the table whose position makes sense and whose photo is there.

        Raises:
            MissingFileError: there is no such table or folder.
            TableError: columns cannot be found, or latitudes and longitudes are swapped.
            UsageError: a column was said that the table lacks.
        """
        file = source if source.is_file() else _table_in(source, words)
        frame = read_rows(file)
        line = words.line(source)
        check_said(frame, str(file), **words.columns())
        columns = sniff(frame, **words.columns())
        require_place_and_path(frame, columns, table=str(file), command=line)
        if not words.decimal_comma:
            check_decimal_point(frame, (columns.latitude, columns.longitude), table=str(file), command=line)
        rows = _rows(frame, columns, words, is_text=file.suffix.lower() not in (".parquet", ".pq"))
        warnings = _check_swapped(rows, columns, file=file, words=words, line=line)
        return _found(rows, columns, FileIndex(words.images or file.parent), warnings)


def _table_in(folder: Path, words: Words) -> Path:
    """The one table of a folder that is meant."""
    said = [name for name in words.columns().values() if name]
    tables = tables_beside(folder)
    fitting = [table for table in tables if table.columns.has_place or said]
    meant = _preferred(
        [table for table in fitting if set(said) <= set(table.head.columns)] or fitting or tables
    )
    if len(meant) == 1:
        return meant[0].file
    if not meant:
        raise TableError(
            f"Folder '{folder}' holds no table that can be read (.csv, .tsv, .parquet, .jsonl).\n"
            f"Read the positions of the photos themselves:  {words.line(folder)} --layout exif"
        )
    names = ", ".join(table.file.name for table in meant)
    raise TableError(
        f"Folder '{folder}' holds {len(meant)} tables that could describe the photos: {names}.\n"
        f"Name one of them:  {words.line(meant[0].file)}"
    )


def _preferred(tables: list[Beside]) -> list[Beside]:
    return [table for table in tables if table.is_usual] or tables


def _rows(frame: pl.DataFrame, columns: Columns, words: Words, *, is_text: bool) -> pl.DataFrame:
    """The table in the terms of the photo table, with ``wrong`` and ``said_latitude``, ``said_longitude``."""
    used = columns.used()
    if columns.point is not None:
        places = read_points(frame[columns.point])
        said = [frame[columns.point].cast(pl.String, strict=False)] * 2
    else:
        said = [frame[used["latitude"]], frame[used["longitude"]]]
        read = [read_numbers(column, decimal_comma=words.decimal_comma) for column in said]
        places = pl.DataFrame(
            {"latitude": read[0][0], "longitude": read[1][0], "wrong": read[0][1] | read[1][1]}
        )
    own = frame.drop(name for role, name in used.items() if role != "path" or name != used.get("photo_id"))
    own = own.drop(name for name in (columns.path, columns.photo_id) if name in own.columns)
    own = with_types(own) if is_text else own
    as_words = ("photo_id", "path", "group", "source", "licence")
    taken = [as_text(frame[used[role]]).alias(role) for role in as_words if role in used]
    taken += [frame[used[role]].alias(role) for role in ("country", "split") if role in used]
    names = ("said_latitude", "said_longitude")
    spoken = [column.cast(pl.String).alias(name) for name, column in zip(names, said, strict=True)]
    return pl.DataFrame([*taken, *places.get_columns(), *spoken]).hstack(_without_clashes(own, taken))


def _without_clashes(own: pl.DataFrame, taken: list[pl.Series]) -> pl.DataFrame:
    """The source's own columns; one whose name now means something else is called ``original_...``."""
    names = {column.name for column in taken} | {"latitude", "longitude", "wrong", "file", "path", "photo_id"}
    return own.rename({name: f"original_{name}" for name in own.columns if name in names})


def _check_swapped(rows: pl.DataFrame, columns: Columns, *, file: Path, words: Words, line: str) -> list[str]:
    """Refuse a table whose latitudes and longitudes are swapped; warn only where the columns were named."""
    if "country" in rows.columns:
        country, _ = country_codes(rows["country"])
    else:
        country = pl.Series([None] * rows.height, dtype=pl.String)
    evidence = swapped_evidence(rows.select("latitude", "longitude", country.alias("country")))
    if evidence is None:
        return []
    if words.latitude and words.longitude:
        return [f"Latitudes and longitudes look swapped ({evidence}), but are read as you named them."]
    if columns.latitude is None or columns.longitude is None:
        return [f"Latitudes and longitudes look swapped in column '{columns.point}': {evidence}."]
    latitude, longitude = shlex.quote(columns.latitude), shlex.quote(columns.longitude)
    raise TableError(
        f"Table '{file}' has latitudes and longitudes swapped, it seems: {evidence}.\n"
        f"Exchange them:  {line} --latitude {longitude} --longitude {latitude}\n"
        f"If they are right as they stand:  {line} --latitude {latitude} --longitude {longitude}"
    )


def _found(rows: pl.DataFrame, columns: Columns, index: FileIndex, warnings: list[str]) -> Found:
    """Each row with its file, or with the reason why it is refused."""
    nowhere = rows["latitude"].is_null() & rows["longitude"].is_null()
    if "country" in rows.columns:
        nowhere &= rows["country"].is_null()
    reasons = refusals(rows)
    reasons = reasons.set(nowhere & reasons.is_null(), "no-position")
    said = rows.select("photo_id", "path", "said_latitude", "said_longitude")
    files: list[str | None] = []
    refused = []
    for number, (reason, (photo_id, path, *place)) in enumerate(
        zip(reasons, said.iter_rows(), strict=True), 1
    ):
        name = photo_id or path or f"row {number}"
        try:
            if reason is not None:
                latitude, longitude = place
                message = f"Photo '{name}' {_SAYS[reason].format(latitude=latitude, longitude=longitude)}."
                raise PhotoError(message, reason=reason)
            if not path:
                raise PhotoError(f"Row {number} of the table names no photo.", reason="missing")
            files.append(str(index.find(path)))
        except PhotoError as error:
            refused.append(Refusal.of(name, path or "", error))
            files.append(None)
    kept = rows.with_columns(pl.Series("file", files, dtype=pl.String)).drop_nulls("file")
    kept = kept.with_columns(pl.col("photo_id").fill_null(pl.col("path")))
    unnamed = len(index) - kept["file"].n_unique()
    if unnamed > 0:
        warnings = [
            *warnings,
            f"{unnamed:,} photos in '{index.folder}' are not used by any row of the table.",
        ]
    kept = kept.drop("path", "wrong", "said_latitude", "said_longitude")
    return Found(kept, refused, warnings, columns=columns.used())
