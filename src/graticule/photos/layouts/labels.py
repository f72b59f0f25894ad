"""Countries from the classes that data sets for classification name in a column such as ``label``."""

from __future__ import annotations

from typing import Final

import polars as pl

from graticule.photos.columns import sniff
from graticule.photos.fields import country_codes

_LABELS: Final = ("label", "labels", "class", "class_name", "cls")


def with_country(frame: pl.DataFrame) -> pl.DataFrame:
    """The table with a column ``country``, where it has none and its labels are mostly names of countries.

    Convention:
        - what a label says that is no country is written as it is, so that ingest can tell of it

    Example:
        >>> with_country(pl.DataFrame({"label": ["South Korea", "FR"]}))["country"].to_list()
        ['South Korea', 'FR']
    """
    if sniff(frame).country is not None or "country" in frame.columns:
        return frame
    for name in frame.columns:
        if name.lower() in _LABELS and frame.schema[name] == pl.String:
            words = frame[name].drop_nulls().unique()
            _, unknown = country_codes(words)
            if len(words) and 2 * len(unknown) <= len(words):
                return frame.with_columns(pl.col(name).alias("country"))
    return frame
