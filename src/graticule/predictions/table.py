"""The table of answers: its columns, and what makes a table one."""

from __future__ import annotations

from typing import Final

import polars as pl

from graticule.errors import PredictionsError

_COLUMNS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "photo_id": pl.String,
    "path": pl.String,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
    "confidence": pl.Float64,
    "candidates": pl.List(
        pl.Struct(
            {
                "cell": pl.Int32,
                "token": pl.String,
                "name": pl.String,
                "latitude": pl.Float64,
                "longitude": pl.Float64,
                "probability": pl.Float64,
            }
        )
    ),
    "country": pl.String,
    "country_confidence": pl.Float64,
    "region_km2": pl.Float64,
    "region_cells": pl.List(pl.Int32),
    "region_promise": pl.Float64,
    "model": pl.String,
    "error": pl.String,
}
SCHEMA: Final = pl.Schema(_COLUMNS)
"""The columns of ``predictions.parquet``, in order."""


def conform(table: pl.DataFrame) -> pl.DataFrame:
    """The columns of ``SCHEMA`` alone, in order and of their types.

    Raises:
        PredictionsError: a column of ``SCHEMA`` is missing or of another type.
    """
    if "region_cells" in table.columns:  # regions of files from before the promise was stated are of 90 %
        stated = pl.col("region_promise") if "region_promise" in table.columns else pl.lit(None, pl.Float64)
        assumed = pl.when(pl.col("region_cells").is_not_null()).then(0.9)
        table = table.with_columns(pl.coalesce(stated, assumed).alias("region_promise"))
    missing = [name for name in SCHEMA if name not in table.columns]
    if missing:
        raise PredictionsError(
            f"These are not predictions of graticule: the column '{missing[0]}' is missing "
            f"(found: {', '.join(table.columns) or 'none'}).\n"
            "Make some:  graticule predict PHOTOS -o predictions.parquet"
        )
    try:
        return table.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    except pl.exceptions.PolarsError as error:
        raise PredictionsError(
            f"A column of the predictions holds values of another type: {error}"
        ) from error
