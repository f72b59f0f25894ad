"""Mapillary Street-Level Sequences: a tree of cities, longitude before latitude."""

from __future__ import annotations

import pytest

from graticule.errors import TableError

CITIES = {"sf": (37.77, -122.42), "berlin": (52.52, 13.4)}


def city(copy, name: str, role: str, keys: list[str]) -> None:
    folder = f"train_val/{name}/{role}"
    copy.photos(*(f"{folder}/images/{key}.jpg" for key in keys))
    latitude, longitude = CITIES[name]
    raw = [
        {"": n, "key": key, "lon": longitude, "lat": latitude, "ca": 90.0, "captured_at": "2018-01-02",
         "pano": n == 1}
        for n, key in enumerate(keys)
    ]  # fmt: skip
    copy.table(f"{folder}/raw.csv", raw)
    sequences = [{"": n, "key": key, "sequence_id": "0077", "frame_number": n} for n, key in enumerate(keys)]
    copy.table(f"{folder}/seq_info.csv", sequences[::-1])
    direction = [
        {"": 0, "key": keys[0], "easting": 1.5, "northing": 2.5, "night": False, "view_direction": "Forward"}
    ]
    copy.table(f"{folder}/postprocessed.csv", direction)


def test_the_tree(copy):
    city(copy, "berlin", "database", ["a", "b"])
    city(copy, "berlin", "query", ["c"])
    city(copy, "sf", "database", ["007"])
    copy.photos("test/miami/query/images/z.jpg")
    assert copy.layout() == "msls"
    report, frame = copy.ingest()
    assert report.layout_reason == "'train_val/berlin/database/raw.csv' is a table of Mapillary SLS"
    assert report.refused == {"no-position": 1}
    assert "belongs to the test set of Mapillary SLS" in report.refusals[0].message
    rows = {row["photo_id"]: row for row in frame.rows(named=True)}
    assert list(rows) == ["a", "b", "c", "007"]
    assert [row["split"] for row in rows.values()] == ["train", "train", "train", "val"]
    assert [row["role"] for row in rows.values()] == ["database", "database", "query", "database"]
    assert {row["group"] for row in rows.values()} == {"0077"}
    assert (rows["007"]["latitude"], rows["007"]["longitude"], rows["007"]["country"]) == (
        37.77,
        -122.42,
        "US",
    )
    assert (rows["b"]["frame_number"], rows["b"]["pano"], rows["b"]["view_direction"]) == (1, True, None)
    assert (rows["a"]["view_direction"], rows["a"]["city"]) == ("Forward", "berlin")
    assert copy.layout(copy.folder / "train_val") == "msls"


@pytest.mark.parametrize("instead", [None, "photo,sequence_id\na,77\n"])
def test_without_the_tables_beside(copy, instead):
    city(copy, "berlin", "database", ["a"])
    for name in ("seq_info.csv", "postprocessed.csv"):
        beside = copy.folder / "train_val/berlin/database" / name
        beside.unlink()
        if instead is not None:  # a table of something else
            beside.write_text(instead)
    _, frame = copy.ingest()
    assert frame.select("photo_id", "group").rows() == [("a", None)]


def test_what_is_lacking_is_said(copy):
    copy.photos("train_val/berlin/database/images/a.jpg")
    with pytest.raises(TableError, match=r"holds no 'train_val/<city>/database/raw.csv'"):
        copy.ingest(layout="msls")
