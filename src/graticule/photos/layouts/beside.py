"""Which table, if any, describes the photos of a folder it lies in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from graticule.errors import GraticuleError, PhotoError
from graticule.photos.columns import Columns, sniff
from graticule.photos.exif import read_position
from graticule.photos.files import FileIndex, list_photos, list_top
from graticule.photos.table import REPORT_NAME, TABLE_NAME
from graticule.photos.tabular import is_table, read_rows, with_types

USUAL_NAMES: Final = frozenset(["photos", "metadata"])
"""A table of such a name is meant to describe the photos beside it."""

_HEAD_ROWS: Final = 200
_SAMPLED_PHOTOS: Final = 12


@dataclass(frozen=True)
class Beside:
    """A table at the top of a folder: its file, its first rows, and which column holds what."""

    file: Path
    head: pl.DataFrame
    columns: Columns

    @property
    def is_usual(self) -> bool:
        """Whether its name says that it describes photos."""
        return self.file.name.lower().partition(".")[0] in USUAL_NAMES

    def named_photos(self, index: FileIndex) -> list[Path]:
        """The files of its first rows that are there."""
        files = []
        for said in self.head[self.columns.path].drop_nulls().to_list() if self.columns.path else []:
            try:
                files.append(index.find(str(said)))
            except PhotoError:
                continue
        return files


def tables_beside(folder: Path) -> list[Beside]:
    """The readable tables at the top of a folder; no photo table that was made of this very folder."""
    found = []
    for file in list_top(folder):
        ours = file.name == TABLE_NAME and _was_made_of(folder)
        if is_table(file) and file.is_file() and not file.name.startswith(".") and not ours:
            try:
                head = read_rows(file, head_rows=_HEAD_ROWS)
            except GraticuleError:  # a text file, say; named outright it is reported
                continue
            found.append(Beside(file, head, sniff(head)))
    return found


def unreadable_tables(folder: Path) -> list[str]:
    """Remarks on tables that by their name describe the photos beside them, but that cannot be read."""
    remarks = []
    for file in list_top(folder):
        if is_table(file) and file.is_file() and file.name.lower().partition(".")[0] in USUAL_NAMES:
            try:
                read_rows(file, head_rows=_HEAD_ROWS)
            except GraticuleError as error:
                first, _, rest = str(error).partition("\n")
                remarks.append(f"{first.rstrip('.')}. It is not used. {rest}")
    return remarks


def describing_tables(folder: Path) -> list[Beside]:
    """The tables beside the photos of a folder that are meant to say where they were taken.

    Convention:
        - one with a usual name always is; any other needs a column for the path, photos in the folder that
          it names, and columns for the place, or at least two columns of numbers that could hold one
        - if there is one with a usual name, it goes before the others
    """
    tables = tables_beside(folder)
    usual = [table for table in tables if table.is_usual]
    if usual or not tables:
        return usual
    index = FileIndex(folder)
    return [
        table
        for table in tables
        if table.columns.path
        and (table.columns.has_place or _could_hold_place(table.head))
        and (len(index) == 0 or table.named_photos(index))
    ]


def own_positions_win(folder: Path, table: Beside) -> bool:
    """Whether the photos carry positions of their own that go before those of the table.

    They do when at least half of up to 12 photos that the table names have one, unless its name is usual and
    it has places.
    """
    if table.is_usual and table.columns.has_place:
        return False
    return carry_positions(table.named_photos(FileIndex(folder)) or list_photos(folder))


def carry_positions(files: list[Path]) -> bool:
    """Whether at least half of up to 12 of the photos carry a position of their own."""
    sample = files[:: max(1, len(files) // _SAMPLED_PHOTOS)][:_SAMPLED_PHOTOS]
    return bool(sample) and 2 * sum(_has_position(file) for file in sample) >= len(sample)


def _was_made_of(folder: Path) -> bool:
    """Whether the photo table in a folder is what an earlier ingest of this folder wrote."""
    try:
        source = Path(json.loads((folder / REPORT_NAME).read_bytes())["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return folder.resolve() in (source, source.parent)


def _could_hold_place(head: pl.DataFrame) -> bool:
    numbers = with_types(head).select(pl.selectors.float())
    return sum(bool((column.abs() <= 180).all()) for column in numbers.iter_columns()) >= 2


def _has_position(file: Path) -> bool:
    try:
        read_position(file)
    except PhotoError:
        return False
    return True
