"""Published data sets that are known by the names of their tables and of the columns in them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar

import polars as pl

from graticule.errors import GraticuleError, TableError
from graticule.photos.columns import Columns, check_said, require_place_and_path, sniff
from graticule.photos.coordinates import check_decimal_point
from graticule.photos.files import FileIndex, list_top
from graticule.photos.layouts.base import Found, Layout, Words
from graticule.photos.layouts.rows import Origin, photos_of
from graticule.photos.tabular import is_table, read_rows


class PublishedLayout(Layout):
    """One or more tables with known names, and photos anywhere below the folder they lie in."""

    tables: ClassVar[Mapping[str, str | None]]
    """The name of each table, in lower case without its ending (``*`` stands for anything): its split."""

    known_by: ClassVar[frozenset[str]]
    """Columns, in lower case, that each of them has."""

    as_text: ClassVar[frozenset[str]] = frozenset()
    """Columns whose values stay text though they may be made of digits."""

    def recognise(self, source: Path) -> str | None:
        """Whether a table has the name and the columns."""
        files = self.files(source)
        return f"'{files[0].name}' has the name and the columns of {self.title}" if files else None

    @property
    @abstractmethod
    def title(self) -> str:
        """What the data set is called in sentences."""

    def files(self, source: Path) -> list[Path]:
        """The tables of this data set: ``source`` itself, or those at the top of a folder."""
        beside = [source] if source.is_file() else list_top(source)
        return [file for file in beside if self.split_of(file) is not False and self._fits(file)]

    def split_of(self, file: Path) -> str | bool | None:
        """The split that a table of this name describes, or None; False when no table is called so."""
        stem = stem_of(file)
        return next((split for name, split in self.tables.items() if fnmatchcase(stem, name)), False)

    def prepared(self, frame: pl.DataFrame, file: Path) -> pl.DataFrame:  # noqa: ARG002 -- for subclasses
        """A table as it was read, brought to a common form."""
        return frame

    def columns_of(self, frame: pl.DataFrame, words: Words) -> Columns:
        """Which column holds what."""
        return sniff(frame, **words.columns())

    def read(self, source: Path, words: Words) -> Found:
        """The rows of all tables of the data set.

        Raises:
            MissingFileError: there is no such folder.
            TableError: there is no such table, or it has not the columns of the data set.
        """
        files = self.files(source) or self._named_otherwise(source, words)
        frames = []
        for file in files:
            frame = read_rows(file)
            check_said(frame, str(file), **words.columns())
            split = self.split_of(file)
            if split:
                frame = frame.with_columns(pl.lit(split).alias("split"))
            frames.append(self.prepared(frame, file))
        frame = pl.concat(frames, how="diagonal_relaxed")
        columns = self.columns_of(frame, words)
        line = words.line(files[0])
        require_place_and_path(frame, columns, table=str(files[0]), command=line)
        if not words.decimal_comma:
            check_decimal_point(
                frame, (columns.latitude, columns.longitude), table=str(files[0]), command=line
            )
        index = FileIndex(words.images or self.folder_of(source, files))
        return photos_of(frame, columns, Origin(files[0], index, words, line, as_text=self.as_text))

    def folder_of(self, source: Path, files: list[Path]) -> Path:  # noqa: ARG002 -- for subclasses
        """The folder below which the photos are looked for."""
        return files[0].parent

    def _fits(self, file: Path) -> bool:
        return self.known_by <= columns_in(file)

    def _named_otherwise(self, source: Path, words: Words) -> list[Path]:
        """A table that was named outright may be called anything."""
        if source.is_file() and is_table(source):
            lacking = sorted(self.known_by - columns_in(source))
            if not lacking:
                return [source]
            raise TableError(
                f"Table '{source}' lacks columns of {self.title}: {', '.join(lacking)}.\n"
                f"Let its layout be found out:  {words.line(source)}"
            )
        names = ", ".join(f"{name}.csv" for name in self.tables)
        raise TableError(
            f"'{source}' holds no table of {self.title} (looked for {names}).\n"
            f"Name the table, or let the layout be found out:  {words.line(source)}"
        )


def stem_of(file: Path) -> str:
    """The name of a table in lower case, without any ending.

    Example:
        >>> stem_of(Path("a/MP16_places365.csv.gz"))
        'mp16_places365'
    """
    return file.name.lower().partition(".")[0]


def columns_in(file: Path) -> frozenset[str]:
    """The names of a table's columns, in lower case; none for what cannot be read."""
    if not is_table(file) or not file.is_file() or file.name.startswith("."):
        return frozenset()
    try:
        return frozenset(name.lower() for name in read_rows(file, head_rows=1).columns)
    except GraticuleError:
        return frozenset()
