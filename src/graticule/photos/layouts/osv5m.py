"""The layout of OpenStreetView-5M: ``train.csv``, ``test.csv`` and ``images/train/00/<id>.jpg``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from graticule.photos.columns import Columns
from graticule.photos.layouts.base import Words
from graticule.photos.layouts.published import PublishedLayout

_TOGETHER: Final = ("creator_id", "creator_username", "sequence")
"""Columns that say which photos belong together, the first before the others; not all tables have all."""


class Osv5mLayout(PublishedLayout):
    """Creators become groups, since a sequence has one; the photos may still lie in their ZIP files."""

    name: ClassVar[str] = "osv5m"
    summary: ClassVar[str] = "OSV-5M: train.csv, test.csv and images/train/00/<id>.jpg or 00.zip"
    title: ClassVar[str] = "OSV-5M"
    source: ClassVar[str | None] = "osv5m"
    tables: ClassVar[Mapping[str, str | None]] = {"train": "train", "val": "val", "test": "test"}
    as_text: ClassVar[frozenset[str]] = frozenset(["sequence"])
    known_by: ClassVar[frozenset[str]] = frozenset(
        ["id", "latitude", "longitude", "sequence", "captured_at", "creator_id", "drive_side"]
    )

    def files(self, source: Path) -> list[Path]:
        """The tables at the top, else in the folders ``train/`` and ``test/``, as OSV-5M's code has them."""
        found = super().files(source)
        if found or not source.is_dir():
            return found
        below = [source / name for name in self.tables if (source / name).is_dir()]
        return [file for folder in below for file in super(Osv5mLayout, self).files(folder)]

    def folder_of(self, source: Path, files: list[Path]) -> Path:
        """The folder that was named, for tables may lie below it; else that of the table."""
        return source if source.is_dir() else files[0].parent

    def prepared(self, frame: pl.DataFrame, file: Path) -> pl.DataFrame:  # noqa: ARG002
        """With a column for what belongs together: the creator, else the sequence."""
        ours = ("id", *_TOGETHER)
        frame = frame.rename({name: name.lower() for name in frame.columns if name.lower() in ours})
        together = [name for name in _TOGETHER if name in frame.columns]
        return frame.with_columns(pl.coalesce(together).alias("group"))

    def columns_of(self, frame: pl.DataFrame, words: Words) -> Columns:
        """As published."""
        return replace(super().columns_of(frame, words), path="id", photo_id="id", group="group")
