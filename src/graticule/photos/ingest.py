"""From whatever holds photos with places to a photo table, and a report of every photo that was not taken."""

from __future__ import annotations

import json
import os
import tempfile
import time
import warnings as python_warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from graticule.errors import MissingFileError, UsageError
from graticule.geo.countries import continent_of
from graticule.photos.deduplication import check_mode, deduplicated
from graticule.photos.fields import as_text, country_codes, split_names
from graticule.photos.inspection import inspect_all
from graticule.photos.layouts import Found, Refusal, Words, choose_layout
from graticule.photos.table import COLUMNS, REPORT_NAME, write_photo_table

_DISAGREEING_SHARE: Final = 0.02


@dataclass(frozen=True)
class IngestReport:
    """What became of the photos of a source; written as ``ingest.json``.

    Convention:
        - ``read`` = ``kept`` + the sum of ``refused`` (number by reason); ``refusals`` lists each
        - ``without_place``: kept photos of which only the country is known
        - ``splits``, ``countries`` (ISO), ``continents`` (codes): kept photos in each, ``none`` where null
        - ``duplicates``: as ``graticule.photos.deduplication.deduplicated`` reports them
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
    warnings: list[str]
    pixels_checked: bool
    seconds: float
    refusals: list[Refusal]
    duplicates: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The report as it is written, ready for JSON."""
        return asdict(self)


def ingest(
    source: str | Path,
    output: str | Path,
    *,
    latitude: str | None = None,
    longitude: str | None = None,
    images: str | Path | None = None,
    source_name: str | None = None,
    layout: str = "auto",
    path: str | None = None,
    photo_id: str | None = None,
    decimal_comma: bool = False,
    check_pixels: bool = True,
    duplicates: str = "report",
    utm_zone: str | None = None,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestReport:
    """Make a photo table of ``source``: ``photos.parquet`` and ``ingest.json`` in the folder ``output``.

    Convention:
        - ``source``: a folder of photos, a folder with a table, or a table (CSV, TSV, Parquet, JSON lines)
        - ``latitude``, ``longitude``, ``path``, ``photo_id``: columns, where their names are not known ones
        - ``images``: folder that a table's paths start from; the table's own folder when left out
        - ``source_name``: written as ``source`` where the table has none (else that of the data set)
        - ``layout``: ``auto``, or the name of one; which there are and how it is chosen:
          ``graticule.photos.layouts``
        - ``utm_zone``: such as ``32N``, where file names hold UTM coordinates without their zone
        - ``check_pixels``: decode every photo; else ``sha256`` and ``phash`` stay null, and so do ``width``
          and ``height`` of a table's photos, which are not opened
        - ``duplicates``: what to do about photos that are there twice: ``report``, ``drop`` or ``keep``;
          without ``check_pixels`` they are not looked for
        - the photos stay where they are; paths in the table are relative to ``output``

    Raises:
        MissingFileError: the source does not exist, or holds no photos; the output cannot be written to.
        TableError: the table cannot be read, lacks columns, or swaps latitudes and longitudes.
        UsageError: a layout, a column or a way to treat duplicates was named that is none.
    """
    started_s = time.perf_counter()
    source, output = Path(source), Path(output)
    if output.exists() and not output.is_dir():
        raise UsageError(f"'{output}' is a file. Name a folder:  -o {output.parent / 'photos'}")
    check_mode(duplicates, check_pixels=check_pixels)
    words = Words(
        latitude, longitude, path, photo_id, Path(images) if images else None, decimal_comma, output, utm_zone
    )
    chosen, why = choose_layout(source, layout, words)
    found = _unique(chosen.read(source, words))
    _require_writable(output)  # before the long work, not after it
    if check_pixels or found.positions_inside:
        found = _inspected(found, check_pixels, workers, on_progress)
    found, repeated = deduplicated(found, duplicates if check_pixels else "keep")
    frame, remarks = _completed(found, source_name or chosen.source)
    table = write_photo_table(_relative(frame, output), output)
    report = IngestReport(
        source=str(source.resolve()),
        layout=chosen.name,
        layout_reason=why,
        table=str(table),
        columns=found.columns,
        read=found.read,
        kept=frame.height,
        refused=dict(Counter(refusal.reason for refusal in found.refused).most_common()),
        **_statistics(frame),
        warnings=[*found.warnings, *remarks],
        pixels_checked=check_pixels,
        seconds=round(time.perf_counter() - started_s, 2),
        refusals=found.refused,
        duplicates=repeated,
    )
    _write_report(report, output)
    return report


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
            f"Photo id '{row['photo_id']}' is used by an earlier row.",
        )
        for row in found.rows.filter(again).iter_rows(named=True)
    ]
    return replace(found, rows=found.rows.filter(~again), refused=[*found.refused, *refused])


