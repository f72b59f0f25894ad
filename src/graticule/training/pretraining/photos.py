"""A photo table of whatever holds photos; a place is welcome, and none is needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import polars as pl

from graticule.errors import MissingFileError
from graticule.photos.ingest import ingest
from graticule.photos.ingest_report import IngestReport
from graticule.photos.opening import AS_THEY_LIE
from graticule.photos.table import read_photo_table, write_photo_table
from graticule.training.callbacks import Say

WITHOUT_PLACE: Final = frozenset(
    {
        "no-position",
        "not-a-number",
        "empty-gps",
        "half-position",
        "nan-position",
        "zero-position",
        "out-of-range",
        "no-hemisphere",
        "broken-exif",
        "broken-xmp",
        "broken-comment",
    }
)
"""Why ``ingest`` refuses a photo whose pixels may be good: reasons that are about its place alone."""


def make_photo_table(source: Path, folder: Path, say: Say) -> int:
    """Write a photo table of all photos of ``source`` into ``folder``; the photos stay where they are.

    Convention:
        - ``source``: a folder of photos, or a table of them; all that ``ingest`` reads
        - photos whose place is missing or broken are in the table without one
        - the result: how many photos

    Raises:
        MissingFileError: there is no such source, or no photo in it.
        TableError, UsageError: as ``ingest``.
    """
    report = ingest(source, folder, AS_THEY_LIE)
    table = read_photo_table(folder)
    others = _placeless(report, source, folder)
    table = pl.concat([table, others], how="diagonal_relaxed") if others.height else table
    if table.is_empty():
        raise MissingFileError(
            f"None of the {report.read:,} photos of '{source}' can be used.\n"
            f"See why:  graticule ingest '{source}' -o photos"
        )
    write_photo_table(table, folder)
    placed = table["latitude"].is_not_null().sum()
    lost = report.read - table.height
    say(
        f"Photos of '{source}' (layout {report.layout}): {table.height:,}, {placed:,} of them with a place"
        + (f"; {lost:,} cannot be used." if lost else ".")
    )
    return table.height


def _placeless(report: IngestReport, source: Path, folder: Path) -> pl.DataFrame:
    """The photos that were refused for their place alone."""
    start = source if source.is_dir() else source.parent
    rows = []
    for refusal in report.refusals:
        file = start / refusal.path  # an absolute path stays what it is
        if refusal.reason in WITHOUT_PLACE and refusal.path and file.is_file():
            rows.append({"photo_id": refusal.photo_id, "path": os.path.relpath(file, folder)})
    columns = {"photo_id": pl.String(), "path": pl.String()}
    nowhere = [pl.lit(None, dtype=pl.Float64()).alias(name) for name in ("latitude", "longitude")]
    found = pl.DataFrame(rows, schema=columns).unique("photo_id", keep="first", maintain_order=True)
    return found.with_columns(nowhere)
