"""Reads the positions of a table: numbers from text, points from WKT or GeoJSON, and what cannot be one.

A row whose position is nonsense is refused with its reason; a table whose latitudes and longitudes are
swapped is refused as a whole, for then no row can be believed.
"""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import polars as pl

from graticule.errors import TableError

MISSING_WORDS: Final = ("", "na", "n/a", "null", "none", "\\n", "-")
"""What tables write (in lower case) where there is no number."""

REASONS: Final = {
    "not-a-number": "not a number",
    "half-position": "latitude or longitude missing",
    "nan-position": "not a finite number",
    "out-of-range": "outside [-90, 90] or [-180, 180]",
    "zero-position": "at 0, 0, which stands for unknown",
    "no-position": "empty",
}
"""Why a position cannot be used, in words, by the reason that ``refusals`` gives, or none."""

_SAMPLE_ROWS: Final = 2_000
_DECIMAL_COMMA: Final = r"^\s*[-+]?\d{1,3},\d+\s*$"


def read_numbers(column: pl.Series, *, decimal_comma: bool = False) -> tuple[pl.Series, pl.Series]:
    """Degrees from a column of numbers or text, and which values were neither a number nor missing.

    Convention:
        - the first series is Float64, null where missing or not a number; "nan" gives NaN
        - the second is Boolean: something stands there that is not a number

    Example:
        >>> values, wrong = read_numbers(pl.Series(["48.1", "", "north"]))
        >>> values.to_list(), wrong.to_list()
        ([48.1, None, None], [False, False, True])
    """
    if column.dtype != pl.String:
        return column.cast(pl.Float64), pl.repeat(value=False, n=column.len(), dtype=pl.Boolean, eager=True)
    text = column.str.strip_chars()
    text = text.set(text.str.to_lowercase().is_in(MISSING_WORDS), None)
    if decimal_comma:
        text = text.str.replace(",", ".", literal=True)
    values = text.cast(pl.Float64, strict=False)
    return values, text.is_not_null() & values.is_null()


def writes_decimal_comma(column: pl.Series) -> bool:
    """Whether most values of a text column are like 48,137.

    Example:
        >>> writes_decimal_comma(pl.Series(["48,137", "-3,5", None]))
        True
    """
    if column.dtype != pl.String:
        return False
    values = column.drop_nulls()
    return values.len() > 0 and 2 * int(values.str.contains(_DECIMAL_COMMA).sum()) > values.len()


