"""The layout of Hugging Face's image folders: ``metadata.csv`` with a column ``file_name`` beside photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from graticule.errors import TableError
from graticule.photos.columns import check_said, require_place_and_path, sniff
from graticule.photos.coordinates import check_decimal_point
from graticule.photos.fields import split_name
from graticule.photos.files import FileIndex, list_top
from graticule.photos.layouts.base import Found, Layout, Words
from graticule.photos.layouts.labels import with_country
from graticule.photos.layouts.published import columns_in, stem_of
from graticule.photos.layouts.rows import Origin, photos_of
from graticule.photos.tabular import is_table, read_rows, table_kind

_FILE_NAMES: Final = ("file_name", "image_file_name")


class HuggingFaceFolderLayout(Layout):
    """Tables called ``metadata`` at the top, or in ``train/``, ``test/`` ..., each naming photos below it."""

    name: ClassVar[str] = "hf-folder"
    summary: ClassVar[str] = "Hugging Face image folder: metadata.csv, .jsonl or .parquet with file_name"

    def recognise(self, source: Path) -> str | None:
        """A table of that name with that column, which has places or countries."""
        tables = _tables(source)
        if not tables:
            return None
        found = with_country(read_rows(tables[0], head_rows=200))
        columns = sniff(found)
        if not columns.has_place and columns.country is None:
            return None
        return f"'{tables[0].relative_to(source).as_posix()}' names its photos in 'file_name'"

    def read(self, source: Path, words: Words) -> Found:
        """The rows of all such tables; ``file_name`` starts from the folder of its table.

        Raises:
            TableError: there is no such table, or no place can be found in it.
            UsageError: a column was said that a table lacks.
        """
        tables = _tables(source)
        if not tables:
            raise TableError(
                f"'{source}' holds no metadata.csv, metadata.jsonl or metadata.parquet with a column "
                f"'file_name'.\nLet the layout be found out:  {words.line(source)}"
            )
        line = words.line(source)
        frames = []
        for table in tables:
            frame = read_rows(table)
            check_said(frame, str(table), **words.columns())
            frames.append(_placed(frame, table, source))
        frame = with_country(pl.concat(frames, how="diagonal_relaxed"))
        columns = replace(sniff(frame, **words.columns()), path="photo_path")
        if columns.photo_id in (None, *_FILE_NAMES):
            columns = replace(columns, photo_id="photo_path")
        if not columns.has_place and columns.country is None:
            require_place_and_path(frame.drop("photo_path"), columns, table=str(tables[0]), command=line)
        if not words.decimal_comma:
            check_decimal_point(
                frame, (columns.latitude, columns.longitude), table=str(tables[0]), command=line
            )
        is_text = all(table_kind(table) in (".csv", ".tsv", ".txt") for table in tables)
        index = FileIndex(words.images or source)
        return photos_of(frame, columns, Origin(tables[0], index, words, line, is_text))


def _placed(frame: pl.DataFrame, table: Path, source: Path) -> pl.DataFrame:
    """With the path of each photo from the source, and its split by the folder."""
    name = next(column for column in frame.columns if column.lower() in _FILE_NAMES)
    folder = table.parent.relative_to(source).as_posix()
    frame = frame.with_columns(
        (pl.lit("" if folder == "." else f"{folder}/") + pl.col(name)).alias("photo_path")
    )
    split = split_name(folder.partition("/")[0])
    return frame if split is None else frame.with_columns(pl.lit(split).alias("split"))


def _tables(source: Path) -> list[Path]:
    if not source.is_dir():
        return []
    below = [each for each in list_top(source) if each.is_dir() and not each.name.startswith(".")]
    return [
        file
        for folder in (source, *below)
        for file in list_top(folder)
        if stem_of(file) == "metadata" and is_table(file) and columns_in(file) & {*_FILE_NAMES}
    ]
