"""YFCC100M and YFCC4k: tables without names, longitude before latitude."""

from __future__ import annotations

import bz2
import gzip

import pytest

from graticule.errors import TableError

HASH = "4e2f7a26a1dfbf165a7e30bdabf7e72a"
PLACES = [(48.1, 11.5), (1.4, 103.8), (-33.9, 151.2), (39.9, 116.4), (35.7, 139.7)]


def line(photo: str, latitude="24.55", longitude="-81.80", *, edition="hash", video=0, digest=HASH) -> str:
    """One row; editions: 23 columns, with a hash, with a number of the row and a hash."""
    before = {"plain": [photo], "hash": [photo, digest], "numbered": ["0", photo, digest]}[edition]
    values = [
        *before, "39019111@N00", 'gu"ck', "2012-02-16 09:56:37.0", "1331840483", "Canon", "IMG_0520", "",
        "a,b", "", longitude, latitude, "12", "http://page", "http://download",
        "Attribution License", "http://cc", "7205", "8", "5ed", "2f1", "jpg", str(video),
    ]  # fmt: skip
    return "\t".join(str(value) for value in values) + "\n"


@pytest.mark.parametrize("edition", ["plain", "hash", "numbered"])
def test_yfcc100m_with_longitude_first(copy, edition):
    copy.photos("0007.jpg", "8.jpg")
    rows = [line("0007", *PLACES[0], edition=edition), line("8", *PLACES[1], edition=edition)]
    rows += [line("9", "", "", edition=edition), line("10", edition=edition, video=1)]
    copy.file("yfcc100m_dataset.tsv", "".join(rows))
    assert copy.layout() == "yfcc100m"
    report, frame = copy.ingest()
    assert frame["photo_id"].to_list() == ["0007", "8"]
    assert frame.select("latitude", "longitude").rows() == PLACES[:2]
    assert frame["country"].to_list() == ["DE", "SG"]
    assert frame["group"].unique().to_list() == ["39019111@N00"]
    assert frame["licence"].unique().to_list() == ["Attribution License"]
    assert frame["captured_at"][0] == "2012-02-16 09:56:37.0"
    assert frame["accuracy"].to_list() == [12, 12]
    assert report.refused == {"no-position": 1}
    assert report.warnings == ["1 videos in 'yfcc100m_dataset.tsv' were left out."]
    assert not {"title", "tags", "description"} & set(frame.columns)


@pytest.mark.parametrize("pack", [gzip, bz2])
def test_packed_tables_and_photos_named_by_their_hash(copy, pack):
    copy.photos(f"data/images/4e2/f7a/{HASH}.jpg")
    name = f"yfcc100m_dataset-0.{'gz' if pack is gzip else 'bz2'}"
    path = copy.file(name, pack.compress(line("6185218911").encode()))
    assert copy.layout(path) == "yfcc100m"
    _, frame = copy.ingest(path)
    assert frame["photo_id"].to_list() == ["6185218911"]
    assert frame["path"].to_list() == [f"../data/data/images/4e2/f7a/{HASH}.jpg"]


def test_yfcc4k_by_its_info_file(copy):
    """Column 1 is the photo's id, column 12 the longitude, column 13 the latitude."""
    copy.photos(*(f"yfcc4k/{n}.jpg" for n in range(5)))
    copy.file("info.txt", "".join(line(str(n), *place) for n, place in enumerate(PLACES)))
    first = line("0", *PLACES[0]).split("\t")
    assert (first[0], first[11], first[12]) == ("0", "11.5", "48.1")
    assert copy.layout() == "yfcc4k"
    report, frame = copy.ingest()
    assert report.refused == {}
    assert frame.select("latitude", "longitude").rows() == PLACES
    assert frame["source"].unique().to_list() == ["yfcc4k"]


def test_yfcc4k_by_its_other_table_with_latitude_first(copy):
    copy.photos("1.jpg")
    chances = {f"Prob_{scene}": 0.3 for scene in ("indoor", "natural", "urban")}
    copy.table(
        "yfcc4k_places365.csv", [{"IMG_ID": "1.jpg", "AUTHOR": "1@N00", "LAT": 48.1, "LON": 11.5, **chances}]
    )
    assert copy.layout() == "yfcc4k"
    _, frame = copy.ingest()
    assert frame.select("latitude", "longitude", "source").row(0) == (48.1, 11.5, "yfcc4k")


def test_a_copy_with_latitude_first_is_refused(copy):
    copy.photos(*(f"{n}.jpg" for n in range(5)))
    path = copy.file("info.txt", "".join(line(str(n), place[1], place[0]) for n, place in enumerate(PLACES)))
    with pytest.raises(TableError, match=r"not in the published order. Put a line of names .*--layout table"):
        copy.ingest(path)


def test_an_info_file_about_something_else_is_left_alone(copy):
    copy.photos("1.jpg")
    path = copy.file("info.txt", "these photos were taken\tin spring\n" * 20)
    assert copy.layout() == "exif"
    with pytest.raises(TableError, match=r"does not look like YFCC100M: .* authors such as 39019111@N00"):
        copy.ingest(path, layout="yfcc4k")
    with pytest.raises(TableError, match="holds no table of YFCC100M"):
        copy.ingest(layout="yfcc100m")
