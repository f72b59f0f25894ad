"""WebDataset: tars of photos with JSON, classes or texts beside them."""

from __future__ import annotations

import io
import json
import tarfile

import pytest

from graticule.errors import MissingFileError


def tar(copy, name: str, samples: dict[str, object]) -> None:
    """Files by name; photos are made, what is no text is written as JSON."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for member, value in samples.items():
            data = copy.picture() if value is None else value
            data = (
                data
                if isinstance(data, bytes)
                else data.encode()
                if isinstance(data, str)
                else json.dumps(data).encode()
            )
            entry = tarfile.TarInfo(member)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    copy.file(name, packed.getvalue())


def test_photos_with_json(copy):
    place = {"latitude": 48.1, "longitude": 11.5, "sequence": "7", "id": "007", "tags": ["a", "b"]}
    tar(copy, "train/00000.tar", {"a.jpg": None, "a.json": place, "a.dinov2.npy": b"\x93NUMPY"})
    tar(copy, "train/00001.tar", {"b.json": {"latitude": 1.4, "longitude": 103.8, "id": "8"}, "b.jpg": None})
    tar(copy, "test-0.tar", {"x/c.d.png": None, "x/c.json": {"id": "9"}, "c.txt": "no photo"})
    assert copy.layout() == "webdataset"
    report, frame = copy.ingest()
    frame = frame.sort("photo_id")
    assert frame["photo_id"].to_list() == ["007", "8"]
    assert frame["path"].to_list() == ["../data/train/00000.tar::a.jpg", "../data/train/00001.tar::b.jpg"]
    assert frame.select("latitude", "longitude", "country").rows() == [(48.1, 11.5, "DE"), (1.4, 103.8, "SG")]
    assert frame["split"].to_list() == ["train", "train"]
    assert frame["group"].to_list() == ["7", None]
    assert frame["tags"].to_list() == ['["a", "b"]', None]
    assert report.refused == {"no-position": 1}


def test_classes_that_name_countries_and_coordinates_in_files_of_their_own(copy):
    tar(copy, "a.tar", {"1.jpg": None, "1.cls": "South Korea", "2.jpg": None, "2.cls": "fr"})
    _, frame = copy.ingest()
    assert frame.select("photo_id", "country", "latitude").rows() == [("1", "KR", None), ("2", "FR", None)]
    tar(copy, "a.tar", {"1.jpg": None, "1.latitude": "48.1", "1.longitude": "11.5", "1.text": "Munich"})
    report, frame = copy.ingest(copy.folder / "a.tar")
    assert report.layout == "webdataset"
    assert frame.select("latitude", "longitude", "text").row(0) == (48.1, 11.5, "Munich")


def test_a_tar_of_originals_is_read_by_their_own_positions(copy, gps):
    original = copy.photo(gps((48.0, 6.0, 0.0), (11.0, 30.0, 0.0)))
    tar(copy, "a.tar", {"x/1.jpg": original, "2.jpg": None})
    report, frame = copy.ingest(copy.folder / "a.tar")
    assert (report.layout, report.refused) == ("exif", {"no-position": 1})
    assert frame.select("photo_id", "path", "latitude").row(0) == ("x/1.jpg", "../data/a.tar::x/1.jpg", 48.1)


def test_damage_is_told(copy):
    tar(copy, "a.tar", {"1.jpg": None, "1.json": {"lat": 48.1, "lng": 11.5}, "2.jpg": None, "2.json": "{"})
    copy.file("b.tar", b"this is no tar" * 100)
    report, frame = copy.ingest()
    assert frame["photo_id"].to_list() == ["1"]
    assert report.refused == {"no-position": 1}
    said = next(line for line in report.warnings if "b.tar' cannot be read as an uncompressed tar" in line)
    assert said.endswith("If it is compressed, unpack it. Fetch the archive again.")


def test_what_is_lacking_is_said(copy):
    with pytest.raises(MissingFileError, match="holds no tar files"):
        copy.ingest(layout="webdataset")
    tar(copy, "a.tar", {"1.json": {"lat": 1}})
    with pytest.raises(MissingFileError, match="hold no photos"):
        copy.ingest(layout="webdataset")
