"""Many answers together: a sequence of ``Prediction`` over one Polars table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, overload

import numpy as np
import polars as pl

from graticule.errors import PredictionsError
from graticule.predictions.prediction import Prediction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.partitions import Partition

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

MOST_KEPT: Final = 64_000_000
"""Probabilities kept beside the answers, so that a map can draw every cell: 256 MB of float32."""


class Predictions(Sequence[Prediction]):
    """The answers for N photos, in the order in which the photos were given.

    Convention:
        - ``table``: Polars frame with the columns of ``SCHEMA``, N rows
        - ``partition``, ``probabilities`` (N, K): kept in memory right after predicting, so that a map
          can draw every cell; a file does not hold them

    Raises:
        PredictionsError: a column of ``SCHEMA`` is missing or of another type.
    """

    def __init__(
        self,
        table: pl.DataFrame,
        *,
        partition: Partition | None = None,
        probabilities: NDArray[np.float32] | None = None,
    ) -> None:
        self._table = _conform(table)
        self.partition = partition
        self.probabilities = probabilities

    @classmethod
    def of(cls, items: Iterable[Prediction]) -> Predictions:
        """The given answers as one sequence."""
        return cls(pl.DataFrame([item.to_dict() for item in items], schema=SCHEMA))

    @classmethod
    def concat(cls, parts: Iterable[Predictions]) -> Predictions:
        """The answers of all ``parts`` in order; probabilities are kept unless they outgrow ``MOST_KEPT``."""
        parts = list(parts)
        if not parts:
            return cls(pl.DataFrame(schema=SCHEMA))
        table = pl.concat([part.to_polars() for part in parts])
        kept = [part.probabilities for part in parts if part.probabilities is not None]
        small = len(kept) == len(parts) and sum(shares.size for shares in kept) <= MOST_KEPT
        return cls(table, partition=parts[0].partition, probabilities=np.concatenate(kept) if small else None)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Predictions: ...
    def __getitem__(self, index: int | slice) -> Prediction | Predictions:
        if isinstance(index, slice):
            kept = None if self.probabilities is None else self.probabilities[index]
            return Predictions(self._table[index], partition=self.partition, probabilities=kept)
        if not -len(self) <= index < len(self):
            raise IndexError(f"prediction {index} of {len(self)}")
        return Prediction.from_dict(self._table.row(index % len(self), named=True))

    def __len__(self) -> int:
        return self._table.height

    def __iter__(self) -> Iterator[Prediction]:
        for row in self._table.iter_rows(named=True):
            yield Prediction.from_dict(row)

    def __eq__(self, other: object) -> bool:  # by value, and so without a hash
        return isinstance(other, Predictions) and self._table.equals(other._table)

    def __repr__(self) -> str:
        return f"Predictions({len(self)} photos, {self.failed} without an answer)"

    @property
    def failed(self) -> int:
        """How many photos have no answer."""
        return int(self._table["error"].is_not_null().sum())

    def without_probabilities(self) -> Predictions:
        """The same answers without the probability of every cell, which takes K numbers per photo."""
        return Predictions(self._table, partition=self.partition)

    def to_polars(self) -> pl.DataFrame:
        """The table with the columns of ``SCHEMA``."""
        return self._table

    def write(self, path: str | Path) -> Path:
        """Write to a file whose ending says the format; see ``graticule.predictions.files.write``."""
        from graticule.predictions.files import write

        return write(self, Path(path))

    @classmethod
    def read(cls, path: str | Path) -> Predictions:
        """Read a file that ``write`` wrote; see ``graticule.predictions.files.read``."""
        from graticule.predictions.files import read

        return read(Path(path))

    def map(
        self, path: str | Path, *, truth: NDArray[np.float64] | None = None, title: str | None = None
    ) -> Path:
        """Draw the answers on one HTML map that opens offline; see ``graticule.predictions.drawing``.

        Convention:
            - ``truth``: (N, 2) places in (latitude, longitude) degrees, NaN where unknown, or None
        """
        from graticule.predictions.drawing import draw

        return draw(self, Path(path), truth=truth, title=title)


def _conform(table: pl.DataFrame) -> pl.DataFrame:
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
