"""From whatever holds photos with places to a photo table, and a report of every photo that was not taken."""

from __future__ import annotations

import tempfile
import time
import warnings as python_warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import polars as pl

from graticule.errors import MissingFileError, UsageError
from graticule.photos.cleaning import COLOUR_MODES, cleaned, with_looks
from graticule.photos.completion import completed
from graticule.photos.deduplication import MODES, deduplicated
from graticule.photos.ingest_paths import relative_paths
from graticule.photos.ingest_report import IngestReport, statistics, write_report
from graticule.photos.inspection import inspect_all
from graticule.photos.layouts import Found, Refusal, choose_layout
from graticule.photos.settings import IngestSettings
from graticule.photos.split_files import lost_splits
from graticule.photos.storing import check_form, clear, read_journal, store_photos
from graticule.photos.table import TABLE_NAME, write_photo_table
from graticule.photos.treatments import check_treatment

__all__ = ["IngestReport", "IngestSettings", "ingest"]

_DEFAULTS: Final = IngestSettings()


def ingest(
    source: str | Path,
    output: str | Path,
    settings: IngestSettings = _DEFAULTS,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    on_stored: Callable[[int, int], None] | None = None,
) -> IngestReport:
    """Make a photo table of ``source``: ``photos.parquet`` and ``ingest.json`` in the folder ``output``.

    Convention:
        - ``source``: a folder of photos, a folder with a table, or a table (CSV, TSV, Parquet, JSON lines)
        - the photos stay where they are unless ``settings.storage`` says how to store them in ``output``;
          paths in the table are relative to ``output``
        - ``on_progress(done, total)`` is called after each photo opened, ``on_stored`` after each stored

    Raises:
        MissingFileError: the source does not exist, or holds no photos; the output cannot be written to.
        TableError: the table cannot be read, lacks columns, or swaps latitudes and longitudes.
        UsageError: a layout, a column or a way to treat duplicates was named that is none; photos are
            stored in ``output`` already in another form.
    """
    started_s = time.perf_counter()
    source, output = Path(source), Path(output)
    if output.exists() and not output.is_dir():
        raise UsageError(f"'{output}' is a file. Name a folder:  -o {output.parent / 'photos'}")
    _check_treatments(settings)
    _check_storage(source, output, settings)
    words = settings.words(output)
    chosen, why = choose_layout(source, settings.layout, words)
    found = _unique(chosen.read(source, words))
    if not found.read:
        raise MissingFileError(
            f"'{source}' names no photo: the table has column names, but no row.\n"
            "Add a row for each photo, or name the folder that holds the photos."
        )
    _require_writable(output)  # before the long work, not after it
    if settings.check_pixels or found.positions_inside:
        found = _inspected(found, settings, on_progress)
    found, colours = cleaned(found, min_side_px=settings.min_side_px, colours=settings.wrong_colours)
    found, repeated = deduplicated(found, settings.duplicates if settings.check_pixels else "keep")
    frame, remarks = completed(found, settings.source_name or chosen.source)
    found, frame, stored = _stored(found, frame, output, settings, on_stored)
    replaced = lost_splits(output, frame)
    paths = relative_paths(frame["file"], output)
    table = write_photo_table(frame.drop("file").with_columns(paths), output)
    report = IngestReport(
        source=str(source.resolve()),
        layout=chosen.name,
        layout_reason=why,
        table=str(table),
        columns=found.columns,
        read=found.read,
        kept=frame.height,
        refused=dict(Counter(refusal.reason for refusal in found.refused).most_common()),
        **statistics(frame),
        warnings=[*found.warnings, *remarks],
        pixels_checked=settings.check_pixels,
        seconds=round(time.perf_counter() - started_s, 2),
        refusals=found.refused,
        duplicates=repeated,
        wrong_colours=colours,
        stored=stored,
        replaced=replaced,
    )
    write_report(report, output)
    return report


