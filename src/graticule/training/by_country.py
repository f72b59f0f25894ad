"""Photos of which only the country is known: where they stand, and what a reader is told of it."""

from __future__ import annotations

from typing import Final

import polars as pl

from graticule.geo.country_points import country_points

BY_COUNTRY: Final = "by_country"
"""A column that says which photos stand at the point of their country."""

PLACED: Final = (pl.col("latitude").is_finite() & pl.col("longitude").is_finite()).fill_null(False)
"""Which rows of a photo table have a place."""


def at_country_points(table: pl.DataFrame) -> pl.DataFrame:
    """The table with the point of its country as the place of each photo that has a country and no place.

    Convention:
        - ``by_country``, added: whether the place of a photo is that point
        - a photo whose country is unknown, or has no point, keeps none
    """
    lacking = table.filter(~PLACED & pl.col("country").is_not_null())
    codes = lacking["country"].unique().sort().to_list()
    points = country_points(codes)
    known = pl.DataFrame(
        {"country": codes, "point_latitude": points[:, 0], "point_longitude": points[:, 1]},
        schema_overrides={"country": pl.String},
    ).fill_nan(None)
    joined = table.join(known, on="country", how="left", maintain_order="left")
    moved = ~PLACED & pl.col("point_latitude").is_not_null()
    return joined.with_columns(
        moved.alias(BY_COUNTRY),
        latitude=pl.when(moved).then("point_latitude").otherwise("latitude"),
        longitude=pl.when(moved).then("point_longitude").otherwise("longitude"),
    ).drop("point_latitude", "point_longitude")


def by_country_in_words(photos: int) -> str:
    """What a reader of distances has to know where photos stand at the points of their countries.

    Example:
        >>> by_country_in_words(3)
        'Of 3 photos only the country is known: distances are from its largest town.'
    """
    number = f"{photos:,} photo{'s' * (photos != 1)}"
    return f"Of {number} only the country is known: distances are from its largest town."
