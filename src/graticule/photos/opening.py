"""A photo table of whatever ``ingest`` reads, for those who look at it once and keep no table."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import polars as pl

from graticule.errors import GraticuleError, TableError
from graticule.photos.ingest import ingest
from graticule.photos.ingest_report import IngestReport
from graticule.photos.layouts import Refusal
from graticule.photos.settings import IngestSettings
from graticule.photos.table import REQUIRED, TABLE_NAME, photo_paths, read_photo_table

AS_THEY_LIE: Final = IngestSettings(check_pixels=False, duplicates="keep", wrong_colours="keep")
"""All photos that have a place, whatever they show."""


def is_photo_table(path: Path) -> bool:
    """Whether ``path`` is a photo table as ``ingest`` makes it, or a folder with one.

    Somebody's Parquet file without the columns of one is a table that ``ingest`` reads; one that is missing
    or damaged counts as a photo table, whose reader says so.
    """
    if path.suffix != ".parquet":
        return (path / TABLE_NAME).is_file()
    try:
        return set(REQUIRED) <= set(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError):
        return True


def open_photos(source: str | Path, *, refusals: list[Refusal] | None = None) -> pl.DataFrame:
    """The photos of a photo table, else of a folder or table that ``ingest`` would make one of.

    Photos that ``ingest`` refuses are not among them, and are added to ``refusals``. No pixels are looked at:
    no duplicates are found, and a photo may turn out to be damaged.

    Convention:
        - ``source``: a photo table, or what holds photos with places in one of the layouts of ``ingest``
        - the columns of ``photos.table.COLUMNS``, then the source's own; ``path`` is absolute

    Raises:
        MissingFileError: there is no such source, or no photo in it.
        TableError: ``ingest`` refuses every photo.
        TableError, UsageError: as ``ingest``.
    """
    source = Path(source)
    if is_photo_table(source):
        return _absolute(read_photo_table(source), source)
    with tempfile.TemporaryDirectory(prefix="graticule-") as folder:
        report = _ingested(source, folder)
        if not report.kept:
            raise TableError(_all_refused(source, report))
        if refusals is not None:
            refusals += report.refusals
        return _absolute(read_photo_table(folder), Path(folder))


def _ingested(source: Path, folder: str) -> IngestReport:
    try:
        return ingest(source, folder, AS_THEY_LIE)
    except GraticuleError as error:
        # the advice names the output, which here is a folder that is gone when it is read
        error.args = tuple(
            each.replace(folder, "photos") if isinstance(each, str) else each for each in error.args
        )
        raise


def _all_refused(source: Path, report: IngestReport) -> str:
    first = report.refusals[0]
    counts = ", ".join(f"{reason} {count:,}" for reason, count in report.refused.items())
    return (
        f"None of the {report.read:,} photos that '{source}' names can be used ({counts}). The first, "
        f"'{first.photo_id}': {first.message}\nSee all of them:  graticule ingest '{source}' -o photos"
    )


def _absolute(table: pl.DataFrame, home: Path) -> pl.DataFrame:
    paths = [str(path.resolve()) for path in photo_paths(table, home)]
    return table.with_columns(pl.Series("path", paths, dtype=pl.String))
