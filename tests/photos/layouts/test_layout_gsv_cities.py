"""GSV-Cities: a table per city, photos named after its rows."""

from __future__ import annotations

import pytest

from graticule.errors import MissingFileError, TableError


def row(place=7, latitude="38.5735", longitude="-121.474513", pano="-AD_6-x", **more) -> dict:
    return {
        "place_id": place, "year": 2012, "month": 6, "northdeg": 50, "city_id": "Boston",
        "lat": latitude, "lon": longitude, "panoid": pano,
    } | more  # fmt: skip


def test_photos_are_found_by_what_their_names_repeat(copy):
    copy.photos("Images/Boston/Boston_0000007_2012_06_050_38.5735_-121.474513_-AD_6-x.JPG")
    copy.photos("Images/Boston/Boston_0000008_2012_06_050_38.57_-121.47_b.JPG")  # fewer digits
    copy.photos("Images/Rome/Rome_0000007_2015_11_005_41.9_12.5_c.jpg")
    copy.table("Dataframes/Boston.csv", [row(), row(8, pano="b"), row(9)])
    copy.table(
        "Dataframes/Rome.csv", [row(7, "41.9", "12.5", "c", city_id="Rome", year=2015, month=11, northdeg=5)]
    )
    assert copy.layout() == "gsv-cities"
    report, frame = copy.ingest()
    assert report.refused == {"missing": 1}
    assert frame["photo_id"].to_list() == [
        "Boston_0000007_2012_06_050_-AD_6-x",
        "Boston_0000008_2012_06_050_b",
        "Rome_0000007_2015_11_005_c",
    ]
    assert frame["group"].to_list() == ["Boston_0000007", "Boston_0000008", "Rome_0000007"]
    assert frame.select("latitude", "longitude").row(0) == (38.5735, -121.474513)
    assert frame["country"].to_list() == ["US", "US", "IT"]
    assert frame["northdeg"].to_list() == [50, 50, 5]


def test_what_is_lacking_is_said(copy):
    with pytest.raises(TableError, match=r"holds no 'Dataframes/<City>\.csv'"):
        copy.ingest(layout="gsv-cities")
    path = copy.table("Dataframes/Boston.csv", [row()])
    with pytest.raises(MissingFileError, match=r"no folder '.*Images' with photos.\n.*--images FOLDER"):
        copy.ingest()
    copy.photos("Images/a.jpg")
    path.write_text("place_id,lat,lon\n1,2,3\n")
    assert copy.layout() == "exif"
    with pytest.raises(TableError, match="lacks columns of GSV-Cities: city_id, month, northdeg, panoid, y"):
        copy.ingest(layout="gsv-cities")
