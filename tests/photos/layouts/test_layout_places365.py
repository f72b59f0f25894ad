"""GeoEstimation's tables: Im2GPS, Im2GPS3k, YFCC26k, and any other with its columns."""

from __future__ import annotations

import pytest

from graticule.errors import TableError
from graticule.photos.ingest import IngestSettings, ingest
from graticule.photos.table import read_photo_table

NAMES = {
    "im2gps_places365.csv": "im2gps",
    "im2gps3k_places365.csv": "im2gps3k",
    "yfcc25600_places365.csv": "yfcc26k",
    "mine_places365.csv": "places365",
}
PHOTOS = {"113912238_2a4c51_87434398@N00.jpg": "images/", "45/77/3228511372.jpg": ""}


def row(photo: str, latitude=43.89, longitude=-72.49, *, scene="urban", author="87434398@N00") -> dict:
    chances = {f"Prob_{name}": 0.9 if name == scene else 0.05 for name in ("indoor", "natural", "urban")}
    return {
        "IMG_ID": photo, "AUTHOR": author, "LAT": latitude, "LON": longitude, "S3_Label": 2,
        "S16_Label": 11, "S365_Label": 213, **chances,
    }  # fmt: skip


@pytest.mark.parametrize(("table", "name"), NAMES.items())
def test_by_the_name_of_the_table_authors_become_groups(copy, table, name):
    copy.photos(*(folder + photo for photo, folder in PHOTOS.items()))
    first, second = PHOTOS
    path = copy.table(table, [row(first), row(second, 1.4, 103.96, scene="natural", author="7@N01")])
    assert copy.layout() == copy.layout(path) == name
    report, frame = copy.ingest()
    assert report.layout == name
    assert "has the name and the columns of" in report.layout_reason
    assert frame["photo_id"].to_list() == [first, second]
    assert frame["group"].to_list() == ["87434398@N00", "7@N01"]
    assert frame["scene"].to_list() == ["urban", "natural"]
    assert frame["country"].to_list() == ["US", "SG"]
    assert frame["source"].to_list() == [None if name == "places365" else name] * 2
    assert frame["S365_Label"].to_list() == [213, 213]


def test_guard_rails(copy):
    names = [f"{n}.jpg" for n in range(4)]
    copy.photos(*names)
    copy.table(
        "im2gps3k_places365.csv",
        [row("0.jpg"), row("1.jpg", 0, 0), row("2.jpg", 91, 5), row("3.jpg", "", ""), row("4.jpg")],
    )
    report, _ = copy.ingest()
    assert report.refused == {"zero-position": 1, "out-of-range": 1, "no-position": 1, "missing": 1}


def test_swapped_columns_are_refused_with_the_line_that_exchanges_them(copy):
    places = [(-72.49, 43.89), (103.96, 1.4), (151.2, -33.9), (116.4, 39.9), (139.7, 35.7)]
    copy.photos(*(f"{n}.jpg" for n in range(5)))
    path = copy.table("im2gps_places365.csv", [row(f"{n}.jpg", *place) for n, place in enumerate(places)])
    with pytest.raises(TableError, match=r"swapped, it seems: 4 of 5 .*\n.*--latitude LON --longitude LAT"):
        copy.ingest()
    _, frame = copy.ingest(path, latitude="LON", longitude="LAT")
    assert frame["latitude"].to_list() == [43.89, 1.4, -33.9, 39.9, 35.7]


def test_a_layout_said_for_a_table_of_another_name_or_with_other_columns(copy):
    copy.photos("0.jpg")
    path = copy.table("test.csv", [row("0.jpg")])
    assert copy.layout(path) == "table"
    report, frame = copy.ingest(path, layout="im2gps3k")
    assert (report.kept, frame["source"][0]) == (1, "im2gps3k")
    other = copy.table("other.csv", [{"IMG_ID": "0.jpg", "LAT": 1.5, "LON": 2}])
    with pytest.raises(TableError, match="lacks columns of Im2GPS3k: prob_indoor, prob_natural, prob_urban"):
        copy.ingest(other, layout="im2gps3k")
    with pytest.raises(TableError, match=r"holds no table of Im2GPS3k \(looked for im2gps3k_places365\.csv"):
        copy.ingest(layout="im2gps3k")


def test_photos_in_a_folder_of_their_own(copy, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "0.jpg").write_bytes(copy.picture())
    path = copy.table("yfcc26k_places365.csv", [row("0.jpg")])
    assert copy.layout(path, images=tmp_path / "elsewhere") == "yfcc26k"
    report, _ = copy.ingest(path, images=tmp_path / "elsewhere", source_name="mine")
    assert (report.layout, report.kept) == ("yfcc26k", 1)


def test_the_real_im2gps3k(shared, tmp_path):
    report = ingest(shared / "data" / "layouts" / "im2gps3k", tmp_path, IngestSettings(check_pixels=False))
    frame = read_photo_table(tmp_path)
    assert (report.layout, report.kept, report.refused) == ("im2gps3k", 300, {})
    assert frame["group"].null_count() == 0
    assert set(frame["scene"]) == {"urban", "natural", "indoor"}
    with_label = frame.filter(frame["photo_id"].str.starts_with("113912238_"))
    assert with_label["latitude"].to_list() in ([], [43.891459])