def read_points(column: pl.Series) -> pl.DataFrame:
    """Latitude and longitude of points in WKT, WKB, GeoJSON or lists, all of which put **longitude first**.

    Convention:
        - the result has the columns ``latitude``, ``longitude`` (Float64 degrees) and ``wrong`` (Boolean)

    Example:
        >>> read_points(pl.Series(["POINT (13.4 52.5)", "[2.35, 48.86]", "here"])).rows()
        [(52.5, 13.4, False), (48.86, 2.35, False), (None, None, True)]
    """
    rows = [_point(value) for value in column.to_list()]
    schema = {"latitude": pl.Float64, "longitude": pl.Float64, "wrong": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def refusals(frame: pl.DataFrame) -> pl.Series:
    """For each row the reason why its position cannot be used, or null.

    Convention:
        - ``frame`` has ``latitude`` and ``longitude`` (Float64 degrees or null) and ``wrong`` (Boolean)
        - reasons: ``not-a-number``, ``half-position``, ``nan-position``, ``out-of-range``,
          ``zero-position``; a row without any position has none

    Example:
        >>> rows = [(91.0, 0.0, False), (0.0, 0.0, False), (1.0, None, False), (1.0, 2.0, False)]
        >>> refusals(pl.DataFrame(rows, schema=["latitude", "longitude", "wrong"], orient="row")).to_list()
        ['out-of-range', 'zero-position', 'half-position', None]
    """
    latitude, longitude = pl.col("latitude"), pl.col("longitude")
    said = latitude.is_not_null() & longitude.is_not_null()
    return frame.select(
        pl.when(pl.col("wrong"))
        .then(pl.lit("not-a-number"))
        .when(latitude.is_not_null() ^ longitude.is_not_null())
        .then(pl.lit("half-position"))
        .when(said & ~(latitude.is_finite() & longitude.is_finite()))
        .then(pl.lit("nan-position"))
        .when(said & ((latitude.abs() > 90) | (longitude.abs() > 180)))
        .then(pl.lit("out-of-range"))
        .when(said & (latitude == 0) & (longitude == 0))
        .then(pl.lit("zero-position"))
        .otherwise(None)
        .alias("reason")
    ).to_series()


def swapped_evidence(frame: pl.DataFrame) -> str | None:
    """What shows that latitudes stand in the column of longitudes, as a clause; None when nothing does.

    Convention:
        - ``frame`` has ``latitude``, ``longitude`` (Float64 degrees) and ``country`` (ISO alpha-2 or null)
        - many latitudes outside [-90, 90] while the longitudes all fit as latitudes; or, of up to 2,000
          places that could be either, the countries stated (else: dry land) are met only when swapped
    """
    placed = frame.filter(pl.col("latitude").is_finite() & pl.col("longitude").is_finite())
    beyond = placed.filter(pl.col("latitude").abs().is_between(90, 180, closed="right"))
    fits = int((placed["longitude"].abs() <= 90).sum())
    if beyond.height >= max(2, 0.1 * placed.height) and fits == placed.height:
        return (
            f"{beyond.height:,} of {placed.height:,} latitudes lie outside [-90, 90], "
            "and every longitude inside it"
        )
    either = placed.filter(
        (pl.col("latitude").abs() <= 90)
        & (pl.col("longitude").abs() <= 90)
        & ((pl.col("latitude") != 0) | (pl.col("longitude") != 0))
    )
    if either.height > _SAMPLE_ROWS:
        either = either.gather_every(either.height // _SAMPLE_ROWS)
    return _swapped_by_country(either) if either.height >= 5 else None


def _swapped_by_country(frame: pl.DataFrame) -> str | None:
    from graticule.geo.outlines import country_of

    latlon = frame.select("latitude", "longitude").to_numpy()
    as_given = np.asarray(country_of(latlon), dtype=object)
    exchanged = np.asarray(country_of(latlon[:, ::-1]), dtype=object)
    stated = frame["country"].to_numpy().astype(object)
    told = np.array([code is not None for code in stated])
    if told.sum() >= 5:
        right, right_exchanged = (as_given == stated)[told].mean(), (exchanged == stated)[told].mean()
        if right <= 0.2 and right_exchanged >= 0.6:
            return (
                f"{right:.0%} of the places lie in the country stated for them, "
                f"but {right_exchanged:.0%} do when exchanged"
            )
        return None
    on_land, on_land_exchanged = (
        np.mean([code is not None for code in row]) for row in (as_given, exchanged)
    )
    if len(latlon) >= 10 and on_land <= 0.3 and on_land_exchanged >= 0.9:
        return f"{on_land:.0%} of the places lie on land, but {on_land_exchanged:.0%} do when exchanged"
    return None


def check_decimal_point(
    frame: pl.DataFrame, columns: tuple[str | None, ...], *, table: str, command: str
) -> None:
    """Refuse a table that writes 48,137 for 48.137, with the option that reads it.

    Raises:
        TableError: holds the line to type.
    """
    for name in columns:
        if name is not None and writes_decimal_comma(frame[name]):
            example = frame[name].drop_nulls()[0]
            raise TableError(
                f"Table '{table}' writes decimals with a comma in column '{name}' (such as '{example}').\n"
                f"Say so:  {command} --decimal-comma"
            )


def _point(value: Any) -> tuple[float | None, float | None, bool]:
    """(latitude, longitude, wrong) of one value of a column of points."""
    if value is None or (isinstance(value, str) and value.strip().lower() in MISSING_WORDS):
        return None, None, False
    try:
        longitude, latitude = _lonlat(value)
        return float(latitude), float(longitude), False
    except Exception:  # anything may stand in a stranger's column
        return None, None, True


def _lonlat(value: Any) -> tuple[float, float]:
    if isinstance(value, dict):
        value = value["coordinates"]
    if isinstance(value, bytes):
        import shapely

        return _of_shape(shapely.from_wkb(value))
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in "[{":
            return _lonlat(json.loads(text))
        import shapely

        return _of_shape(shapely.from_wkt(text.rpartition(";")[2]))
    longitude, latitude = list(value)[:2]
    return longitude, latitude


def _of_shape(shape: Any) -> tuple[float, float]:
    return shape.x, shape.y
