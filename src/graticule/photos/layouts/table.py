"""The layout ``table``: a CSV, TSV, Parquet or JSON-lines file that says where photos were taken."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from graticule.errors import TableError
from graticule.photos.columns import check_said, require_place_and_path, sniff
from graticule.photos.coordinates import check_decimal_point
from graticule.photos.files import FileIndex
from graticule.photos.layouts.base import Found, Layout, Words
from graticule.photos.layouts.beside import (
    Beside,
    describing_tables,
    own_positions_win,
    tables_beside,
    unreadable_tables,
)
from graticule.photos.layouts.rows import Origin, photos_of
from graticule.photos.tabular import is_table, read_rows


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
        try:
            require_place_and_path(frame, columns, table=str(file), command=line)
        except TableError as error:
            if not source.is_dir():
                raise
            aside = f"Or leave the table aside, and read the photos' own places:  {line} --layout exif"
            raise TableError(f"{error}\n{aside}") from error
        if not words.decimal_comma:
            check_decimal_point(frame, (columns.latitude, columns.longitude), table=str(file), command=line)
        is_text = file.suffix.lower() not in (".parquet", ".pq")
        return photos_of(
            frame, columns, Origin(file, FileIndex(words.images or file.parent), words, line, is_text)
        )


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
            + "".join(f"{remark}\n" for remark in unreadable_tables(folder))
            + f"Read the positions of the photos themselves:  {words.line(folder)} --layout exif"
        )
    names = ", ".join(table.file.name for table in meant)
    raise TableError(
        f"Folder '{folder}' holds {len(meant)} tables that could describe the photos: {names}.\n"
        f"Name one of them:  {words.line(meant[0].file)}"
    )


def _preferred(tables: list[Beside]) -> list[Beside]:
    return [table for table in tables if table.is_usual] or tables
