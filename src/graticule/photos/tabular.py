"""Reads anybody's table of photos: CSV, TSV, Parquet, JSON lines; compressed with gzip or not.

Text columns stay text until ``with_types`` is asked, so that the id "007" is not made 7.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
from pathlib import Path
from typing import Final

import polars as pl

from graticule.config import IMAGE_SUFFIXES
from graticule.errors import MissingFileError, TableError
from graticule.photos.broken_tables import where_broken

TABLE_SUFFIXES: Final = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".jsonl", ".ndjson")
"""File endings (lower case) of tables, each also with ``.gz`` but for Parquet."""

_SEPARATORS: Final = (",", ";", "\t", "|")
_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PACKED: Final = b"PK\x03\x04"
_HEAD_BYTES: Final = 1 << 18
_CHECKED_BYTES: Final = 1 << 24
_ID_NAME: Final = re.compile(r"(^|[^a-z])(id|key|code|uuid)s?$|Id$|ID$")
_WHOLE: Final = r"^-?(0|[1-9][0-9]{0,17})$"
_DECIMAL: Final = r"^-?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?$"


def is_table(path: Path) -> bool:
    """Whether the ending of a file's name is that of a table."""
    return table_kind(path) is not None


def table_kind(path: Path) -> str | None:
    """Which of ``TABLE_SUFFIXES`` a file has, ``.gz`` aside; None when it is no table.

    Example:
        >>> table_kind(Path("places.CSV.gz"))
        '.csv'
    """
    name = path.name.lower().removesuffix(".gz")
    kind = Path(name).suffix
    return kind if kind in TABLE_SUFFIXES else None


def read_rows(path: str | Path, *, head_rows: int | None = None) -> pl.DataFrame:
    """The rows of a table; every value of CSV and TSV is text or null, others keep their types.

    Convention:
        - the separator of CSV (comma, semicolon, tab or bar) and the encoding (UTF-8 with or without
          mark, UTF-16, Windows-1252) are found out; names of columns are stripped of blanks
        - ``head_rows``: about so many rows from the top, without reading the rest

    Raises:
        MissingFileError: there is no such file, or it cannot be read.
        TableError: it is empty, or not what its ending says.
    """
    path = Path(path)
    kind = table_kind(path)
    if kind is None:
        known = ", ".join(TABLE_SUFFIXES)
        raise TableError(
            f"'{path}' is not a table that can be read; its name should end in one of {known}.\n"
            "Rename it, or save it in one of these forms."
        )
    try:
        if kind in (".parquet", ".pq"):
            frame = pl.read_parquet(path, n_rows=head_rows)
        elif kind in (".jsonl", ".ndjson"):
            frame = _read_json_lines(_read_bytes(path, head_rows), path, head_rows)
        else:
            frame = _read_separated(_read_bytes(path, head_rows), path, head_rows)
    except (gzip.BadGzipFile, EOFError) as error:
        raise TableError(
            f"Table '{path}' ends in .gz but is not gzip, or ends early.\nFetch it again, or rename it."
        ) from error
    except OSError as error:
        raise MissingFileError(
            f"Table '{path}' cannot be read: {error.strerror or error}.\nCheck that you may read it."
        ) from error
    except pl.exceptions.PolarsError as error:
        raise TableError(_unreadable(path, kind, error)) from error
    if frame.width == 0:
        raise TableError(_empty(path))
    return _named(frame)


def _unreadable(path: Path, kind: str, error: Exception) -> str:
    """What is wrong with a table that Polars gave up on, and what to do."""
    why = f"Table '{path}' cannot be read as {kind[1:].upper()}: {str(error).strip().splitlines()[0]}"
    if kind in (".parquet", ".pq"):
        return f"{why}.\nExport or fetch it again, or give the table in another form."
    text = _as_utf8(_read_bytes(path, None))
    header = next((line for line in io.BytesIO(text) if line.strip()), b"").decode()
    where = where_broken(kind, text, separator_of(header, path))
    if not where:
        return f"{why}.\nIs it what its ending says? Else rename it, or give the table in another form."
    return f"{why}.\n{where} Mend it in a text editor, or give the table in another form."


