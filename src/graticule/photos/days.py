"""The day on which each photo was taken, from whatever column of a table says so."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

_NAMES: Final = (
    "capturedat", "capturetime", "taken", "takenat", "datetaken", "datetimeoriginal", "datetime",
    "timestamp", "date",
)  # fmt: skip
"""Names of such columns, best first; compared in lower case, letters only."""

_DATE: Final = r"^\s*(\d{4})[-:/.](\d{2})[-:/.](\d{2})(?:$|[^0-9])"
_MILLISECONDS: Final = 100_000_000_000
"""Times since 1970 above this are in milliseconds: as seconds they would lie past the year 5000."""


def day_column(frame: pl.DataFrame) -> str | None:
    """The column that says when photos were taken, or None.

    Example:
        >>> day_column(pl.DataFrame({"photo_id": ["a"], "Captured_At": [1600000000000]}))
        'Captured_At'
    """
    by_name = {re.sub("[^a-z]", "", name.lower()): name for name in reversed(frame.columns)}
    return next((by_name[name] for name in _NAMES if name in by_name), None)


def days(column: pl.Series) -> pl.Series:
    """The day of each time, as a Date, null where there is none that can be read.

    Convention:
        - dates and times, text that begins with year, month, day (as ISO 8601 and EXIF do), or whole
          seconds or milliseconds since 1970; the day is the one written, or that of UTC for numbers

    Example:
        >>> days(pl.Series(["2021:07:03 10:11:12", "soon"])).to_list()
        [datetime.date(2021, 7, 3), None]
    """
    if column.dtype == pl.Date:
        return column
    if column.dtype == pl.Datetime:
        return column.dt.date()
    if column.dtype.is_numeric():
        return _since_1970(column.cast(pl.Int64, strict=False))
    if column.dtype != pl.String:
        return pl.repeat(None, column.len(), dtype=pl.Date, eager=True)
    written = column.str.extract_groups(_DATE).struct
    iso = written.field("1") + "-" + written.field("2") + "-" + written.field("3")
    numbers = column.str.strip_chars().cast(pl.Int64, strict=False)
    return iso.str.to_date("%Y-%m-%d", strict=False).zip_with(numbers.is_null(), _since_1970(numbers))


def _since_1970(numbers: pl.Series) -> pl.Series:
    milliseconds = numbers.zip_with(numbers.abs() >= _MILLISECONDS, numbers * 1000)
    sensible = milliseconds.set(numbers < 86_400, None)  # a year, a day of the month, or none
    return sensible.cast(pl.Datetime("ms")).dt.date()
