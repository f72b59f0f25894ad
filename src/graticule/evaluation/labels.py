"""One class per photo, as numbers: millions of countries are compared without a Python object for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

Texts = NDArray[np.object_]
Booleans = NDArray[np.bool_]

NO_LABEL: Final = -1
"""Index of a photo that has no class."""


@dataclass(frozen=True, eq=False)
class Labels:
    """The class of each of N photos.

    Convention:
        - ``names``: the classes, each once, in ascending order
        - ``index``: shape (N,), index in ``names``, -1 for a photo without a class

    Example:
        >>> labels = Labels.of(["PE", None, "FR", "PE"])
        >>> labels.names, labels.index.tolist()
        (('FR', 'PE'), [1, -1, 0, 1])
    """

    names: tuple[str, ...]
    index: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def of(cls, column: pl.Series | Sequence[str | None] | Texts) -> Labels:
        """The labels of a column of texts; null stands for no class."""
        texts = column if isinstance(column, pl.Series) else pl.Series(list(column), dtype=pl.String)
        texts = texts.cast(pl.String)
        names = tuple(texts.drop_nulls().unique().sort())
        index = texts.cast(pl.Enum(names)).to_physical().cast(pl.Int32).fill_null(NO_LABEL)
        return cls(names, index.to_numpy())

    @cached_property
    def is_known(self) -> Booleans:
        """Which photos have a class, shape (N,)."""
        return np.asarray(self.index != NO_LABEL)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Photos of each class; those of none are not counted."""
        counts = np.bincount(self.index + 1, minlength=len(self.names) + 1)[1:]
        return dict(zip(self.names, counts.tolist(), strict=True))

    def texts(self) -> Texts:
        """The names, shape (N,), None for no class."""
        found: Texts = np.array([*self.names, None], dtype=object)[self.index]
        return found

    def series(self) -> pl.Series:
        """The names as a column, null for no class."""
        index = pl.Series(self.index).replace(NO_LABEL, None)
        return pl.Series(self.names, dtype=pl.String).gather(index)

    def where(self, kept: ArrayLike) -> Labels:
        """The same, but without a class where ``kept``, shape (N,), is false."""
        return Labels(self.names, np.where(np.asarray(kept), self.index, np.int32(NO_LABEL)))

    def grouped(self, group_of: Sequence[str | None]) -> Labels:
        """The labels of a coarser partition, such as continents; ``group_of``: that of each of ``names``."""
        groups = Labels.of(list(group_of))
        return Labels(groups.names, np.append(groups.index, np.int32(NO_LABEL))[self.index])

    def among(self, names: Sequence[str]) -> NDArray[np.int32]:
        """The index of each photo's class in ``names``; ``len(names)`` for a class that is not among them."""
        place = {name: row for row, name in enumerate(names)}
        lookup = np.array([place.get(name, len(names)) for name in self.names] + [NO_LABEL], dtype=np.int32)
        found: NDArray[np.int32] = lookup[self.index]
        return found

    def agrees_with(self, truth: Labels) -> Booleans:
        """Which photos have the same class as in ``truth``; those of no class agree with nothing."""
        return np.asarray((self.among(truth.names) == truth.index) & truth.is_known)
