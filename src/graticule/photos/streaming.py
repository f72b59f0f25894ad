"""The places of tables too large for memory, a block of rows at a time."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from graticule.errors import MissingFileError, TableError, UsageError
from graticule.photos.columns import check_said
from graticule.photos.places import (
    ALL_SPLITS,
    Places,
    check_not_swapped,
    place_columns,
    positions_of,
    sorted_out,
)
from graticule.photos.table import TABLE_NAME
from graticule.photos.tabular import read_rows, separator_of, table_kind

TextFile = gzip.GzipFile | io.BufferedReader

BLOCK_ROWS: Final = 1_000_000
"""Rows of Parquet at a time."""

BLOCK_BYTES: Final = 1 << 26
"""Text at a time: about a million rows."""

_HEAD_ROWS: Final = 10_000
_UTF8_MARK: Final = b"\xef\xbb\xbf"


def stream_places(
    table: str | Path,
    *,
    latitude: str | None = None,
    longitude: str | None = None,
    weights: str | None = None,
    split: str | None = None,
) -> Iterator[Places]:
    """The places of ``table``, block by block, each as ``read_places`` would give it.

    Convention:
        - ``table``: a folder with a photo table, or a Parquet, CSV, TSV or JSON-lines file, of any size;
          text is UTF-8, gzip or not
        - ``latitude``, ``longitude``, ``weights``: as ``read_places``
        - ``split``: rows of that split only, or ``"all"``; it has to be said where the table has splits, as
          which there are is known only at its end

    Raises:
        MissingFileError, TableError, UsageError: as ``read_places``; or the table has splits and none is
            said, or its text is not UTF-8.
    """
    path = Path(table)
    path = path / TABLE_NAME if path.is_dir() else path
    head = read_rows(path, head_rows=_HEAD_ROWS)
    check_said(head, str(path), latitude=latitude, longitude=longitude, weights=weights)
    columns = place_columns(head, path, latitude, longitude)
    if columns.split and split is None:
        raise UsageError(
            f"Table '{path}' has splits in column '{columns.split}', and a stream does not know them all "
            f"before its end.\nSay which rows to take:  `split=train`   or   `split={ALL_SPLITS}`"
        )
    if split not in (None, ALL_SPLITS) and columns.split is None:
        raise UsageError(
            f"Table '{path}' has no split '{split}': it has no column of splits.\n"
            f"Take every row:  `split={ALL_SPLITS}`"
        )
    taken = None if split == ALL_SPLITS else split
    wanted = [columns.latitude, columns.longitude] if columns.latitude else [columns.point]
    names = list(dict.fromkeys(name for name in [*wanted, weights, columns.split] if name))
    first = True
    for block in _blocks(path, head.columns, names):
        part = block if taken is None else block.filter(block[columns.split or ""].cast(pl.String) == taken)
        positions = positions_of(part, columns)
        if first:
            check_not_swapped(positions, columns, path)
        first = False
        yield sorted_out(part, positions, path, weights, taken, block.height)


def _blocks(path: Path, header: list[str], names: list[str]) -> Iterator[pl.DataFrame]:
    """The columns of ``names`` of some rows at a time."""
    kind = table_kind(path)
    try:
        if kind in (".parquet", ".pq"):
            frame = pl.scan_parquet(path).rename(str.strip).select(names)
            for start in range(0, _height(path), BLOCK_ROWS):
                yield frame.slice(start, BLOCK_ROWS).collect()
            return
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            if kind in (".jsonl", ".ndjson"):
                for text in _whole_lines(file, b""):
                    yield pl.read_ndjson(io.BytesIO(text), infer_schema_length=None).select(names)
            else:
                yield from _separated(file, path, header, names)
    except (gzip.BadGzipFile, EOFError) as error:
        raise TableError(f"Table '{path}' ends in .gz but is not gzip, or ends early.") from error
    except OSError as error:
        raise MissingFileError(f"Table '{path}' cannot be read: {error.strerror or error}.") from error
    except pl.exceptions.PolarsError as error:
        first = str(error).strip().splitlines()[0]
        raise TableError(
            f"Table '{path}' cannot be read as {str(kind)[1:].upper()}: {first}\n"
            "Read it at once, without --streaming, for a clearer answer."
        ) from error


def _height(path: Path) -> int:
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def _separated(file: TextFile, path: Path, header: list[str], names: list[str]) -> Iterator[pl.DataFrame]:
    """Blocks of CSV or TSV: the line of names is read here, the rest without it."""
    line = file.readline()
    while line and not line.strip():
        line = file.readline()
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TableError(
            f"Table '{path}' is UTF-16, which cannot be streamed.\n"
            "Save it as UTF-8, or leave --streaming out."
        )
    separator = separator_of(line.removeprefix(_UTF8_MARK).decode(errors="replace"), path)
    schema = dict.fromkeys(header, pl.String)
    for text in _whole_lines(file, b'"'):
        block = pl.scan_csv(
            io.BytesIO(text), has_header=False, schema=schema, separator=separator, encoding="utf8-lossy"
        )
        yield block.select(names).collect()


def _whole_lines(file: TextFile, quote: bytes) -> Iterator[bytes]:
    """The rest of a file in pieces that end where a line ends, and not inside quotes."""
    rest = b""
    while chunk := file.read(BLOCK_BYTES):
        text = rest + chunk
        end = text.rfind(b"\n") + 1
        while quote and end and text.count(quote, 0, end) % 2:
            end = text.rfind(b"\n", 0, end - 1) + 1
        if end:
            yield text[:end]
        rest = text[end:]
    if rest.strip():
        yield rest
