"""MP-16 with shards, addresses and folders; MP16-Pro with its tar."""

from __future__ import annotations

import io
import tarfile

import msgpack
import pytest

from graticule.errors import TableError

IDS = ["e1/55/4763369508.jpg", "00/01/12.jpg"]


def row(photo: str, latitude=48.1, longitude=11.5, **more) -> dict:
    return {
        "IMG_ID": photo, "AUTHOR": "1@N00", "LAT": latitude, "LON": longitude, "S3_Label": 0,
        "S16_Label": 1, "S365_Label": 2, "Prob_indoor": 0.8, "Prob_natural": 0.1, "Prob_urban": 0.1,
    } | more  # fmt: skip


def shard(copy, *names: str, raw: bool = False) -> bytes:
    keys = (b"image", b"id") if raw else ("image", "id")
    return b"".join(msgpack.packb({keys[0]: copy.picture(), keys[1]: name}) for name in names)


@pytest.mark.parametrize("raw", [False, True])
def test_shards_with_keys_of_text_or_bytes(copy, raw):
    copy.file("shards/shard_0.msg", shard(copy, IDS[0], raw=raw))
    copy.file("shards/shard_1.msg", shard(copy, IDS[1], raw=raw))
    copy.table("mp16_places365.csv", [row(IDS[0]), row(IDS[1], 1.4, 103.8), row("ff/00/1.jpg")])
    assert copy.layout() == "mp16"
    report, frame = copy.ingest()
    assert report.refused == {"missing": 1}
    assert frame["path"].to_list() == [f"../data/shards/shard_{n}.msg::{IDS[n]}" for n in (0, 1)]
    assert frame["photo_id"].to_list() == IDS
    assert frame["scene"].to_list() == ["indoor"] * 2
    assert frame["width"].to_list() == [41, 42]


def test_addresses_from_the_table_without_names(copy):
    copy.photos("images/e1_55_4763369508.jpg", "images/00/01/12.jpg")
    copy.table("mp16_places365.csv", [row(photo) for photo in IDS])
    urls = copy.file("mp16_urls.csv", f"{IDS[1]},http://a/12.jpg\n{IDS[0]},http://a/47.jpg\nx.jpg,http://b\n")
    report, frame = copy.ingest()
    assert (report.layout, report.refused) == ("mp16", {})
    assert frame["url"].to_list() == ["http://a/47.jpg", "http://a/12.jpg"]
    with pytest.raises(TableError, match=r"addresses of photos, but no places.\n.*mp16_places365\.csv"):
        copy.ingest(urls, layout="mp16")


def pro(photo: str, country: str) -> dict:
    names = dict.fromkeys(("neighbourhood", "city", "county", "state", "region"), "x")
    return row(photo) | names | {"country": country, "continent": "Europe"}


def test_mp16_pro_with_its_tar(copy):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for photo in IDS:
            data = copy.picture()
            entry = tarfile.TarInfo(f"mp-16-images/{photo.replace('/', '_')}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    copy.file("mp-16-images.tar", packed.getvalue())
    copy.table("MP16_Pro_places365.csv", [pro(IDS[0], "Germany"), pro(IDS[1], "Deutschland")])
    assert copy.layout() == "mp16-pro"
    report, frame = copy.ingest()
    assert report.refused == {}
    assert frame["country"].to_list() == ["DE", "DE"]
    assert frame["city"].to_list() == ["x", "x"]
    assert frame["path"][0] == "../data/mp-16-images.tar::mp-16-images/e1_55_4763369508.jpg"
    assert report.warnings == []


def test_a_tar_that_is_still_in_pieces_is_told(copy):
    for letter in "ab":
        copy.file(f"mp-16-images-a{letter}", b"half a tar")
    copy.table("MP16_Pro_places365.csv", [pro(photo, "Germany") for photo in IDS])
    report, _ = copy.ingest()
    assert report.refused == {"missing": 2}
    assert f"cd {copy.folder} && cat mp-16-images* > photos.tar" in report.warnings[0]