def _inspected(
    found: Found, check_pixels: bool, workers: int | None, on_progress: Callable[[int, int], None] | None
) -> Found:
    """Sizes, fingerprints and (where they are inside the files) places; unusable photos refused."""
    files = found.rows["file"].to_list()
    with python_warnings.catch_warnings():
        # Pillow remarks on odd metadata; what matters of it becomes a refusal
        python_warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        seen = list(
            inspect_all(
                files,
                check_pixels=check_pixels,
                read_place=found.positions_inside,
                workers=workers,
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
    rows = found.rows.with_columns(measured).filter(good)
    return replace(found, rows=rows, refused=[*found.refused, *refused])


def _completed(found: Found, source_name: str | None) -> tuple[pl.DataFrame, list[str]]:
    """All columns of the photo table, in its terms; and remarks on what did not fit."""
    remarks = []
    rows = found.rows.with_columns(
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in COLUMNS.items()
        if name not in found.rows.columns and name != "path"
    )
    codes, unknown = country_codes(rows["country"])
    if unknown:
        remarks.append(f"Not known as countries, left empty: {_some(unknown)}.")
    splits, strange = split_names(rows["split"])
    if strange:
        remarks.append(f"Not known as splits (train, val, test), left empty: {_some(strange)}.")
    sources = as_text(rows["source"])
    rows = rows.with_columns(
        codes.alias("country"),
        splits.alias("split"),
        (sources.fill_null(source_name) if source_name else sources).alias("source"),
        *(pl.col(name).cast(COLUMNS[name], strict=False) for name in ("width", "height", "sha256", "phash")),
    )
    return _with_countries(rows, remarks), remarks


def _with_countries(rows: pl.DataFrame, remarks: list[str]) -> pl.DataFrame:
    """Countries of placed photos by polygon where the source states none; a remark where they disagree."""
    from graticule.geo.outlines import country_of

    placed = rows["latitude"].is_not_null()
    if not placed.any():
        return rows
    latlon = rows.filter(placed).select("latitude", "longitude").to_numpy()
    indices = placed.arg_true()
    found: list[str | None] = [None] * rows.height
    for index, code in zip(indices, country_of(latlon), strict=True):
        found[index] = code
    polygon = pl.Series("polygon", found, dtype=pl.String)
    told = rows["country"].is_not_null() & polygon.is_not_null()
    other = int((told & (rows["country"] != polygon)).sum())
    if other > _DISAGREEING_SHARE * int(told.sum()):
        remarks.append(
            f"{other:,} of {int(told.sum()):,} photos lie in another country than the source states."
        )
    if nowhere := int((placed & polygon.is_null()).sum()):
        remarks.append(f"{nowhere:,} photos lie in the open sea, more than 25 km from any country.")
    return rows.with_columns(rows["country"].fill_null(polygon))


def _relative(frame: pl.DataFrame, output: Path) -> pl.DataFrame:
    """Paths from the table's folder, so that both can be moved together."""
    root = os.path.realpath(output)
    folders: dict[str, str] = {}

    def from_table(file: str) -> str:
        folder, name = os.path.split(file)
        if folder not in folders:
            try:
                folders[folder] = os.path.relpath(os.path.realpath(folder), root)
            except ValueError:  # another drive
                folders[folder] = os.path.realpath(folder)
        return os.path.join(folders[folder], name).replace(os.sep, "/").removeprefix("./")  # noqa: PTH118

    paths = pl.Series("path", [from_table(file) for file in frame["file"]], dtype=pl.String)
    return frame.drop("file").with_columns(paths)


def _statistics(frame: pl.DataFrame) -> dict[str, Any]:
    """What the report says of the photos that were kept."""
    return {
        "without_place": int(frame["latitude"].is_null().sum()),
        "splits": _counts(frame["split"]),
        "countries": _counts(frame["country"]),
        "continents": _counts(_continents(frame["country"])),
    }


def _continents(countries: pl.Series) -> pl.Series:
    codes = countries.drop_nulls().unique().to_list()
    return countries.replace_strict(
        codes, [continent_of(code) for code in codes], default=None, return_dtype=pl.String
    )


def _counts(column: pl.Series) -> dict[str, int]:
    """Number of rows of each value, the most frequent first."""
    counts = Counter("none" if value is None else str(value) for value in column)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _some(words: list[str]) -> str:
    more = f" and {len(words) - 5:,} more" if len(words) > 5 else ""
    return ", ".join(f"'{word}'" for word in words[:5]) + more


def _write_report(report: IngestReport, output: Path) -> None:
    unfinished = output / f".{REPORT_NAME}.{os.getpid()}"
    unfinished.write_text(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(output / REPORT_NAME)
