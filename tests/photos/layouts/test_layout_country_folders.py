"""Folders named by countries: GeoGuessr-countries and Country211."""

from __future__ import annotations

import pytest

from graticule.errors import MissingFileError
from graticule.photos.ingest import IngestSettings, ingest
from graticule.photos.table import read_photo_table


def test_geoguessr_countries(copy):
    copy.photos("train/UnitedKingdom/1.jpg", "train/South Korea/1.jpg", "train/Czech Republic/a.png")
    copy.photos("test/UnitedKingdom/2.jpg", "test/USA/1.jpg")
    assert copy.layout() == "country-folders"
    report, frame = copy.ingest()
    assert report.refused == {}
    assert report.layout_reason == "5 of its 5 folders are named like countries"
    rows = dict(zip(frame["photo_id"], frame.select("country", "split").rows(), strict=True))
    assert rows == {
        "train/UnitedKingdom/1.jpg": ("GB", "train"),
        "train/South Korea/1.jpg": ("KR", "train"),
        "train/Czech Republic/a.png": ("CZ", "train"),
        "test/UnitedKingdom/2.jpg": ("GB", "test"),
        "test/USA/1.jpg": ("US", "test"),
    }
    assert frame["latitude"].null_count() == frame["longitude"].null_count() == report.without_place == 5


def test_country211(copy):
    copy.photos("train/AD/1.jpg", "valid/XK/2.jpg", "test/NA/3.jpg")
    assert copy.layout() == "country-folders"
    _, frame = copy.ingest()
    frame = frame.sort("photo_id")
    assert frame.select("country", "split").rows() == [("NA", "test"), ("AD", "train"), ("XK", "val")]


def test_without_splits(copy):
    copy.photos("Chile/1.jpg", "Peru/1.jpg")
    _, frame = copy.ingest()
    assert frame.select("country", "split").rows() == [("CL", None), ("PE", None)]


def test_folders_that_are_no_country_are_refused_with_the_nearest_name(copy):
    copy.photos("train/Germany/1.jpg", "train/France/1.jpg", "train/Untied Kingdom/1.jpg")
    copy.photos("train/Atlantis/1.jpg", "train/Atlantis/2.jpg", "train/stray.jpg", "lost.jpg")
    report, frame = copy.ingest(layout="country-folders")
    assert frame.height == 2
    assert report.refused == {"unknown-country": 5}
    messages = {refusal.photo_id: refusal.message for refusal in report.refusals}
    assert messages["train/Untied Kingdom/1.jpg"] == (
        "Photo 'train/Untied Kingdom/1.jpg' lies in folder 'Untied Kingdom', which names no country. "
        "Did you mean 'United Kingdom'? Then rename the folder."
    )
    assert "Did you mean" not in messages["train/Atlantis/1.jpg"]
    assert messages["train/stray.jpg"] == "Photo 'train/stray.jpg' lies in no country's folder."
    assert messages["lost.jpg"] == "Photo 'lost.jpg' lies in no country's folder."
    assert "Folder 'Atlantis' names no country, so 2 photos are refused." in report.warnings


@pytest.mark.parametrize(
    "folders", [("Chile",), ("Chile", "cats", "dogs"), ("train/cats", "train/dogs"), ("train",), ()]
)
def test_other_folders_are_not_taken_for_countries(copy, folders):
    copy.photos("0.jpg", *(f"{folder}/1.jpg" for folder in folders))
    assert copy.layout() == "exif"


def test_photos_with_positions_of_their_own_or_a_table_go_first(copy, gps):
    for country, longitude in (("Chile", -70.5), ("Peru", -77.5)):
        place = gps((12.0, 0.0, 0.0), (abs(longitude), 0.0, 0.0), ("S", "W"))
        copy.file(f"{country}/1.jpg", copy.photo(place))
    assert copy.layout() == "exif"
    copy.table("photos.csv", [{"path": "Chile/1.jpg", "latitude": -33.4, "longitude": -70.6}])
    assert copy.layout() == "table"


def test_a_folder_without_photos(copy):
    with pytest.raises(MissingFileError, match=r"holds no photos.\nName the folder with a folder per"):
        copy.ingest(layout="country-folders")


def test_the_real_country_folders(shared, tmp_path):
    report = ingest(
        shared / "data" / "layouts" / "country_folders", tmp_path, IngestSettings(check_pixels=False)
    )
    frame = read_photo_table(tmp_path)
    assert (report.layout, report.kept, report.refused) == ("country-folders", 3204, {})
    assert report.without_place == 3204
    assert set(report.splits) == {"train", "test"}
    assert frame["country"].null_count() == 0
    assert frame["country"].n_unique() == 50
