"""From what a layout found to the terms of the photo table: countries, splits, types, names of places."""

from __future__ import annotations

from typing import Final

import polars as pl

from graticule.geo.countries import continent_of
from graticule.photos.fields import as_text, country_codes, split_names
from graticule.photos.layouts import Found
from graticule.photos.table import COLUMNS

CONTINENT: Final = "continent"
PLACE: Final = "place"
"""Columns that say where a photo was taken in words, offline: by its country, and by the gazetteer."""

_DISAGREEING_SHARE: Final = 0.02


def completed(found: Found, source_name: str | None) -> tuple[pl.DataFrame, list[str]]:
    """All columns of the photo table, in its terms; and remarks on what did not fit."""
    remarks = []
    rows = found.rows.with_columns(
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in COLUMNS.items()
        if name not in found.rows.columns and name != "path"
    )
    codes, unknown = country_codes(rows["country"])
    if unknown:
        remarks.append(f"Not known as countries, left empty: {_some(unknown)}.")
    splits, strange = split_names(rows["split"])
    if strange:
        remarks.append(f"Not known as splits (train, val, test), left empty: {_some(strange)}.")
    sources = as_text(rows["source"])
    rows = rows.with_columns(
        codes.alias("country"),
        splits.alias("split"),
        (sources.fill_null(source_name) if source_name else sources).alias("source"),
        *(pl.col(name).cast(COLUMNS[name], strict=False) for name in ("width", "height", "sha256", "phash")),
    )
    return _enriched(_with_countries(rows, remarks)), remarks


def _with_countries(rows: pl.DataFrame, remarks: list[str]) -> pl.DataFrame:
    """Countries of placed photos by polygon where the source states none; a remark where they disagree."""
    from graticule.geo.outlines import country_of

    placed = rows["latitude"].is_not_null()
    if not placed.any():
        return rows
    latlon = rows.filter(placed).select("latitude", "longitude").to_numpy()
    indices = placed.arg_true()
    found: list[str | None] = [None] * rows.height
    for index, code in zip(indices, country_of(latlon), strict=True):
        found[index] = code
    polygon = pl.Series("polygon", found, dtype=pl.String)
    told = rows["country"].is_not_null() & polygon.is_not_null()
    other = int((told & (rows["country"] != polygon)).sum())
    if other > _DISAGREEING_SHARE * int(told.sum()):
        remarks.append(
            f"{other:,} of {int(told.sum()):,} photos lie in another country than the source states."
        )
    if nowhere := int((placed & polygon.is_null()).sum()):
        many = "1 photo lies" if nowhere == 1 else f"{nowhere:,} photos lie"
        remarks.append(f"{many} in the open sea, more than 25 km from any country.")
    return rows.with_columns(rows["country"].fill_null(polygon))


def _enriched(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns ``continent`` (code) and ``place`` ("London, GB"), where the source has none so called."""
    from graticule.geo.places import place_names

    columns = set(rows.columns)
    if CONTINENT not in columns:
        rows = rows.with_columns(continents(rows["country"]).alias(CONTINENT))
    if PLACE not in columns:
        placed = rows["latitude"].is_not_null()
        latlon = rows.filter(placed).select("latitude", "longitude").to_numpy()
        names = pl.Series(place_names(latlon) if len(latlon) else [], dtype=pl.String)
        everywhere = pl.repeat(None, rows.height, dtype=pl.String, eager=True)
        rows = rows.with_columns(everywhere.scatter(placed.arg_true(), names).alias(PLACE))
    return rows


def continents(countries: pl.Series) -> pl.Series:
    """The code of the continent of each country, null where either is unknown.

    Example:
        >>> continents(pl.Series(["FR", None, "BR"])).to_list()
        ['EU', None, 'SA']
    """
    codes = countries.drop_nulls().unique().to_list()
    return countries.replace_strict(
        codes, [continent_of(code) for code in codes], default=None, return_dtype=pl.String
    )


def _some(words: list[str]) -> str:
    more = f" and {len(words) - 5:,} more" if len(words) > 5 else ""
    return ", ".join(f"'{word}'" for word in words[:5]) + more
