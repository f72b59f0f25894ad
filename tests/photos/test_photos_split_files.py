"""Splits on disk: written whole, never lost silently, and checked by the rules they were made with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graticule.errors import MissingFileError, TableError, UsageError
from graticule.photos.split import SplitRules
from graticule.photos.split_files import CHECK_EMBARGO_KM, check_table, fingerprint, split_report, split_table
from graticule.photos.table import photo_paths, read_photo_table, write_photo_table

RULES = SplitRules(embargo_km=1)


@pytest.fixture
def table(tmp_path: Path, frame_of: Callable[..., pl.DataFrame]) -> Path:
    places = [(float(number % 60), 2.0 * (number % 7)) for number in range(100)]
    groups = [f"g{number % 60}" for number in range(100)]
    frame = frame_of(places, group=groups, note=[f"n{number}" for number in range(100)])
    write_photo_table(frame, tmp_path / "photos")
    return tmp_path / "photos"


def test_the_column_is_written_back_and_nothing_else_changes(table: Path) -> None:
    before = read_photo_table(table)
    written = split_table(table, RULES)
    after = read_photo_table(table)
    assert after.drop("split").equals(before.drop("split"))
    assert (
        dict(after["split"].value_counts().rows())
        == written.report.got
        == {"train": 70, "val": 10, "test": 20}
    )
    document = json.loads((table / "split.json").read_text())
    assert document["rules"]["embargo_km"] == 1
    assert document["got"] == written.report.got
    assert sorted(path.name for path in table.iterdir()) == ["photos.parquet", "split.json"]


def test_check_goes_by_the_rules_of_the_split(table: Path) -> None:
    split_table(table, RULES)
    report = check_table(table)
    assert (report.leaks, report.embargo_km) == ([], 1)
    assert [leak.kind for leak in check_table(table, embargo_km=300).leaks] == ["near-place"]


def test_a_report_of_other_splits_is_not_believed(table: Path) -> None:
    split_table(table, RULES)
    frame = read_photo_table(table)
    assert split_report(table, frame) is not None
    write_photo_table(frame.with_columns(split=pl.col("split").reverse()), table)
    assert split_report(table, read_photo_table(table)) is None
    assert check_table(table).embargo_km == CHECK_EMBARGO_KM
    (table / "split.json").write_text("[]")
    assert split_report(table, frame) is None
    assert fingerprint(frame) == fingerprint(frame.reverse())


def test_splits_are_replaced_only_when_said(table: Path) -> None:
    split_table(table, RULES)
    before = (table / "photos.parquet").read_bytes()
    with pytest.raises(TableError) as caught:
        split_table(table, SplitRules(seed=1))
    assert "has splits already (train 70, test 20, val 10)" in str(caught.value)
    assert "--replace" in str(caught.value)
    assert (table / "photos.parquet").read_bytes() == before
    split_table(table, SplitRules(seed=1), replace=True)
    assert (table / "photos.parquet").read_bytes() != before


def test_into_another_folder(table: Path, tmp_path: Path) -> None:
    (table / "p0.jpg").touch()
    split_table(table, RULES, output=tmp_path / "deep" / "split")
    assert read_photo_table(table)["split"].null_count() == 100
    there = read_photo_table(tmp_path / "deep" / "split")
    assert there["split"].null_count() == 0
    assert photo_paths(there, tmp_path / "deep" / "split")[0].resolve() == (table / "p0.jpg").resolve()
    with pytest.raises(UsageError, match="holds a photo table already"):
        split_table(table, RULES, output=tmp_path / "deep" / "split")


def test_a_single_file_is_written_back_under_its_name(table: Path, tmp_path: Path) -> None:
    file = tmp_path / "trip.parquet"
    (table / "photos.parquet").rename(file)
    written = split_table(file, RULES)
    assert written.table == file
    assert read_photo_table(file)["split"].null_count() == 0
    assert not (tmp_path / "photos.parquet").exists()


def test_the_old_table_stays_when_writing_fails(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (table / "photos.parquet").read_bytes()

    def full(*args: Any, **kwargs: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(MissingFileError, match=r"No space left on device\. The table is as it was"):
        split_table(table, RULES)
    assert (table / "photos.parquet").read_bytes() == before
    assert [path.name for path in table.iterdir()] == ["photos.parquet"]


def test_tables_without_splits_cannot_be_checked(table: Path) -> None:
    with pytest.raises(TableError, match="has no splits, so nothing can leak"):
        check_table(table)
    write_photo_table(read_photo_table(table).with_columns(split=pl.lit("train")), table)
    with pytest.raises(TableError, match="has only split 'train', so nothing can leak"):
        check_table(table)
    with pytest.raises(MissingFileError):
        check_table(table / "nowhere")
