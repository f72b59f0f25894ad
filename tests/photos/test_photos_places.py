"""Places of any table. What the command line shows of them is tested in tests/cli/test_cli_partition.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graticule.errors import MissingFileError, TableError, UsageError
from graticule.photos.places import read_places


def table_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "places.csv"
    path.write_text(text)
    return path


def test_places_in_their_order(tmp_path: Path) -> None:
    places = read_places(table_of(tmp_path, "id,LAT,Lon\na,48.5,2\nb,,\nc,-33,151.5\n"))
    np.testing.assert_array_equal(places.latlon, [[48.5, 2], [-33, 151.5]])
    assert (places.photos, places.rows, places.split, places.unplaced, places.refused) == (
        None,
        3,
        None,
        1,
        {},
    )


def test_points_have_longitude_first(tmp_path: Path) -> None:
    places = read_places(table_of(tmp_path, 'geometry\n"POINT (13.4 52.5)"\n'))
    np.testing.assert_array_equal(places.latlon, [[52.5, 13.4]])


def test_columns_that_are_said_come_first(tmp_path: Path) -> None:
    path = table_of(tmp_path, "lat,lon,lat_exif,lon_exif\n1,2,3,4\n")
    np.testing.assert_array_equal(read_places(path).latlon, [[1, 2]])
    said = read_places(path, latitude="lat_exif", longitude="lon_exif")
    np.testing.assert_array_equal(said.latlon, [[3, 4]])


def test_train_rows_are_taken_when_there_are_any(tmp_path: Path) -> None:
    path = table_of(tmp_path, "lat,lon,split\n1,2,train\n3,4,test\n5,6,\n")
    assert read_places(path).split == "train"
    np.testing.assert_array_equal(read_places(path).latlon, [[1, 2]])
    np.testing.assert_array_equal(read_places(path, split="test").latlon, [[3, 4]])
    np.testing.assert_array_equal(read_places(path, split="all").latlon, [[1, 2], [3, 4], [5, 6]])
    with pytest.raises(UsageError, match="has no split 'val': it has test, train"):
        read_places(path, split="val")
    other = table_of(tmp_path, "lat,lon,split\n1,2,dev\n3,4,test\n")
    assert read_places(other).split is None
    assert len(read_places(other).latlon) == 2


def test_numbers_of_photos(tmp_path: Path) -> None:
    path = table_of(tmp_path, "lat,lon,n\n1,2,3\n,,7\n4,5,0\n")
    places = read_places(path, weights="n")
    assert places.photos is not None
    assert places.photos.tolist() == [3, 0]
    for wrong in ("1.5", "-2", "x", ""):
        with pytest.raises(TableError, match="in column 'n', expected the number of photos"):
            read_places(table_of(tmp_path, f"lat,lon,n\n1,2,3\n4,5,{wrong}\n"), weights="n")
    with pytest.raises(UsageError, match="has no column 'm'"):
        read_places(path, weights="m")


def test_a_folder_is_a_photo_table(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="holds no photo table"):
        read_places(tmp_path)
    frame = pl.DataFrame({"photo_id": ["a"], "path": ["a.jpg"], "latitude": [1.0], "longitude": [2.0]})
    frame.write_parquet(tmp_path / "photos.parquet")
    np.testing.assert_array_equal(read_places(tmp_path).latlon, [[1, 2]])


def test_nothing_usable_says_why(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="of 3 rows 1 have none, 1 half-position, 1 out-of-range"):
        read_places(table_of(tmp_path, "lat,lon\n,\n1,\n99,5\n"))
