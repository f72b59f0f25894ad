"""Photos are opened as they lie: as a table, as a table beside them, as files that know their places."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from graticule.errors import MissingFileError, TableError
from graticule.photos.ingest import ingest
from graticule.photos.layouts import Refusal
from graticule.photos.opening import is_photo_table, open_photos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos and a table of places beside them."""
    home = tmp_path / "trip"
    home.mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (70, 50), (200, 30, 30)).save(home / f"{name}.jpg")
    rows = {"path": ["a.jpg", "b.jpg"], "latitude": [48.86, 41.9], "longitude": [2.35, 12.5]}
    pl.DataFrame(rows | {"split": ["train", "test"]}).write_csv(home / "photos.csv")
    return home


def test_a_folder_with_a_table_is_opened_without_a_trace(folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    for source in (folder, folder / "photos.csv"):
        found = open_photos(source)
        assert found["path"].to_list() == [str(folder / "a.jpg"), str(folder / "b.jpg")]
        assert found["country"].to_list() == ["FR", "IT"]
        assert found["split"].to_list() == ["train", "test"]
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_photo_table_is_opened_as_it_is(folder: Path, tmp_path: Path) -> None:
    ingest(folder, tmp_path / "table")
    for source in (tmp_path / "table", tmp_path / "table" / "photos.parquet"):
        assert is_photo_table(source)
        found = open_photos(source)
        assert found["path"].to_list() == [str(folder / "a.jpg"), str(folder / "b.jpg")]
        assert found["sha256"].null_count() == 0
    assert not is_photo_table(folder)


def test_photos_that_are_refused_are_told_of(folder: Path) -> None:
    (folder / "a.jpg").unlink()
    refusals: list[Refusal] = []
    assert open_photos(folder, refusals=refusals)["path"].to_list() == [str(folder / "b.jpg")]
    assert [(each.path, each.reason) for each in refusals] == [("a.jpg", "missing")]
    (folder / "b.jpg").unlink()
    with pytest.raises(TableError, match=r"None of the 2 photos .* can be used \(missing 2\)"):
        open_photos(folder)


def test_advice_names_no_folder_that_is_gone(folder: Path) -> None:
    pl.DataFrame({"path": ["a.jpg", "b.jpg"]}).write_csv(folder / "photos.csv")
    with pytest.raises(TableError, match=r"-o photos --latitude COLUMN") as caught:
        open_photos(folder)
    assert "graticule-" not in str(caught.value)


def test_a_strangers_parquet_file_is_a_table_that_ingest_reads(folder: Path) -> None:
    rows = {"file": ["a.jpg"], "lat": [48.86], "lon": [2.35]}
    pl.DataFrame(rows).write_parquet(folder / "mine.parquet")
    assert not is_photo_table(folder / "mine.parquet")
    assert open_photos(folder / "mine.parquet")["path"].to_list() == [str(folder / "a.jpg")]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere"):
        open_photos(tmp_path / "nowhere")
