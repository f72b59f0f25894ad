"""Many answers together: a sequence of ``Prediction`` over one Polars table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, overload

import numpy as np
import polars as pl

from graticule.predictions.files import MAP, check_target, read_table, write_table
from graticule.predictions.prediction import Prediction
from graticule.predictions.table import SCHEMA, conform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.partitions import Partition

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
        self._table = conform(table)
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
        """Write to a file whose ending says the format, whole or not at all; an ``.html`` is a map.

        Raises:
            UsageError: the ending is none of .parquet, .csv, .json, .jsonl, .geojson, .html.
        """
        path = Path(path)
        check_target(path)
        return self.map(path) if path.suffix.lower() == MAP else write_table(self._table, path)

    @classmethod
    def read(cls, path: str | Path) -> Predictions:
        """Read a file that ``write`` wrote, or a folder of parts.

        Raises:
            MissingFileError: there is no such file.
            PredictionsError: the file is damaged, or holds something else, or the folder is not complete.
        """
        return cls(read_table(Path(path)))

    def map(
        self, path: str | Path, *, truth: NDArray[np.float64] | None = None, title: str | None = None
    ) -> Path:
        """Draw the answers on one HTML map that opens offline.

        Every cell is drawn when the answers come straight from a model; from a file there are only the places
        of the candidates.

        Convention:
            - ``truth``: (N, 2) places in (latitude, longitude) degrees, NaN where unknown, or None
        """
        from graticule.predictions.drawing import draw  # maps are not loaded unless one is drawn

        return draw(
            self,
            Path(path),
            partition=self.partition,
            probabilities=self.probabilities,
            truth=truth,
            title=title,
        )
