"""The report of an ingest, ``ingest.json``: what was read, kept and refused, and of which kind it is."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from graticule.photos.completion import continents
from graticule.photos.layouts import Refusal
from graticule.photos.table import REPORT_NAME


@dataclass(frozen=True)
class IngestReport:
    """What became of the photos of a source; written as ``ingest.json``.

    Convention:
        - ``read`` = ``kept`` + the sum of ``refused`` (number by reason); ``refusals`` lists each
        - ``without_place``: kept photos of which only the country is known
        - ``splits``, ``countries`` (ISO), ``continents`` (codes): kept photos in each, ``none`` where null
        - ``scenes`` (urban, natural, indoor): likewise, empty where the source tells none
        - ``duplicates``: as ``graticule.photos.deduplication.deduplicated`` reports them
        - ``wrong_colours``: as ``graticule.photos.cleaning.cleaned`` reports them
        - ``stored``: where photos were stored: in which form (``graticule.photos.storing.Storage``), how
          many, in how many shards or folders (``containers``), ``bytes``, by which ``encoder``; else None
        - ``replaced``: what was lost with the table that was there before, and how to have it again, or None
    """

    source: str
    layout: str
    layout_reason: str
    table: str
    columns: dict[str, str]
    read: int
    kept: int
    refused: dict[str, int]
    without_place: int
    splits: dict[str, int]
    countries: dict[str, int]
    continents: dict[str, int]
    scenes: dict[str, int]
    warnings: list[str]
    pixels_checked: bool
    seconds: float
    refusals: list[Refusal]
    duplicates: dict[str, Any]
    wrong_colours: dict[str, Any]
    stored: dict[str, Any] | None = None
    replaced: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report as it is written, ready for JSON."""
        return asdict(self)


def statistics(frame: pl.DataFrame) -> dict[str, Any]:
    """What a report says of the photos that were kept: its fields ``without_place`` to ``scenes``."""
    return {
        "without_place": int(frame["latitude"].is_null().sum()),
        "splits": _counts(frame["split"]),
        "countries": _counts(frame["country"]),
        "continents": _counts(continents(frame["country"])),
        "scenes": _counts(frame["scene"]) if "scene" in frame.columns else {},
    }


def _counts(column: pl.Series) -> dict[str, int]:
    """Number of rows of each value, the most frequent first."""
    counts = Counter("none" if value is None else str(value) for value in column)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def write_report(report: IngestReport, output: Path) -> None:
    """Write ``ingest.json`` into the folder ``output``, whole or not at all."""
    unfinished = output / f".{REPORT_NAME}.{os.getpid()}"
    unfinished.write_text(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(output / REPORT_NAME)
