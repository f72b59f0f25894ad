"""Tables without a line of names, whose columns are known by their place."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import polars as pl

from graticule.errors import MissingFileError, TableError


def read_nameless(path: Path, *, separator: str, rows: int | None = None) -> pl.DataFrame:
    """All values as text, in columns ``column_1``, ``column_2`` and so on; quotes have no meaning.

    Convention:
        - ``path``: a plain file, or one packed by gzip or bzip2 (by its ending)
        - ``rows``: at most so many from the top

    Raises:
        MissingFileError: there is no such file, or it cannot be read.
        TableError: it is empty, or no text.
    """
    source: Path | bytes = path
    try:
        if path.suffix.lower() in (".gz", ".bz2"):
            with gzip.open(path) if path.suffix.lower() == ".gz" else bz2.open(path) as file:
                source = file.read() if rows is None else b"".join(file.readline() for _ in range(rows))
        return pl.read_csv(
            source,
            separator=separator,
            has_header=False,
            quote_char=None,
            infer_schema=False,
            n_rows=rows,
            truncate_ragged_lines=True,
            encoding="utf8-lossy",
        )
    except (EOFError, gzip.BadGzipFile, pl.exceptions.PolarsError) as error:
        first = str(error).strip().splitlines()[0]
        raise TableError(f"Table '{path}' cannot be read as text: {first}.\nFetch it again.") from error
    except OSError as error:
        raise MissingFileError(
            f"Table '{path}' cannot be read: {error.strerror or error}.\nCheck that you may read it."
        ) from error