def with_types(frame: pl.DataFrame) -> pl.DataFrame:
    """Text columns that hold only true and false, whole numbers or decimals, as such; ids stay text.

    Example:
        >>> with_types(pl.DataFrame({"good": ["true", None], "id": ["7", "8"], "zip": ["01067", "1"]})).dtypes
        [Boolean, String, String]
    """
    return frame.with_columns(
        _typed(frame[name])
        for name in frame.columns
        if frame.schema[name] == pl.String and not _ID_NAME.search(name)
    )


def _typed(column: pl.Series) -> pl.Series:
    values = column.drop_nulls()
    if values.is_empty():
        return column
    if values.str.to_lowercase().is_in(["true", "false"]).all():
        return column.str.to_lowercase() == "true"
    if values.str.contains(_WHOLE).all():
        return column.cast(pl.Int64)
    # a leading zero marks a code (a postal code, a phone number), not a number
    if values.str.contains(_DECIMAL).all() and not values.str.contains(r"^-?0[0-9]").any():
        return column.cast(pl.Float64)
    return column


def _read_bytes(path: Path, head_rows: int | None) -> bytes:
    """The file, unpacked; of a long one only whole lines from its top when ``head_rows`` is given."""
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        if head_rows is None:
            return bytes(file.read())
        top = bytes(file.read(_HEAD_BYTES))
        return top if len(top) < _HEAD_BYTES else top[: top.rfind(b"\n") + 1]


def _read_separated(data: bytes, path: Path, rows: int | None) -> pl.DataFrame:
    if data.startswith(_PACKED):
        raise TableError(
            f"Table '{path}' is not text, but a spreadsheet or an archive (ZIP).\n"
            "Save it as CSV in the program that made it, or unpack it."
        )
    data = _as_utf8(data)
    header = next((line for line in io.BytesIO(data) if line.strip()), b"").decode().rstrip("\r\n")
    if not header:
        raise TableError(_empty(path))
    separator = separator_of(header, path)
    names = _names_lacking(header.split(separator))
    return pl.read_csv(
        data, separator=separator, infer_schema=False, n_rows=rows, has_header=not names, new_columns=names
    )


def _names_lacking(first: list[str]) -> list[str] | None:
    """Names for the columns, where the first line is a photo, a latitude and a longitude."""
    if len(first) != 3 or Path(first[0].strip().strip('"')).suffix.lower() not in IMAGE_SUFFIXES:
        return None
    try:
        latitude, longitude = float(first[1]), float(first[2])
    except ValueError:
        return None
    return ["path", "latitude", "longitude"] if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def separator_of(header: str, path: Path) -> str:
    """What stands between the values of a CSV or TSV file, by its line of names.

    Example:
        >>> separator_of('lat;"lng, east"', Path("places.csv"))
        ';'
    """
    unquoted = re.sub(r'"[^"]*"', "", header)
    return "\t" if table_kind(path) == ".tsv" else max(_SEPARATORS, key=unquoted.count)


def _read_json_lines(data: bytes, path: Path, rows: int | None) -> pl.DataFrame:
    data = _as_utf8(data).strip()
    if not data:
        example = '{"path": "a.jpg", "latitude": 48.1, "longitude": 11.6}'
        raise TableError(f"Table '{path}' is empty; expected one JSON object per line.\nSuch as:  {example}")
    return pl.read_ndjson(data, infer_schema_length=None, n_rows=rows)


def _as_utf8(data: bytes) -> bytes:
    """The text of a file as UTF-8 without mark; itself where it is that, so that there are no two of it."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding, errors="replace").encode()
    check = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for start in range(0, len(data), _CHECKED_BYTES):
            check.decode(view[start : start + _CHECKED_BYTES])
        check.decode(b"", final=True)
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace").encode()
    return data


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Names without blanks around them; a nameless column (a written index) is called by its number."""
    names = [name.strip() or f"column_{number}" for number, name in enumerate(frame.columns, start=1)]
    if len(set(names)) < len(names):
        return frame
    frame.columns = names
    return frame


def _empty(path: Path) -> str:
    return (
        f"Table '{path}' is empty; expected a line of column names and a line per photo.\n"
        "Begin it with a line such as:  path,latitude,longitude"
    )