def _check_treatments(settings: IngestSettings) -> None:
    check = partial(check_treatment, check_pixels=settings.check_pixels)
    check(settings.duplicates, MODES, what="Duplicates", flag="--duplicates")
    check(settings.wrong_colours, COLOUR_MODES, what="Wrongly coloured photos", flag="--wrong-colours")


def _require_writable(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        why = error.strerror or error
        raise MissingFileError(
            f"Folder '{output}' cannot be written to: {why}.\nName another after -o."
        ) from error


def _unique(found: Found) -> Found:
    """Of rows with one id the first is kept, so that an id names one photo."""
    again = ~found.rows["photo_id"].is_first_distinct()
    if not again.any():
        return found
    refused = [
        Refusal(
            row["photo_id"],
            row["file"],
            "duplicate-id",
            f"Photo id '{row['photo_id']}' is used by an earlier row. "
            "Keep one of them, or name a column of other ids with --id.",
        )
        for row in found.rows.filter(again).iter_rows(named=True)
    ]
    return replace(found, rows=found.rows.filter(~again), refused=[*found.refused, *refused])


def _inspected(
    found: Found, settings: IngestSettings, on_progress: Callable[[int, int], None] | None
) -> Found:
    """Sizes, fingerprints and (where they are inside the files) places; unusable photos refused."""
    files = found.rows["file"].to_list()
    with python_warnings.catch_warnings():
        # Pillow remarks on odd metadata; what matters of it becomes a refusal
        python_warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        seen = list(
            inspect_all(
                files,
                check_pixels=settings.check_pixels,
                read_place=found.positions_inside,
                workers=settings.workers,
                on_progress=on_progress,
            )
        )
    refused = [
        Refusal.of(photo_id, file, each.error)
        for photo_id, file, each in zip(found.rows["photo_id"], files, seen, strict=True)
        if each.error is not None
    ]
    measured = [
        pl.Series("width", [each.width_px for each in seen], dtype=pl.Int32),
        pl.Series("height", [each.height_px for each in seen], dtype=pl.Int32),
        pl.Series("sha256", [each.sha256 for each in seen], dtype=pl.String),
        pl.Series("phash", [each.phash for each in seen], dtype=pl.UInt64),
    ]
    if found.positions_inside:
        places = [each.position for each in seen]
        measured += [
            pl.Series("latitude", [place and place.latitude for place in places], dtype=pl.Float64),
            pl.Series("longitude", [place and place.longitude for place in places], dtype=pl.Float64),
            pl.Series("position_source", [place and place.source for place in places], dtype=pl.String),
        ]
    good = pl.Series([each.error is None for each in seen], dtype=pl.Boolean)
    looked = replace(found, rows=found.rows.with_columns(measured))
    if settings.check_pixels:
        looked = with_looks(looked, [each.wrong_colours for each in seen])
    return replace(looked, rows=looked.rows.filter(good), refused=[*found.refused, *refused])


def _check_storage(source: Path, output: Path, settings: IngestSettings) -> None:
    """Before anything is read: what is stored in the output, if anything, is in the form asked for."""
    check_form(output, settings.storage, force=settings.force)
    own = output / TABLE_NAME
    if settings.storage is None or not own.exists():
        return
    if source.resolve() in (own.resolve(), output.resolve()) and read_journal(output) is None:
        raise UsageError(
            f"'{output}' is the source itself, and its table would be replaced.\nName another:  -o FOLDER"
        )


def _stored(
    found: Found,
    frame: pl.DataFrame,
    output: Path,
    settings: IngestSettings,
    on_stored: Callable[[int, int], None] | None,
) -> tuple[Found, pl.DataFrame, dict[str, Any] | None]:
    """The photos where they are to lie, those that could not be stored refused, and what was stored."""
    if settings.storage is None:
        if settings.force:
            clear(output, frame["file"].to_list())
        return found, frame, None
    stored = store_photos(
        frame,
        output,
        settings.storage,
        force=settings.force,
        workers=settings.workers,
        on_progress=on_stored,
    )
    return replace(found, refused=[*found.refused, *stored.refused]), stored.rows, stored.summary
