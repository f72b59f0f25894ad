"""The layout of MP-16 as GeoEstimation has it: ``mp16_places365.csv`` and msgpack shards of photos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import polars as pl

from graticule.errors import TableError
from graticule.photos.layouts.base import Found, Words
from graticule.photos.layouts.nameless import read_nameless
from graticule.photos.layouts.places365 import Places365Layout
from graticule.photos.layouts.published import stem_of


class Mp16Layout(Places365Layout):
    """Photos lie in ``shard_<n>.msg``, archives or folders; addresses come from ``mp16_urls.csv``."""

    name: ClassVar[str] = "mp16"
    summary: ClassVar[str] = "MP-16: mp16_places365.csv and shard_<n>.msg, folders or archives of photos"
    title: ClassVar[str] = "MP-16"
    source: ClassVar[str | None] = "mp16"
    tables: ClassVar[Mapping[str, str | None]] = {"mp16_places365": None}

    def read(self, source: Path, words: Words) -> Found:
        """As for any table; one of addresses alone is refused with advice.

        Raises:
            TableError: there is no table with places; ``mp16_urls.csv`` holds none.
        """
        if source.is_file() and stem_of(source) == "mp16_urls":
            table = source.with_name("mp16_places365.csv")
            raise TableError(
                f"Table '{source}' holds addresses of photos, but no places.\n"
                f"Name the one with places:  {words.line(table)}"
            )
        return super().read(source, words)

    def prepared(self, frame: pl.DataFrame, file: Path) -> pl.DataFrame:
        """With a column ``url``, where ``mp16_urls.csv`` lies beside the table."""
        beside = file.with_name("mp16_urls.csv")
        name = next((column for column in frame.columns if column.lower() == "img_id"), None)
        if not beside.is_file() or name is None or "url" in frame.columns:
            return frame
        urls = read_nameless(beside, separator=",").select(pl.nth(0).alias(name), pl.nth(1).alias("url"))
        return frame.join(urls.unique(name, keep="first"), on=name, how="left", maintain_order="left")
