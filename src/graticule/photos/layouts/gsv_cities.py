"""The layout of GSV-Cities: ``Dataframes/<City>.csv`` and photos whose names repeat its rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from graticule.errors import MissingFileError, TableError
from graticule.photos.columns import Columns
from graticule.photos.files import FileIndex, list_photos, list_top
from graticule.photos.layouts.base import Found, Layout, Words
from graticule.photos.layouts.published import columns_in
from graticule.photos.layouts.rows import Origin, photos_of
from graticule.photos.tabular import read_rows

_COLUMNS: Final = frozenset(["place_id", "year", "month", "northdeg", "city_id", "lat", "lon", "panoid"])
_NAME: Final = re.compile(r"(.+_\d{7}_\d{4}_\d{2}_\d{3})_-?[\d.]+_-?[\d.]+_(.+)\.\w+")


class GsvCitiesLayout(Layout):
    """Each place, with its photos of several years, becomes a group."""

    name: ClassVar[str] = "gsv-cities"
    summary: ClassVar[str] = "GSV-Cities: Dataframes/<City>.csv and Images/<City>/"
    source: ClassVar[str | None] = "gsv-cities"

    def recognise(self, source: Path) -> str | None:
        """A folder ``Dataframes`` with a table that has the columns."""
        tables = _tables(source)
        if not tables or not columns_in(tables[0]) >= _COLUMNS:
            return None
        return f"'Dataframes/{tables[0].name}' has the columns of GSV-Cities"

    def read(self, source: Path, words: Words) -> Found:
        """The rows of the tables of all cities.

        Raises:
            TableError: there is no table, or one lacks a column.
            MissingFileError: there is no folder ``Images``.
        """
        tables = _tables(source)
        images = words.images or source / "Images"
        if not tables:
            raise TableError(
                f"'{source}' holds no 'Dataframes/<City>.csv'.\nName the folder with Dataframes/ and Images/."
            )
        if not images.is_dir():
            raise MissingFileError(
                f"There is no folder '{images}' with photos.\n"
                f"Name it:  {words.line(source)} --layout gsv-cities --images FOLDER"
            )
        frame = pl.concat([_city(table) for table in tables], how="diagonal_relaxed")
        there = {
            "_".join(match.groups()): file.relative_to(images).as_posix()
            for file in list_photos(images)
            if (match := _NAME.fullmatch(file.name))
        }
        # in the tables the coordinates have more digits than in some copies of the names
        stem = pl.format(
            "{}_{}_{}_{}_{}",
            pl.col("city_id"),
            pl.col("place_id").str.zfill(7),
            pl.col("year").str.zfill(4),
            pl.col("month").str.zfill(2),
            pl.col("northdeg").str.zfill(3),
        )
        frame = frame.with_columns(
            pl.format("{}_{}", stem, pl.col("panoid")).alias("photo_id"),
            pl.format("{}_{}", pl.col("city_id"), pl.col("place_id").str.zfill(7)).alias("group"),
        )
        paths = [there.get(name, f"{name}.jpg") for name in frame["photo_id"]]
        frame = frame.with_columns(pl.Series("path", paths, dtype=pl.String))
        columns = Columns(latitude="lat", longitude="lon", path="path", photo_id="photo_id", group="group")
        origin = Origin(tables[0].parent, FileIndex(images), words, words.line(tables[0]))
        return photos_of(frame, columns, origin)


def _tables(source: Path) -> list[Path]:
    folder = source / "Dataframes"
    return [file for file in list_top(folder) if file.suffix.lower() == ".csv"] if folder.is_dir() else []


def _city(table: Path) -> pl.DataFrame:
    frame = read_rows(table)
    if lacking := sorted(_COLUMNS - set(frame.columns)):
        raise TableError(
            f"Table '{table}' lacks columns of GSV-Cities: {', '.join(lacking)}.\nFetch it again, or move "
            "it out of the folder."
        )
    return frame
