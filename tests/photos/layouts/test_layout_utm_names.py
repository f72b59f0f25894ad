"""File names with UTM coordinates, as data sets of visual place recognition have them."""

from __future__ import annotations

import pytest

from graticule.errors import TableError, UsageError

# the example in the description of SF-XL; band S lies in the north
SAN_FRANCISCO = "@0544388.51@4172758.25@10@S@037.70098@-122.49646@kPnABhWJ1kA61eMNPLs1vQ@@210@@@@201606@@.jpg"
SYDNEY = "@334900.26@6252290.52@56@H@@@@@@@@@20160617@@.jpg"
TORONTO = "@630084.30@4833438.59@.jpg"


def test_long_names(copy):
    copy.photos(f"train/database/{SAN_FRANCISCO}", f"test/queries/{SYDNEY}")
    assert copy.layout() == "utm-names"
    report, frame = copy.ingest()
    assert report.refused == {}
    sydney, san_francisco = frame.rows(named=True)
    assert (san_francisco["latitude"], san_francisco["longitude"]) == pytest.approx(
        (37.70098, -122.49646), abs=2e-5
    )
    assert (san_francisco["country"], san_francisco["split"], san_francisco["role"]) == (
        "US", "train", "database",
    )  # fmt: skip
    assert (san_francisco["group"], san_francisco["heading_deg"]) == ("kPnABhWJ1kA61eMNPLs1vQ", 210.0)
    assert (san_francisco["captured_at"], sydney["captured_at"]) == ("2016-06", "2016-06-17")
    assert (sydney["latitude"], sydney["longitude"]) == pytest.approx((-33.856784, 151.215297), abs=1e-6)
    assert (sydney["group"], sydney["split"], sydney["role"]) == (None, "test", "queries")


def test_a_missing_zone_is_asked_for(copy):
    copy.photos(TORONTO)
    assert copy.layout() == "utm-names"
    with pytest.raises(TableError, match=r"but not their zone.\nName it, .*: .*--utm-zone 32N"):
        copy.ingest()
    _, frame = copy.ingest(utm_zone="17N")
    assert frame.select("latitude", "longitude").row(0) == pytest.approx((43.642567, -79.387139), abs=1e-6)


@pytest.mark.parametrize(
    ("zone", "latitude"), [("17N", 43.6), ("17t", 43.6), ("17S", -46.6), ("17H", -46.6), ("9S", -46.6)]
)
def test_zones_as_they_are_said(copy, zone, latitude):
    copy.photos(TORONTO)
    _, frame = copy.ingest(utm_zone=zone)
    assert frame["latitude"][0] == pytest.approx(latitude, abs=0.1)


@pytest.mark.parametrize("zone", ["17", "N", "61N", "0N", "17I", "17NN", "-1N", ""])
def test_zones_that_are_none(copy, zone):
    copy.photos(TORONTO)
    with pytest.raises(UsageError, match="is no UTM zone; expected a number from 1 to 60 and N or S"):
        copy.ingest(utm_zone=zone)


def test_names_that_cannot_be_used(copy):
    names = {
        "plain.jpg": "no-position",
        TORONTO: "no-zone",
        "@48.14@11.58@32@U@.jpg": "out-of-range",
        "@630084.30@4833438.59@77@T@.jpg": "out-of-range",
        SAN_FRANCISCO.replace("037.70098", "036.70098"): "contradicting-position",
    }
    copy.photos(*names, SAN_FRANCISCO)
    report, frame = copy.ingest()
    assert frame.height == 1
    assert {refusal.photo_id: refusal.reason for refusal in report.refusals} == names


def test_a_latitude_in_the_name_tells_the_zone_or_the_hemisphere(copy):
    copy.photos("@630084.30@4833438.59@@@43.642567@-79.387139@.jpg")
    copy.photos("@334900.26@6252290.52@56@@-33.856784@151.215297@.jpg")
    _, frame = copy.ingest()
    assert frame.sort("latitude").select("latitude", "longitude").rows() == [
        pytest.approx((-33.856784, 151.215297), abs=1e-6),
        pytest.approx((43.642567, -79.387139), abs=1e-6),
    ]


def test_photos_with_other_names_are_not_taken_for_it(copy):
    copy.photos("@ann.jpg", "me@home.jpg", "1@2.jpg")
    assert copy.layout() == "exif"


def test_links_that_lead_in_circles_are_left(copy):
    copy.photos("a/plain.jpg")
    (copy.folder / "a" / "again").symlink_to(copy.folder)
    assert copy.layout() == "exif"
