"""OpenStreetView-5M and its small copy of the United States."""

from __future__ import annotations

import io
import zipfile

import pytest


def row(photo: str, latitude=48.1, longitude=11.5, *, country="DE", **more) -> dict:
    return {
        "id": photo, "latitude": latitude, "longitude": longitude, "thumb_original_url": "",
        "country": country, "sequence": "0123", "captured_at": 1_600_000_000_000, "region": "Bayern",
        "sub-region": "Oberbayern", "drive_side": 1.0, "climate": 26, "quadtree_10_1000": 7,
        "creator_username": "ann", "creator_id": "0042",
    } | more  # fmt: skip


def test_both_tables_with_photos_in_folders(copy):
    copy.photos("images/train/00/0017.jpg", "images/train/01/1701.jpg", "images/test/00/18.jpg")
    train = [row("0017"), row("1701", -22.5, 17.1, country="NA", creator_id="", creator_username="")]
    copy.table("train.csv", train)
    copy.table("test.csv", [row("18", sequence="99")])
    assert copy.layout() == "osv5m"
    report, frame = copy.ingest()
    frame = frame.sort("photo_id")
    assert report.refused == {}
    assert frame["photo_id"].to_list() == ["0017", "1701", "18"]  # as text: 0017 is not 17
    assert frame["split"].to_list() == ["train", "train", "test"]
    assert frame["group"].to_list() == ["0042", "0123", "0042"]  # the creator, else the sequence
    assert frame["sequence"].to_list() == ["0123", "0123", "99"]
    assert frame["creator_id"].to_list() == ["0042", None, "0042"]
    assert frame["country"].to_list() == ["DE", "NA", "DE"]  # Namibia, not "not available"
    assert frame["climate"].to_list() == [26, 26, 26]
    assert frame["path"][0] == "../data/images/train/00/0017.jpg"
    assert frame["source"].unique().to_list() == ["osv5m"]


@pytest.mark.parametrize("written", [str.lower, str.upper])
def test_tables_without_names_of_creators_and_with_capitals(copy, written):
    copy.photos("images/train/00/17.jpg")
    short = {name: value for name, value in row("17").items() if name != "creator_username"}
    copy.table("train.csv", [{written(name): value for name, value in short.items()}])
    assert copy.layout() == "osv5m"
    report, frame = copy.ingest()
    assert report.refused == {}
    assert frame.select("photo_id", "group", "country").rows() == [("17", "0042", "DE")]


def test_photos_still_in_their_zip_files(copy):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("00/17.jpg", copy.picture())
        archive.writestr("00/18.jpg", copy.picture())
    copy.file("images/train/00.zip", packed.getvalue())
    path = copy.table("train.csv", [row("17"), row("18"), row("19")])
    assert copy.layout(path) == "osv5m"
    report, frame = copy.ingest(path)
    assert report.refused == {"missing": 1}
    assert frame["path"].to_list() == [f"../data/images/train/00.zip::00/{n}.jpg" for n in (17, 18)]
    assert frame["width"].to_list() == [41, 42]


@pytest.mark.parametrize("tables", [("train_mini", "val_mini", "test_mini"), ("train_mini", "test_mini")])
def test_osv_mini(copy, tables):
    for number, table in enumerate(tables):
        copy.photos(f"{table.split('_')[0]}_images/Alaska/{number}.jpg")
        copy.table(f"{table}.csv", [row(str(number), 61.2, -149.9, country="US")])
    assert copy.layout() == "osv-mini"
    report, frame = copy.ingest()
    assert report.refused == {}
    assert frame.sort("photo_id")["split"].to_list() == [table.split("_")[0] for table in tables]
    assert frame["group"].unique().to_list() == ["0042"]


def test_a_train_table_of_something_else_is_a_table(copy):
    copy.photos("a.jpg")
    copy.table("train.csv", [{"file": "a.jpg", "latitude": 48.1, "longitude": 11.5}])
    assert copy.layout() == "table"


def test_tables_in_folders_of_their_own(copy):
    copy.photos("train/train/17.jpg", "test/test/18.jpg")
    copy.table("train/train.csv", [row("17")])
    copy.table("test/test.csv", [row("18")])
    assert copy.layout() == "osv5m"
    report, frame = copy.ingest()
    assert report.refused == {}
    assert frame.sort("photo_id").select("photo_id", "split").rows() == [("17", "train"), ("18", "test")]
