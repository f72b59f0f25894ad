"""The layout of Mapillary Street-Level Sequences: ``train_val/<city>/{query,database}/raw.csv``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from graticule.errors import TableError
from graticule.photos.columns import Columns
from graticule.photos.files import FileIndex, list_photos, list_top
from graticule.photos.layouts.base import Found, Layout, Refusal, Words
from graticule.photos.layouts.published import columns_in
from graticule.photos.layouts.rows import Origin, photos_of
from graticule.photos.tabular import read_rows

_RAW: Final = frozenset(["key", "lon", "lat"])
_VALIDATION: Final = frozenset(["sf", "cph"])
"""San Francisco and Copenhagen, as published."""

_BESIDE: Final = {
    "postprocessed.csv": ("night", "view_direction", "unique_cluster"),
    "seq_info.csv": ("sequence_id", "frame_number"),
}
_COLUMNS: Final = Columns(
    latitude="lat", longitude="lon", path="path", photo_id="key", group="sequence_id", split="split"
)


class MslsLayout(Layout):
    """Sequences become groups; San Francisco and Copenhagen are val, the other cities train."""

    name: ClassVar[str] = "msls"
    summary: ClassVar[str] = "Mapillary SLS: train_val/<city>/{query,database}/raw.csv and images/"
    source: ClassVar[str | None] = "msls"

    def recognise(self, source: Path) -> str | None:
        """A table of raw positions two folders below ``train_val``."""
        tables = _tables(source)
        if not tables or not columns_in(tables[0]) >= _RAW:
            return None
        return f"'{tables[0].relative_to(source).as_posix()}' is a table of Mapillary SLS"

    def read(self, source: Path, words: Words) -> Found:
        """The photos of all cities; those of the test set have no place, and are refused.

        Raises:
            TableError: there is no ``raw.csv``, or one lacks a column.
        """
        tables = _tables(source)
        if not tables:
            raise TableError(
                f"'{source}' holds no 'train_val/<city>/database/raw.csv'.\n"
                "Name the folder that holds train_val/ (and test/)."
            )
        frame = pl.concat([_part(table, source) for table in tables], how="diagonal_relaxed")
        known_as_text = frozenset(["city", "role", "unique_cluster"])
        origin = Origin(source, FileIndex(source), words, words.line(tables[0]), as_text=known_as_text)
        found = photos_of(frame, _COLUMNS, origin)
        names = [file.relative_to(source).as_posix() for file in _of_test(source)]
        refused = [Refusal(Path(name).stem, name, "no-position", _why(name)) for name in names]
        return replace(found, refused=[*found.refused, *refused])


def _tables(source: Path) -> list[Path]:
    """``raw.csv`` of each city's queries and database; ``source`` may be ``train_val`` itself."""
    top = source / "train_val" if (source / "train_val").is_dir() else source
    cities = [city for city in list_top(top) if city.is_dir()] if top.is_dir() else []
    parts = [city / role / "raw.csv" for city in cities for role in ("database", "query")]
    return [table for table in parts if table.is_file()]


def _part(table: Path, source: Path) -> pl.DataFrame:
    """The rows of one ``raw.csv``, with what the tables beside it say of the same keys."""
    frame = read_rows(table)
    if not columns_in(table) >= _RAW:
        raise TableError(
            f"Table '{table}' lacks columns of Mapillary SLS (expected key, lon, lat).\nFetch it again."
        )
    for name, wanted in _BESIDE.items():
        beside = table.with_name(name)
        if beside.is_file():
            more = read_rows(beside)
            if "key" not in more.columns:
                continue
            more = more.select("key", *(column for column in wanted if column in more.columns)).unique("key")
            frame = frame.join(more, on="key", how="left", maintain_order="left")
    if "sequence_id" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias("sequence_id"))
    role, city = table.parent, table.parent.parent
    images = (role / "images").relative_to(source).as_posix()
    return frame.drop("column_1", strict=False).with_columns(
        pl.lit(city.name).alias("city"),
        pl.lit(role.name).alias("role"),
        pl.lit("val" if city.name in _VALIDATION else "train").alias("split"),
        pl.format("{}/{}.jpg", pl.lit(images), pl.col("key")).alias("path"),
    )


def _of_test(source: Path) -> list[Path]:
    return list_photos(source / "test") if (source / "test").is_dir() else []


def _why(name: str) -> str:
    return f"Photo '{name}' belongs to the test set of Mapillary SLS, whose places are not published."
