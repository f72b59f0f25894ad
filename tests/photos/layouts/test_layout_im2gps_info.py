"""Im2GPS with info.json, as OSV-5M's code reads it."""

from __future__ import annotations

import json

import pytest

from graticule.errors import TableError


def lines(latitude: object, longitude: object) -> list[str]:
    return [
        "photo: 104 2ab server 19", "owner: 55@N00", "title: latitude matters: more",
        "datetaken: 2006-02-11 12:00:00", "tags: paris: seine", f"latitude: {latitude}",
        f"longitude: {longitude}", "accuracy: 16", "interestingness: 5",
    ]  # fmt: skip


def test_lines_become_columns(copy):
    copy.photos("images/a.jpg", "images/b.jpg", "images/c.jpg")
    info = {"a.jpg": lines(48.85, 2.35), "b.jpg": [], "c.jpg": lines(0, 0), "d.jpg": lines(1, 2)}
    path = copy.file("info.json", json.dumps(info))
    assert copy.layout() == copy.layout(path) == "im2gps-info"
    report, frame = copy.ingest()
    assert report.refused == {"no-position": 1, "zero-position": 1, "missing": 1}
    row = frame.row(0, named=True)
    assert (row["photo_id"], row["latitude"], row["longitude"], row["country"]) == (
        "a.jpg",
        48.85,
        2.35,
        "FR",
    )
    assert (row["group"], row["taken_at"], row["accuracy"]) == ("55@N00", "2006-02-11 12:00:00", 16)
    assert row["source"] == "im2gps"
    assert "tags" not in frame.columns


@pytest.mark.parametrize("content", ["[1, 2]", '{"a": 1}', '{"a.jpg": ["width: 4"]}', "{", "{}"])
def test_other_files_of_that_name(copy, content):
    copy.photos("images/a.jpg")
    copy.file("info.json", content)
    assert copy.layout() == "exif"


def test_said_where_it_is_not(copy):
    copy.photos("images/a.jpg")
    with pytest.raises(TableError, match=r"holds no 'info\.json'"):
        copy.ingest(layout="im2gps-info")
