"""The photo table: the one file, ``photos.parquet``, that everything after ``ingest`` reads.

One row per photo. Columns beyond ``COLUMNS`` are the source's own and are kept as they came.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import polars as pl

from graticule.errors import MissingFileError, TableError
from graticule.photos.writing import write_parquet

TABLE_NAME: Final = "photos.parquet"
"""What a photo table is called inside its folder."""

REPORT_NAME: Final = "ingest.json"
"""What the report of ingest beside it is called."""

STORAGE_NAME: Final = "storage.json"
"""What the note beside it is called of what photos stored there were begun with."""

COLUMNS: Final[dict[str, pl.DataType]] = {
    "photo_id": pl.String(),
    "path": pl.String(),
    "latitude": pl.Float64(),
    "longitude": pl.Float64(),
    "country": pl.String(),
    "split": pl.String(),
    "group": pl.String(),
    "source": pl.String(),
    "licence": pl.String(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "sha256": pl.String(),
    "phash": pl.UInt64(),
}
"""Name and type of every column of a photo table.

``path`` is relative to the table's folder, or ``shard.tar::member``; ``latitude`` and ``longitude`` are
degrees, null together when the place is unknown; ``country`` is ISO 3166-1 alpha-2; ``split`` is one of
``SPLITS`` or null; ``group`` holds what belongs together (an author, a sequence, a trip); ``width`` and
``height`` are pixels of the upright photo.
"""

SPLITS: Final = ("train", "val", "test")
"""The parts that ``split`` may name."""

REQUIRED: Final = ("photo_id", "path", "latitude", "longitude")
"""Columns without which a file is no photo table; the others are null where they are absent."""


def read_photo_table(path: str | Path) -> pl.DataFrame:
    """The photo table at ``path``: the columns of ``COLUMNS``, then the source's own.

    Convention:
        - ``path``: a Parquet file, or a folder that holds ``photos.parquet``
        - places are in degrees, null together when unknown; ids are strings

    Raises:
        MissingFileError: there is no such file, or the folder holds no photo table.
        TableError: the file is not Parquet, lacks a required column, or holds an impossible value.
    """
    file = table_file(path)
    try:
        frame = pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(
            f"'{file}' cannot be read as Parquet: {str(error).splitlines()[0]}\n"
            "Make it anew:  graticule ingest PHOTOS -o FOLDER   (or move it away, to use photos beside it)"
        ) from error
    return _checked(_with_columns(frame, f"Photo table '{file}'", file.parent), f"Photo table '{file}'")


def write_photo_table(frame: pl.DataFrame, folder: str | Path) -> Path:
    """Write ``frame`` as ``photos.parquet`` in ``folder``, whole or not at all; returns the file's path.

    Convention:
        - ``frame`` has the columns of ``COLUMNS``; those it lacks (not the required ones) become null
        - ``path`` is relative to ``folder``

    Raises:
        TableError: a required column is missing, or a value cannot be what its column says.
    """
    folder = Path(folder)
    table = _checked(_with_columns(frame, "The photo table", folder), "The photo table")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / TABLE_NAME
    unfinished = folder / f".{TABLE_NAME}.{os.getpid()}"
    try:
        write_parquet(table, unfinished)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file


def table_file(path: str | Path) -> Path:
    """The Parquet file that ``path`` means: itself, or the ``photos.parquet`` of a folder.

    Raises:
        MissingFileError: there is none; the message says what to type.
    """
    path = Path(path)
    if path.is_dir():
        if not (path / TABLE_NAME).is_file():
            if (path / STORAGE_NAME).is_file():
                raise MissingFileError(
                    f"Folder '{path}' holds no photo table yet: storing photos there was stopped.\n"
                    f"Type the line that began it again, and it goes on:  graticule ingest ... -o '{path}'"
                )
            raise MissingFileError(
                f"Folder '{path}' holds no photo table ({TABLE_NAME}).\n"
                f"Make one:  graticule ingest '{path}' -o photos"
            )
        return path / TABLE_NAME
    if not path.is_file():
        raise MissingFileError(
            f"There is no photo table '{path}'.\nMake one:  graticule ingest FOLDER -o photos"
        )
    return path


def photo_paths(frame: pl.DataFrame, table_path: str | Path) -> list[Path]:
    """Where each photo of ``frame`` lies, in its order.

    Convention:
        - ``table_path`` is the table's file or its folder, as given to ``read_photo_table``

    Example:
        >>> photo_paths(pl.DataFrame({"path": ["../images/a.jpg"]}), "trip/photos.parquet")[0].as_posix()
        'trip/../images/a.jpg'
    """
    table_path = Path(table_path)
    folder = table_path.parent if table_path.suffix == ".parquet" and not table_path.is_dir() else table_path
    return [folder / path for path in frame["path"].to_list()]


def _with_columns(frame: pl.DataFrame, name: str, folder: Path) -> pl.DataFrame:
    """All columns of ``COLUMNS``, in order and typed, then the others."""
    for column in REQUIRED:
        if column not in frame.columns:
            raise TableError(_lacks(frame, column, name, folder))
    typed: list[pl.Expr | pl.Series] = []
    for column, kind in COLUMNS.items():
        if column not in frame.columns:
            typed.append(pl.lit(None, dtype=kind).alias(column))
        elif frame.schema[column] != kind:
            try:
                typed.append(frame[column].cast(kind).alias(column))
            except pl.exceptions.PolarsError as error:
                message = (
                    f"{name}: column '{column}' is {frame.schema[column]} and not {kind}: {error}\n"
                    "Convert the column, or make the table anew:  graticule ingest PHOTOS -o FOLDER"
                )
                raise TableError(message) from error
        else:
            typed.append(pl.col(column))
    return frame.select(*typed, *(pl.col(own) for own in frame.columns if own not in COLUMNS))


def _lacks(frame: pl.DataFrame, column: str, name: str, folder: Path) -> str:
    """The sentence for a missing column, with the line to type."""
    from graticule.photos.columns import sniff

    found = sniff(frame)
    words = f"--latitude {found.latitude or 'COLUMN'} --longitude {found.longitude or 'COLUMN'} -o photos"
    return (
        f"{name} has no column '{column}' (found: {', '.join(frame.columns)}).\n"
        f"Name the columns:  graticule ingest '{folder}' {words}"
    )


def _checked(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """Refuses what would make every later number wrong without a word."""
    for column in ("photo_id", "path"):
        if table[column].null_count():
            raise TableError(
                f"{name} has {table[column].null_count():,} rows without '{column}'.\n"
                "Make the table anew:  graticule ingest PHOTOS -o FOLDER"
            )
    if doubles := table.height - table["photo_id"].n_unique():
        raise TableError(
            f"{name} has {doubles:,} repeated photo_id, such as "
            f"'{table.filter(pl.col('photo_id').is_duplicated())['photo_id'][0]}'.\n"
            "Make the table anew, and let ingest refuse repeated ones:  graticule ingest PHOTOS -o FOLDER"
        )
    placed = pl.col("latitude").is_not_null() | pl.col("longitude").is_not_null()
    on_earth = pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_between(-180, 180)
    wrong = table.filter(placed & ~on_earth.fill_null(value=False))
    if wrong.height:
        first = wrong.row(0, named=True)
        raise TableError(
            f"{name} has {wrong.height:,} rows with a place that is not on Earth, such as photo "
            f"'{first['photo_id']}' at latitude {first['latitude']}, longitude {first['longitude']}.\n"
            "Let ingest refuse such rows one by one:  graticule ingest TABLE -o photos"
        )
    return table
