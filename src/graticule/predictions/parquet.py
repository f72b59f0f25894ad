"""Predictions as Parquet: the columns of ``SCHEMA``, and a mark that says what the file is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from graticule.photos import writing

FORMAT_VERSION: Final = "1"


def write_parquet(table: pl.DataFrame, path: Path) -> None:
    """Write the columns of ``SCHEMA``, in place.

    Raises:
        OSError: the file cannot be written.
    """
    writing.write_parquet(table, path, metadata={"graticule.predictions": FORMAT_VERSION})
