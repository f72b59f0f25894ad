"""Which column holds what: by name, and as said."""

from __future__ import annotations

import polars as pl
import pytest

from graticule.errors import TableError, UsageError
from graticule.photos.columns import check_said, require_place_and_path, sniff


def table(*names: str, **values) -> pl.DataFrame:
    return pl.DataFrame({name: values.get(name, ["1"]) for name in names})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["photo_id", "path", "latitude", "longitude"], ("latitude", "longitude", "path", "photo_id")),
        (["IMG_ID", "AUTHOR", "LAT", "LON"], ("LAT", "LON", "IMG_ID", "IMG_ID")),
        (["IMG_FILE", "LAT", "LON"], ("LAT", "LON", "IMG_FILE", "IMG_FILE")),
        (["id", "latitude", "longitude", "lat_bin", "lon_bin"], ("latitude", "longitude", "id", "id")),
        (["file_name", "lat", "lng"], ("lat", "lng", "file_name", "file_name")),
        (["key", "lon", "lat", "ca"], ("lat", "lon", "key", "key")),
        (
            ["filename", "GPS Latitude", "GPS Longitude"],
            ("GPS Latitude", "GPS Longitude", "filename", "filename"),
        ),
        (
            ["image", "decimalLatitude", "decimalLongitude"],
            ("decimalLatitude", "decimalLongitude", "image", "image"),
        ),
        (["image", "gps_lat", "gps_lon"], ("gps_lat", "gps_lon", "image", "image")),
        (["file", "y", "x"], ("y", "x", "file", "file")),
        (["path", "lat", "long"], ("lat", "long", "path", "path")),
    ],
)
def test_the_names_of_the_known_layouts(names, expected):
    found = sniff(table(*names))
    assert (found.latitude, found.longitude, found.path, found.photo_id) == expected
    assert found.has_place


def test_x_and_y_count_only_together():
    assert not sniff(table("file", "y", "lon")).has_place
    assert sniff(table("file", "lat", "lon", "x", "y")).latitude == "lat"


def test_authors_sequences_and_the_rest():
    found = sniff(table("id", "lat", "lon", "sequence", "creator_id", "License", "country_code", "Subset"))
    assert (found.group, found.licence, found.country, found.split) == (
        "creator_id", "License", "country_code", "Subset",
    )  # fmt: skip


def test_what_was_said_comes_first():
    found = sniff(table("file", "lat", "lon", "breite"), latitude="breite", path=None)
    assert (found.latitude, found.longitude) == ("breite", "lon")


@pytest.mark.parametrize(
    ("values", "is_point"),
    [
        (["POINT(13.4 52.5)"], True),
        (["SRID=4326;POINT (13.4 52.5)"], True),
        (["[13.4, 52.5]"], True),
        (['{"type": "Point", "coordinates": [13.4, 52.5]}'], True),
        ([[13.4, 52.5]], True),
        (["Berlin"], False),
        ([None], False),
        ([7], False),
    ],
)
def test_a_column_of_points_is_known_by_its_values(values, is_point):
    found = sniff(table("file", "location", location=values))
    assert (found.point == "location") is is_point
    assert found.has_place is is_point


def test_pictures_inside_a_table_are_no_paths():
    assert sniff(table("image", "lat", "lon", image=[b"\xff\xd8"])).path is None


def test_a_table_without_places_says_what_was_found_and_what_to_type():
    frame = table("bild", "breite", "laenge")
    with pytest.raises(TableError) as caught:
        require_place_and_path(frame, sniff(frame), table="trip.csv", command="graticule ingest trip.csv")
    assert str(caught.value) == (
        "Table 'trip.csv' has no column that looks like latitudes, longitudes, paths or ids of photos "
        "(found: bild, breite, laenge).\n"
        "Name the columns:  graticule ingest trip.csv --latitude COLUMN --longitude COLUMN --path COLUMN"
    )


def test_a_mistyped_name_is_guessed_in_the_advice_not_taken():
    frame = table("file", "lattitude", "lon")
    with pytest.raises(TableError, match=r"--latitude lattitude --longitude lon$"):
        require_place_and_path(frame, sniff(frame), table="a.csv", command="graticule ingest a.csv")


def test_names_with_blanks_are_quoted_in_the_advice():
    frame = table("file", "my lattitude", "lon", "my latitude")
    with pytest.raises(TableError, match="--latitude 'my lat"):
        require_place_and_path(frame, sniff(frame), table="a.csv", command="graticule ingest a.csv")


def test_a_table_without_a_header_is_told():
    frame = table("a.jpg", "48.1", "11.5")
    with pytest.raises(TableError, match="first line holds values, not names"):
        require_place_and_path(frame, sniff(frame), table="a.csv", command="graticule ingest a.csv")


def test_a_column_that_was_said_must_be_there():
    frame = table("file", "lat", "lng")
    check_said(frame, "a.csv", latitude="lat", longitude=None)
    with pytest.raises(
        UsageError, match=r"no column 'lon' \(found: file, lat, lng\)\.\nDid you mean:  --longitude lng"
    ):
        check_said(frame, "a.csv", longitude="lon")
    with pytest.raises(UsageError, match="Name one of them after --id"):
        check_said(frame, "a.csv", photo_id="zzz")
