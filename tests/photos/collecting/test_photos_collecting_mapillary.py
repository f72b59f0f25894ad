"""Collecting from Mapillary's API, played by a local server in its documented shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from graticule.errors import CollectionError, UsageError
from graticule.geo.sphere import great_circle_km
from graticule.photos.collecting import CollectReport, CollectSettings, Manners, collect
from graticule.photos.collecting.mapillary import SIDE_DEG, MapillaryClient, boxes_around
from graticule.photos.collecting.session import PoliteSession
from graticule.photos.table import read_photo_table
from photo_service import MAPILLARY_TOKEN, Service, service

__all__ = ["service"]  # a fixture, used by its name

FAST = Manners(api_per_second=1000, photos_per_second=1000, first_wait_s=0.01, timeout_s=5)


def gather(service: Service, folder: Path, places: list[tuple[float, float]], **words: Any) -> CollectReport:
    table = folder.parent / "places.csv"
    pl.DataFrame(places, schema=["latitude", "longitude"], orient="row").write_csv(table)
    settings = {"places": table, "api_url": service.url} | words
    return collect("mapillary", folder, CollectSettings(**settings), manners=FAST)


def client_of(service: Service) -> MapillaryClient:
    return MapillaryClient(PoliteSession(FAST), MAPILLARY_TOKEN, api_url=service.url)


def test_the_nearest_photo_becomes_a_row(service: Service, tmp_path: Path) -> None:
    service.add_image(1, 55.6763, 12.5681)
    service.add_image(2, 55.6768, 12.5681)
    service.add_image(3, 55.6761, 12.5681, is_pano=True)
    report = gather(service, tmp_path / "out", [(55.6761, 12.5681), (10.0, 10.0)])
    row = read_photo_table(tmp_path / "out").row(0, named=True)
    assert (row["photo_id"], row["country"], row["source"]) == ("mapillary-1", "DK", "mapillary")
    assert (row["group"], row["author"], row["author_name"], row["sequence"]) == ("2", "2", "walker1", "seq1")
    assert (row["licence"], row["heading_deg"]) == ("CC-BY-SA-4.0", 12.5)
    assert row["page"] == "https://www.mapillary.com/app/?pKey=1"
    assert row["taken_at"] == "2020-09-13 12:26:40"
    assert row["place_km"] == pytest.approx(0.0222, abs=1e-3)
    assert report.places == {
        "searched": 2, "with_photo": 1, "without": {"no-photo-near": 1}, "refused": {},
    }  # fmt: skip
    assert all(headers["Authorization"] == f"OAuth {MAPILLARY_TOKEN}" for path, _, headers in service.asked
               if "/files/" not in path)  # fmt: skip
    assert all("Authorization" not in headers for path, _, headers in service.asked if "/files/" in path)
    assert not any(MAPILLARY_TOKEN in path for path, _, _ in service.asked)


def test_the_computed_place_goes_before_the_cameras(service: Service, tmp_path: Path) -> None:
    computed = {"type": "Point", "coordinates": [12.5682, 55.6762]}
    service.add_image(1, 55.6761, 12.5681, computed_geometry=computed)
    gather(service, tmp_path / "out", [(55.6761, 12.5681)])
    table = read_photo_table(tmp_path / "out")
    assert table.select("latitude", "longitude").row(0) == (55.6762, 12.5682)


@pytest.mark.parametrize("limits", [{}, {"most_images": 40}, {"page_of_images": 25}])
def test_the_nearest_is_found_as_by_looking_at_all(service: Service, limits: dict[str, int]) -> None:
    for name, value in limits.items():
        setattr(service, name, value)
    chance = np.random.default_rng(3)
    spots = np.array([60.0, 10.0]) + chance.normal(0, 0.003, (300, 2)) * [1, 2]
    for number, (latitude, longitude) in enumerate(spots.tolist()):
        service.add_image(number, latitude, longitude)
    client = client_of(service)
    for place in (np.array([60.0, 10.0]) + chance.normal(0, 0.004, (8, 2)) * [1, 2]).tolist():
        km = great_circle_km(spots, place)
        found = client.near(*place, 2.0, {})
        seen = [int(photo.photo_id.removeprefix("mapillary-")) for photo in found]
        assert int(km.argmin()) in seen


def test_boxes_are_small_enough_and_leave_nothing_out() -> None:
    chance = np.random.default_rng(0)
    for place in ([0.0, 0.0], [69.6, 18.9], [-45.0, 179.999], [87.9, -180.0], [52.5, 13.4]):
        boxes = boxes_around(*place, 1.5)
        for west, south, east, north in boxes:
            assert 0 < east - west <= SIDE_DEG + 1e-9
            assert 0 < north - south <= SIDE_DEG + 1e-9
        spots = np.array(place) + chance.uniform(-0.02, 0.02, (2000, 2)) * [
            1,
            1 / np.cos(np.radians(place[0])),
        ]
        spots[:, 1] = (spots[:, 1] + 180) % 360 - 180
        near = spots[great_circle_km(spots, place) < 1.5]
        inside = [
            any(w - 1e-9 <= lon <= e + 1e-9 and s - 1e-9 <= lat <= n + 1e-9 for w, s, e, n in boxes)
            for lat, lon in near.tolist()
        ]
        assert len(near) > 50
        assert all(inside)


def test_an_address_that_expired_is_renewed(service: Service, tmp_path: Path) -> None:
    image = service.add_image(1, 55.0, 12.0, fresh_url=f"{service.url}/files/new.jpg")
    service.files["/files/new.jpg"] = service.files.pop("/files/m1.jpg")
    service.trouble["/files/m1.jpg"] = [(403, {}, b"URL signature expired")]
    assert image["thumb_1024_url"].endswith("/files/m1.jpg")
    assert gather(service, tmp_path / "out", [(55.0, 12.0)]).kept == 1


def test_a_photo_deleted_meanwhile_is_gone(service: Service, tmp_path: Path) -> None:
    service.add_image(1, 55.0, 12.0)
    del service.files["/files/m1.jpg"]
    report = gather(service, tmp_path / "out", [(55.0, 12.0)])
    assert (report.kept, report.refused) == (0, {"gone": 1})
    assert report.places is not None
    assert report.places["without"] == {"photo-not-kept": 1}


def test_an_api_that_is_busy_by_its_codes(service: Service, tmp_path: Path) -> None:
    service.add_image(1, 55.0, 12.0)
    limited = {"error": {"message": "Application request limit reached", "code": 4, "is_transient": True}}
    service.trouble["/images"] = [
        (400, {}, json.dumps(limited).encode()), (429, {"Retry-After": "0"}, b"{}"), (500, {}, b"oops"),
    ]  # fmt: skip
    assert gather(service, tmp_path / "out", [(55.0, 12.0)]).kept == 1


def test_errors_say_what_to_do(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service.trouble["/images"] = [(400, {}, b'{"error": {"message": "Nope", "code": 100}}')]
    with pytest.raises(CollectionError, match=r"refused a search: Nope \(code 100\)"):
        gather(service, tmp_path / "out", [(55.0, 12.0)])
    monkeypatch.setenv("MAPILLARY_ACCESS_TOKEN", "MLY|wrong")
    with pytest.raises(CollectionError, match="does not accept the token in MAPILLARY_ACCESS_TOKEN"):
        gather(service, tmp_path / "out", [(55.0, 12.0)])
    monkeypatch.delenv("MAPILLARY_ACCESS_TOKEN")
    with pytest.raises(UsageError, match="export MAPILLARY_ACCESS_TOKEN=YOUR_KEY"):
        gather(service, tmp_path / "out", [(55.0, 12.0)])


def test_what_mapillary_cannot_do(service: Service, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be searched by terms"):
        collect("mapillary", tmp_path, CollectSettings(terms=("urban",)))
    with pytest.raises(UsageError, match=r"All photos on Mapillary are CC-BY-SA-4\.0"):
        collect("mapillary", tmp_path, CollectSettings(places=tmp_path, licences=frozenset({"CC0-1.0"})))
    with pytest.raises(UsageError, match="There is no service 'streetview'"):
        collect("streetview", tmp_path, CollectSettings(places=tmp_path))


def test_places_that_are_none_are_told(service: Service, tmp_path: Path) -> None:
    service.add_image(1, 55.0, 12.0)
    report = gather(service, tmp_path / "out", [(55.0, 12.0), (0.0, 0.0), (95.0, 3.0)])
    assert report.places is not None
    assert report.places["refused"] == {"out-of-range": 1, "zero-position": 1}
    assert not report.is_complete


def test_nobody_drives_at_the_pole(service: Service) -> None:
    assert client_of(service).near(89.0, 0.0, 1.0, {}) == []
    assert service.asked == []


def test_the_same_page_for_ever_is_not_asked_for_ever(service: Service, tmp_path: Path) -> None:
    image = service.add_image(1, 55.0, 12.0)
    page = {"data": [image], "paging": {"cursors": {"after": "Q"}, "next": "https://elsewhere.example"}}
    service.trouble["/images"] = [(200, {}, json.dumps(page).encode())] * 50
    assert gather(service, tmp_path / "out", [(55.0, 12.0)]).kept == 1
    assert len(service.paths("/images")) == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"paging": None},
        {"paging": {"next": "x", "cursors": None}},
        {"data": [{"geometry": None}, {"id": "1/../2"}, 7]},
        {"data": [{"id": "1", "geometry": {"coordinates": ["x", "y"]}}, {"id": "2", "creator": "me"}]},
        {"data": [{"id": "3", "captured_at": 1e300}, {"id": "4", "geometry": {"coordinates": [2.0]}}]},
        {"data": None},
    ],
)
def test_odd_answers_stop_nobody(service: Service, tmp_path: Path, odd: dict[str, Any]) -> None:
    service.trouble["/images"] = [(200, {}, json.dumps({"data": []} | odd).encode())]
    assert gather(service, tmp_path / "out", [(55.0, 12.0)]).searches == {"done": 1}


def test_answers_of_another_form_are_no_empty_ones(service: Service, tmp_path: Path) -> None:
    service.trouble["/images"] = [(200, {}, b'{"data": "abc"}'), (200, {}, b'{"error": "quota"}')]
    with pytest.raises(CollectionError, match="in a form that is not known"):
        gather(service, tmp_path / "out", [(55.0, 12.0)])
    with pytest.raises(CollectionError, match="refused a search: quota"):
        gather(service, tmp_path / "out", [(55.0, 12.0)])
