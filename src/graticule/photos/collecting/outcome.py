"""What a collection ends with: near duplicates dropped, the photo table, and all counts by reason."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from graticule.errors import MissingFileError, TableError
from graticule.photos.collecting.journal import Journal
from graticule.photos.collecting.session import PoliteSession
from graticule.photos.duplicates import find_duplicates
from graticule.photos.table import COLUMNS, read_photo_table, write_photo_table

OUTCOME_NAME: Final = "collect.json"

_AT_A_TIME: Final = 20_000

_OWN: Final = {
    "author": pl.String, "author_name": pl.String, "licence_url": pl.String, "page": pl.String,
    "taken_at": pl.String, "title": pl.String, "tags": pl.String, "accuracy": pl.Int16, "sequence": pl.String,
    "heading_deg": pl.Float64, "term": pl.String, "term_group": pl.String,
}  # fmt: skip
"""Columns that services tell beyond those of every photo table."""


@dataclass(frozen=True)
class CollectReport:
    """What was collected, over all runs into the folder; written as ``collect.json``.

    Convention:
        - ``found`` = ``kept`` + ``waiting`` + the sums of ``unwanted`` and ``refused`` (numbers by reason):
          unwanted are photos that were not fetched, refused those whose file was of no use
        - ``waiting``: wanted, but not fetched yet, by reason: ``not-yet``, ``server-failed``
        - ``found_again``: how often a search led to a photo that an earlier one had found
        - ``searches`` by state; ``places``: None, or places searched, those with a photo, those without one
          by reason, and rows of the table that were no places by reason
        - ``requests`` and ``waited_s`` are those of this run
    """

    service: str
    table: str
    searches: dict[str, int]
    found: int
    found_again: int
    unwanted: dict[str, int]
    refused: dict[str, int]
    waiting: dict[str, int]
    kept: int
    licences: dict[str, int]
    term_groups: dict[str, int]
    authors: int
    places: dict[str, Any] | None
    requests: int
    waited_s: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The report as it is written, ready for JSON."""
        return asdict(self)

    @property
    def is_complete(self) -> bool:
        """Whether every search and every photo found was seen to, and every row was a place."""
        return not (self.searches.get("open") or self.waiting or (self.places or {}).get("refused"))


def write_outcome(
    journal: Journal,
    session: PoliteSession,
    folder: Path,
    service: str,
    refused_places: dict[str, int],
    started_s: float,
) -> CollectReport:
    """Drop near duplicates, write ``photos.parquet`` and ``collect.json`` into ``folder``, and report."""
    _drop_near(journal)
    for path in journal.dropped_files():
        (folder / path).unlink(missing_ok=True)
    matches = journal.matches()
    table = _table(journal, service)
    if matches:
        table = table.join(_places_of(matches), on="photo_id", how="left", maintain_order="left")
    table = _with_earlier(table, folder)
    file = write_photo_table(table, folder)
    unwanted, refused, waiting = (journal.reasons(state) for state in ("unwanted", "refused", "waiting"))
    report = CollectReport(
        service=service,
        table=str(file),
        searches=journal.searches(),
        found=table.height + sum(sum(each.values()) for each in (unwanted, refused, waiting)),
        found_again=journal.found_again(),
        unwanted=unwanted,
        refused=refused,
        waiting=waiting,
        kept=table.height,
        licences=_counts(table["licence"]),
        term_groups=_counts(table["term_group"].drop_nulls()),
        authors=table["author"].n_unique(),
        places=_about_places(matches, set(table["photo_id"]), refused_places),
        requests=session.requests,
        waited_s=round(session.waited_s, 1),
        seconds=round(time.perf_counter() - started_s, 2),
    )
    unfinished = folder / f".{OUTCOME_NAME}.{os.getpid()}"
    unfinished.write_text(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(folder / OUTCOME_NAME)
    return report


def _with_earlier(table: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """With what was written into the table since an earlier run: splits, and columns of the user's own."""
    try:
        earlier = read_photo_table(folder)
    except (MissingFileError, TableError):  # there is none yet, or none that is of use
        return table
    added = ["split", *(name for name in earlier.columns if name not in table.columns)]
    known = earlier.select("photo_id", *added)
    return table.drop("split").join(known, on="photo_id", how="left", maintain_order="left")


def _drop_near(journal: Journal) -> None:
    """Of photos that show one picture the largest stays; the same file was not kept twice to begin with."""
    schema = {"photo_id": pl.String, "phash": pl.UInt64, "pixels": pl.Int64}
    kept = _frame(journal.fingerprints(), schema)
    nothing = pl.repeat(None, kept.height, dtype=pl.String, eager=True)
    for duplicate in find_duplicates(nothing, kept["phash"], kept["pixels"]):
        journal.refuse(kept["photo_id"][duplicate.row], duplicate.reason)


def _table(journal: Journal, service: str) -> pl.DataFrame:
    """The photos kept, as a photo table; countries by outline."""
    from graticule.geo.outlines import country_of

    rows = (
        {**facts, **asdict(file), "photo_id": photo_id, "source": service}
        for photo_id, facts, file in journal.kept()
    )
    table = _frame(rows, {**COLUMNS, **_OWN})
    if table.is_empty():
        return table
    countries = country_of(table.select("latitude", "longitude").to_numpy())
    return table.with_columns(pl.Series("country", list(countries), dtype=pl.String))


def _frame(rows: Iterable[Any], schema: dict[str, Any]) -> pl.DataFrame:
    """A table of many rows, of which few are Python objects at a time."""
    rows, parts = iter(rows), [pl.DataFrame(schema=schema)]
    while some := list(itertools.islice(rows, _AT_A_TIME)):
        parts.append(pl.DataFrame(some, schema=schema, orient="row"))
    return pl.concat(parts)


def _places_of(matches: list[tuple[float, float, str | None, float | None]]) -> pl.DataFrame:
    """Of the places that a photo is nearest to, the nearest: a photo stands for one place."""
    schema = {
        "place_latitude": pl.Float64, "place_longitude": pl.Float64, "photo_id": pl.String,
        "place_km": pl.Float64,
    }  # fmt: skip
    frame = pl.DataFrame(matches, schema=schema, orient="row").drop_nulls("photo_id")
    return frame.sort("place_km", maintain_order=True).unique("photo_id", keep="first", maintain_order=True)


def _about_places(
    matches: list[tuple[float, float, str | None, float | None]], kept: set[str], refused: dict[str, int]
) -> dict[str, Any] | None:
    if not matches and not refused:
        return None
    photos = [photo_id for _, _, photo_id, _ in matches if photo_id is not None]
    own = set(photos)
    without = {
        "no-photo-near": len(matches) - len(photos),
        "same-photo": len(photos) - len(own),
        "photo-not-kept": len(own - kept),
    }
    return {
        "searched": len(matches),
        "with_photo": len(own & kept),
        "without": {reason: count for reason, count in without.items() if count},
        "refused": refused,
    }


def _counts(column: pl.Series) -> dict[str, int]:
    counts = Counter("none" if value is None else str(value) for value in column)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
