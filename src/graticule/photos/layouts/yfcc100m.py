"""The layout of YFCC100M: a table without names, separated by tabs, **longitude before latitude**."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from graticule.errors import GraticuleError, PhotoError, TableError
from graticule.photos.columns import Columns
from graticule.photos.files import FileIndex, list_top
from graticule.photos.layouts.base import Found, Layout, Words
from graticule.photos.layouts.nameless import read_nameless
from graticule.photos.layouts.rows import Origin, photos_of

_AUTHOR: Final = r"^\d+@N\d\d$"
_HASH: Final = r"^[0-9a-f]{32}$"

# Columns after that of the author's NSID. Editions differ in what stands before it (a number of the row, a
# hash of the photo), so that it is the column to count from.
_AFTER: Final = {
    "captured_at": 2, "longitude": 9, "latitude": 10, "accuracy": 11, "page": 12, "licence": 14,
}  # fmt: skip
_VIDEO: Final = "1"

_COLUMNS: Final = Columns(
    latitude="latitude", longitude="longitude", path="photo_id", photo_id="photo_id", group="author",
    licence="licence",
)  # fmt: skip


class Yfcc100mLayout(Layout):
    """Authors become groups; titles, descriptions and tags are personal, and are left behind."""

    name: ClassVar[str] = "yfcc100m"
    summary: ClassVar[str] = "YFCC100M: its table without names, longitude before latitude"
    source: ClassVar[str | None] = "yfcc100m"
    title: ClassVar[str] = "YFCC100M"
    pattern: ClassVar[str] = r"yfcc100m_dataset[\w-]*(\.(tsv|txt|csv))?(\.(gz|bz2))?"
    """What its tables are called, as a regular expression."""

    def recognise(self, source: Path) -> str | None:
        """Whether a table of that name has an author's NSID and places where it should."""
        file = self.table_of(source)
        if file is None:
            return None
        return f"'{file.name}' has the name and the columns of {self.title} (longitude before latitude)"

    def table_of(self, source: Path) -> Path | None:
        """The table: ``source`` itself, or the one at the top of a folder."""
        beside = [source] if source.is_file() else list_top(source)
        named = (file for file in beside if re.fullmatch(self.pattern, file.name.lower()) and file.is_file())
        return next((file for file in named if _is_such(file)), None)

    def read(self, source: Path, words: Words) -> Found:
        """The photos of the table; videos are left out.

        Raises:
            TableError: there is no such table, or it has not the columns.
        """
        file = self.table_of(source) or (source if source.is_file() else None)
        if file is None:
            raise TableError(
                f"'{source}' holds no table of {self.title}.\n"
                f"Name the table, or let the layout be found out:  {words.line(source)}"
            )
        frame, videos = _without_videos(in_order(read_nameless(file, separator="\t"), file))
        index = FileIndex(words.images or file.parent)
        # Amazon's copy names photos by their hash
        by_hash = "hash" in frame.columns and not _is_there(index, frame["photo_id"])
        if by_hash and _is_there(index, frame["hash"]):
            frame = frame.with_columns(path=pl.col("hash"))
        else:
            frame = frame.with_columns(path=pl.col("photo_id"))
        columns = Columns(**{**_COLUMNS.used(), "path": "path"})
        origin = Origin(file, index, words, words.line(file), nameless=True)
        found = photos_of(frame, columns, origin)
        if videos:
            found.warnings.append(f"{videos:,} videos in '{file.name}' were left out.")
        return found


def in_order(frame: pl.DataFrame, file: Path) -> pl.DataFrame:
    """The columns that are of use, by name.

    Raises:
        TableError: no column holds authors, or too few columns follow it.
    """
    head = frame.head(200)
    author = next((n for n in range(min(6, head.width)) if _mostly(head.to_series(n), _AUTHOR)), None)
    if author is None or frame.width <= author + _AFTER["accuracy"]:
        raise TableError(
            f"Table '{file}' does not look like YFCC100M: expected columns separated by tabs, one of the "
            "first six with authors such as 39019111@N00, and the longitude nine columns after it.\n"
            "Put a line of names above it, and read it as any table:  "
            f"graticule ingest '{file}' --layout table -o photos"
        )
    hashes = next((n for n in range(author) if _mostly(head.to_series(n), _HASH)), None)
    ids = (author if hashes is None else hashes) - 1
    if ids < 0:
        raise TableError(
            f"Table '{file}' has no column of photo ids before that of the authors, as YFCC100M has.\n"
            f"Put a line of names above it, and read it as any table:  "
            f"graticule ingest '{file}' --layout table -o photos"
        )
    places = {"photo_id": ids, "author": author}
    places |= {name: author + after for name, after in _AFTER.items() if author + after < frame.width}
    if hashes is not None:
        places["hash"] = hashes
    if frame.width >= author + 22:  # the last column tells videos from photos
        places["marker"] = frame.width - 1
    return frame.select(frame.to_series(n).alias(name) for name, n in places.items())


def _is_such(file: Path) -> bool:
    try:
        frame = in_order(read_nameless(file, separator="\t", rows=200), file)
    except GraticuleError:
        return False
    places = frame.select(pl.col("longitude", "latitude").cast(pl.Float64, strict=False)).drop_nulls()
    return not places.is_empty()


def _mostly(column: pl.Series, pattern: str) -> bool:
    values = column.drop_nulls()
    return not values.is_empty() and 2 * int(values.str.contains(pattern).sum()) > values.len()


def _without_videos(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    if "marker" not in frame.columns:
        return frame, 0
    photos = frame.filter(pl.col("marker").ne_missing(_VIDEO)).drop("marker")
    return photos, frame.height - photos.height


def _is_there(index: FileIndex, names: pl.Series) -> bool:
    """Whether any of the first names is a photo in the folder."""
    for name in names.head(1000):
        try:
            index.find(str(name))
        except PhotoError:
            continue
        return True
    return False
