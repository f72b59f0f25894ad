"""Figures that others published for the tests, each with where it stands; none of them was measured here."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import polars as pl

from graticule.config import THRESHOLDS_KM

TABLE: Final = "published.csv"

NOT_OURS: Final = (
    "Published figures were collected from surveys, papers and model cards, not measured here; check one "
    "against its paper before you rely on it."
)

_SHARES: Final = ("country", "region", "area", "city", "top_1", "top_5")


@dataclass(frozen=True, slots=True)
class PublishedResult:
    """One row of a published table.

    Convention:
        - ``figures``: shares in [0, 1] by threshold in km ("1" ... "2500") and for ``country``, ``region``,
          ``area``, ``city``, ``top_1``, ``top_5``; ``geoscore`` in points; ``mean_km``; None where the table
          has none
        - ``arxiv``: number of the paper, or empty; ``source``: where the figures were collected
    """

    model: str
    arxiv: str
    figures: dict[str, float | None]
    source: str

    def to_dict(self) -> dict[str, Any]:
        """The row as ``metrics.json`` has it."""
        return {"model": self.model, "arxiv": self.arxiv or None, **self.figures, "source": self.source}


def published_results(benchmark: str) -> list[PublishedResult]:
    """The published figures of a benchmark, in the order of the table; an empty list where none is known.

    Example:
        >>> published_results("im2gps3k")[0].figures["25"]
        0.248
    """
    rows = _table().filter(pl.col("benchmark") == benchmark).to_dicts()
    return [PublishedResult(row["model"], row["arxiv"] or "", _figures(row), row["source"]) for row in rows]


def _figures(row: dict[str, Any]) -> dict[str, float | None]:
    """Per cent in the table, shares here."""
    found: dict[str, float | None] = {}
    for name in (*(f"{limit}" for limit in THRESHOLDS_KM), *_SHARES):
        found[name] = None if row[name] is None else round(row[name] / 100, 6)
    return found | {"geoscore": row["geoscore"], "mean_km": row["mean_km"]}


@functools.cache
def _table() -> pl.DataFrame:
    text = (resources.files("graticule.benchmarks") / TABLE).read_bytes()
    numbers = [f"{limit}" for limit in THRESHOLDS_KM] + [*_SHARES, "geoscore", "mean_km"]
    return pl.read_csv(text, schema_overrides={"arxiv": pl.String, **dict.fromkeys(numbers, pl.Float64)})
