"""Splits a photo table on disk: writes its column ``split``, and ``split.json`` beside it."""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from graticule._version import __version__
from graticule.errors import MissingFileError, TableError, UsageError
from graticule.photos.leaks import LeakReport, find_leaks
from graticule.photos.split import SplitReport, SplitRules, split_photos
from graticule.photos.table import TABLE_NAME, read_photo_table, table_file
from graticule.photos.writing import rebased, replace_files, write_parquet

REPORT_NAME: Final = "split.json"
"""What the report beside a photo table is called."""

CHECK_EMBARGO_KM: Final = 0.1
"""Splits that somebody else made are looked through for photos of one spot: nearer than this."""


@dataclass(frozen=True)
class WrittenSplit:
    """A split, and the files it was written to."""

    table: Path
    report_file: Path
    report: SplitReport

    def to_dict(self) -> dict[str, Any]:
        """The report with its files, ready for JSON."""
        files = {"table": str(self.table), "report": str(self.report_file)}
        return {**files, **self.report.to_dict()}


def split_table(
    table: str | Path, rules: SplitRules, *, output: str | Path | None = None, replace: bool = False
) -> WrittenSplit:
    """Split a photo table by ``rules`` and write it: whole, or the old one stays.

    Convention:
        - ``table``: a folder with ``photos.parquet``, or a Parquet file
        - ``output``: a folder for the table with its splits; the table itself when left out. Paths in the
          table go on leading to the same photos
        - ``replace``: splits that the table has, or a table that ``output`` holds, may be replaced

    Raises:
        MissingFileError: there is no such table, or it cannot be written.
        TableError: the table is none, has splits already, or cannot be split so.
        UsageError: the rules make no sense, or ``output`` holds a table already.
    """
    source = table_file(table).resolve()
    frame = read_photo_table(table)
    name = f"Photo table '{table}'"
    target = source if output is None else Path(output) / TABLE_NAME
    _check_target(frame, table, target, output, replace)
    split, report = split_photos(frame, rules, name=name)
    frame = frame.with_columns(split)
    if output is not None:
        frame = frame.with_columns(rebased(frame["path"], source.parent, target.parent))
    written = WrittenSplit(target, target.with_name(REPORT_NAME), report)
    document = {"graticule": __version__, "fingerprint": fingerprint(frame), **written.to_dict()}
    try:
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        replace_files(
            {
                target: lambda file: write_parquet(frame, file),
                written.report_file: lambda file: file.write_text(text, encoding="utf-8"),
            }
        )
    except OSError as error:
        raise MissingFileError(
            f"'{target}' cannot be written: {error.strerror or error}. The table is as it was.\n"
            "Name a folder you may write to:  -o FOLDER"
        ) from error
    return written


def check_table(
    table: str | Path, *, embargo_km: float | None = None, near_bits: int | None = None
) -> LeakReport:
    """Look for leaks between the splits of a photo table.

    Convention:
        - ``embargo_km``, ``near_bits``: as in ``find_leaks``; when left out those of the ``split.json``
          beside the table if it is still of these splits, else ``CHECK_EMBARGO_KM`` and ``NEAR_BITS``

    Raises:
        MissingFileError: there is no such table.
        TableError: the table is none, or has no splits.
    """
    frame = read_photo_table(table)
    if frame["split"].n_unique() < 2 and frame["split"].null_count() in (0, frame.height):
        only = frame["split"].drop_nulls().unique().to_list()
        has = f"only split '{only[0]}'" if only else "no splits"
        raise TableError(
            f"Photo table '{table}' has {has}, so nothing can leak between them.\n"
            f"Make some:  graticule split {table}"
        )
    made = split_report(table, frame)
    rules = {} if made is None else made["rules"]
    if embargo_km is None:
        embargo_km = rules.get("embargo_km", CHECK_EMBARGO_KM)
    if near_bits is None:
        near_bits = rules.get("near_bits", SplitRules.near_bits)
    return find_leaks(frame, embargo_km=embargo_km, near_bits=near_bits)


def split_report(table: str | Path, frame: pl.DataFrame) -> dict[str, Any] | None:
    """The ``split.json`` beside a table, if it is there and tells of the splits that the table has."""
    try:
        document = json.loads(table_file(table).with_name(REPORT_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(document, dict) and document.get("fingerprint") == fingerprint(frame)
    return document if is_ours else None


def lost_splits(folder: Path, frame: pl.DataFrame) -> str | None:
    """What to say when ``frame`` takes the place of a table in ``folder`` that ``split_table`` had split."""
    if not (folder / REPORT_NAME).is_file() or not (folder / TABLE_NAME).is_file():
        return None
    try:
        old = pl.read_parquet(folder / TABLE_NAME, columns=["photo_id", "split"])
    except (pl.exceptions.PolarsError, OSError):
        return None
    made = split_report(folder, old)
    if made is None or made["fingerprint"] == fingerprint(frame):
        return None
    rules: dict[str, Any] = made["rules"]
    usual = asdict(SplitRules())
    words = [
        f"--{name.replace('_', '-')} {shlex.quote(_typed(rules[name]))}"
        for name in ("by", "embargo_km", "val", "test", "stratify", "near_bits", "seed")
        if rules.get(name) != usual[name]
    ]
    words += ["--no-keep-days"] * (not rules.get("keep_days", True))
    again = " ".join(["graticule split", shlex.quote(str(folder)), *words])
    return (
        "The table that was here had splits, made by graticule split; the new one has not. "
        f"Make them again:  {again}"
    )


def _typed(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def fingerprint(frame: pl.DataFrame) -> str:
    """A number that tells whether splits are still the same, whatever became of other columns."""
    rows = frame.select("photo_id", pl.col("split").fill_null("")).sort("photo_id")
    digest = hashlib.sha256()
    for photo_id, split in rows.iter_rows():
        digest.update(f"{photo_id}\0{split}\n".encode())
    return digest.hexdigest()


def _check_target(
    frame: pl.DataFrame, table: str | Path, target: Path, output: str | Path | None, replace: bool
) -> None:
    """Refuse to lose splits or a table that may have been meant to stay.

    Raises:
        TableError: the table has splits.
        UsageError: there is a table in the folder to write to.
    """
    if replace:
        return
    if output is not None:
        if target.exists():
            raise UsageError(
                f"Folder '{output}' holds a photo table already.\n"
                "Name another one after -o, or let it be replaced with --replace."
            )
        return
    counts = frame["split"].drop_nulls().value_counts(sort=True).rows()
    if counts:
        has = ", ".join(f"{name} {count:,}" for name, count in counts)
        raise TableError(
            f"Photo table '{table}' has splits already ({has}).\n"
            f"Look at them:  graticule split {table} --check\n"
            "Write others to another folder with -o, or let these be replaced with --replace."
        )
