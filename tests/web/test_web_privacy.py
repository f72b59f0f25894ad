"""``/v1/privacy``: what a photo gives away, its clean copy, and no more of the place than the cap allows."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import ExifTags, Image

pytest.importorskip("fastapi", reason="needs the extra 'web'")
from starlette.testclient import TestClient

from graticule.explanations.privacy import PrivacyReport, check_privacy
from graticule.inference import load_model
from graticule.photos.metadata import read_metadata
from graticule.web.app import create_app
from graticule.web.privacy import document_of
from graticule.web.settings import ServerSettings

LATITUDE, LONGITUDE = 48.858370, 2.294481


@pytest.fixture(scope="module")
def photo() -> bytes:
    """Noise with a camera's name, a time and the place of a tower in its EXIF."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "Pocket 7"
    exif[ExifTags.Base.DateTime] = "2024:05:17 18:02:11"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", degrees(LATITUDE)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", degrees(LONGITUDE)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((320, 240)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def degrees(value: float) -> tuple[float, float, float]:
    minutes = (value % 1) * 60
    return (float(int(value)), float(int(minutes)), (minutes % 1) * 60)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(ServerSettings(rate_per_minute=0))) as client:
        yield client


@pytest.fixture(scope="module")
def direct(photo: bytes) -> PrivacyReport:
    return check_privacy(load_model(), photo)


def test_the_report_is_that_of_check_privacy(client: TestClient, photo: bytes, direct: PrivacyReport) -> None:
    document = client.post("/v1/privacy?copy=true", files={"files": ("a.jpg", photo)}).json()
    assert document["metadata"] == direct.to_dict()["metadata"]
    assert document["before"]["confidence"] == pytest.approx(direct.before.confidence, rel=1e-3)
    assert document["after"]["confidence"] == pytest.approx(direct.after.confidence, rel=1e-3)
    assert [region["box"] for region in document["regions"]] == [
        list(region.box) for region in direct.regions
    ]
    copy = base64.b64decode(document["copy"]["base64"])
    assert len(copy) == document["copy"]["bytes"]
    assert document["copy"]["media_type"] == "image/jpeg"
    told = read_metadata(copy)
    assert told.position is None
    assert not any("Pocket" in trace.words for trace in told.traces)
    with Image.open(io.BytesIO(copy)) as image:
        assert image.size == (320, 240)


def test_metadata_alone_changes_no_pixel(client: TestClient, photo: bytes) -> None:
    document = client.post("/v1/privacy?blur=0&copy=true", files={"files": photo}).json()
    assert document["before"] is None
    assert document["model"] is None
    assert document["regions"] == []
    assert document["copy"]["is_lossless"]
    copy = base64.b64decode(document["copy"]["base64"])
    with Image.open(io.BytesIO(copy)) as ours, Image.open(io.BytesIO(photo)) as theirs:
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_the_copy_comes_only_when_asked_for(client: TestClient, photo: bytes) -> None:
    assert client.post("/v1/privacy?blur=0", files={"files": photo}).json()["copy"]["base64"] is None


@pytest.mark.parametrize(("finest", "said"), [("region", "near 48.9, 2.3"), ("country", "near 49, 2")])
def test_a_cap_holds_for_what_is_said_of_the_place(direct: PrivacyReport, finest: str, said: str) -> None:
    document = document_of(direct, finest=finest, copy=True)
    for told in (document["before"], document["after"]):
        assert told["country"]
        assert told["country_confidence"] > 0
        for finer in ("cell", "place", "latitude", "longitude", "confidence", "region_km2", "error_km"):
            assert told[finer] is None
    assert all(region["confidence"] is None for region in document["regions"])
    assert document["metadata"]["position"]["place"] is None
    words = {trace["kind"]: trace["words"] for trace in document["metadata"]["traces"]}
    assert words["position"] == f"an exact position, {said}"
    assert "Pocket 7" in words["device"]
    text = json.dumps(document)
    assert "48.858" not in text
    assert "2.2944" not in text
    assert "Paris" not in text


def test_a_text_in_the_metadata_is_not_repeated_where_it_could_name_a_place(client: TestClient) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "JPEG", comment=b"at 48.85837, 2.29448")
    assert "48.85837" in client.post("/v1/privacy?blur=0", files={"files": buffer.getvalue()}).text
    with TestClient(create_app(ServerSettings(rate_per_minute=0, finest="country"))) as capped:
        answer = capped.post("/v1/privacy?blur=0", files={"files": buffer.getvalue()})
    assert "which may name a place" in answer.text
    assert "48.85837" not in answer.text


def test_the_server_caps_what_it_says(photo: bytes) -> None:
    with TestClient(create_app(ServerSettings(rate_per_minute=0, finest="country"))) as capped:
        answer = capped.post("/v1/privacy?blur=0", files={"files": photo})
    assert answer.json()["finest"] == "country"
    assert "48.858" not in answer.text


def test_refusals(client: TestClient, photo: bytes) -> None:
    for words, files in (
        ("", {"files": b"hello"}),
        ("?blur=2", {"files": photo}),
        ("?blur=nan", {"files": photo}),
    ):
        answer = client.post(f"/v1/privacy{words}", files=files)
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
