"""The photo table's file: what is written is what is read, and what cannot be right is refused."""

from __future__ import annotations

import math

import polars as pl
import pytest

from graticule.errors import MissingFileError, TableError
from graticule.photos.table import COLUMNS, photo_paths, read_photo_table, table_file, write_photo_table

FRAME = pl.DataFrame(
    {
        "usable": [True, False],
        "photo_id": ["007", "8"],
        "path": ["images/a.jpg", "../b.jpg"],
        "latitude": [48.1, None],
        "longitude": [11.5, None],
        "country": ["DE", "FR"],
    }
)


def test_what_is_written_is_read(tmp_path):
    file = write_photo_table(FRAME, tmp_path / "new" / "folder")
    for path in (file, file.parent, str(file)):
        frame = read_photo_table(path)
        assert frame.columns == [*COLUMNS, "usable"]
        assert {name: frame.schema[name] for name in COLUMNS} == COLUMNS
        assert frame.select(FRAME.columns).equals(FRAME)
    assert [item.name for item in file.parent.iterdir()] == ["photos.parquet"]


def test_other_programs_read_it(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(write_photo_table(FRAME, tmp_path))
    assert table.column("photo_id").to_pylist() == ["007", "8"]


def test_an_empty_table_keeps_its_columns(tmp_path):
    assert read_photo_table(write_photo_table(FRAME.clear(), tmp_path)).columns == [*COLUMNS, "usable"]


def test_a_table_that_is_replaced_is_never_half_there(tmp_path, monkeypatch):
    write_photo_table(FRAME, tmp_path)

    def fail(*_args, **_words):
        raise OSError("disk full")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fail)
    with pytest.raises(OSError, match="disk full"):
        write_photo_table(FRAME.head(1), tmp_path)
    assert read_photo_table(tmp_path).height == 2


def test_paths_start_from_the_table(tmp_path):
    file = write_photo_table(FRAME, tmp_path)
    expected = [tmp_path / "images/a.jpg", tmp_path / "../b.jpg"]
    assert photo_paths(FRAME, file) == photo_paths(FRAME, tmp_path) == expected


def test_a_missing_column_is_named_with_the_line_to_type(tmp_path):
    pl.DataFrame({"photo_id": ["a"], "path": ["a"], "lat": [1.0], "lng": [2.0]}).write_parquet(
        tmp_path / "photos.parquet"
    )
    with pytest.raises(TableError) as caught:
        read_photo_table(tmp_path)
    assert str(caught.value) == (
        f"Photo table '{tmp_path / 'photos.parquet'}' has no column 'latitude' "
        "(found: photo_id, path, lat, lng).\n"
        f"Name the columns:  graticule ingest '{tmp_path}' --latitude lat --longitude lng -o photos"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"latitude": [91.0, None]}, "not on Earth, such as photo '007' at latitude 91"),
        ({"latitude": [math.nan, None]}, "not on Earth"),
        ({"latitude": [None, None]}, "not on Earth, such as photo '007' at latitude None"),
        ({"photo_id": ["7", "7"]}, "1 repeated photo_id, such as '7'"),
        ({"path": ["a", None]}, "1 rows without 'path'"),
        ({"latitude": ["north", None]}, "column 'latitude' is String"),
    ],
)
def test_impossible_values_are_refused_when_written_and_when_read(tmp_path, change, said):
    wrong = FRAME.with_columns(pl.Series(name, values) for name, values in change.items())
    if "latitude" in change and change["latitude"] == [None, None]:
        wrong = wrong.with_columns(pl.col("latitude").cast(pl.Float64))
    with pytest.raises(TableError, match=said):
        write_photo_table(wrong, tmp_path)
    wrong.write_parquet(tmp_path / "photos.parquet")
    with pytest.raises(TableError, match=said):
        read_photo_table(tmp_path)


def test_what_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(
        MissingFileError, match=r"holds no photo table \(photos\.parquet\)\.\nMake one:  graticule ingest"
    ):
        read_photo_table(tmp_path)
    with pytest.raises(MissingFileError, match=r"There is no photo table '.*none\.parquet'\.\nMake one"):
        table_file(tmp_path / "none.parquet")
    (tmp_path / "a.parquet").write_text("not parquet")
    with pytest.raises(TableError, match="cannot be read as Parquet"):
        read_photo_table(tmp_path / "a.parquet")
