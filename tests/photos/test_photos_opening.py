"""Photos are opened as they lie: as a table, as a table beside them, as files that know their places."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from graticule.errors import MissingFileError
from graticule.photos.ingest import ingest
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


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere"):
        open_photos(tmp_path / "nowhere")
