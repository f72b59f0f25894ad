"""The page Privacy in a real browser: what the file tells, the telling parts, and the copy."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from web_browser import needs_chromium, send
from web_process import server

from graticule.photos.metadata import read_metadata

pytest_plugins = ["web_fixtures"]
pytestmark = needs_chromium


@pytest.fixture(scope="module")
def default_url() -> Iterator[str]:
    with server("default", "--finest", "country") as (_, address):
        yield address


@pytest.fixture(scope="module")
def photo() -> bytes:
    """Noise from a named camera, turned on its side by its orientation."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "Pocket <b>7</b>"
    exif[ExifTags.Base.Orientation] = 6
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((320, 240)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_from_a_photo_to_its_clean_copy(visit, default_url, photo):
    page = visit(f"{default_url}/#privacy")
    send(page, ("turned.jpg", photo))
    assert page.title() == "graticule: What does my photo give away?"
    page.wait_for_selector(".changes")
    assert page.locator(".trace-device dd").inner_text() == "Pocket <b>7</b>"
    rows = page.locator(".changes tbody tr").all_inner_texts()
    assert len(rows) == 1  # this server tells countries alone
    assert rows[0].startswith("Confidence in ")
    frame = page.locator(".frame .picture").bounding_box()
    assert frame["height"] > frame["width"]  # upright
    for telling in page.locator(".telling").all():
        box = telling.bounding_box()
        assert frame["x"] - 1 <= box["x"] <= box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
        assert frame["y"] - 1 <= box["y"] <= box["y"] + box["height"] <= frame["y"] + frame["height"] + 1
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save the copy").click()
    assert waiting.value.suggested_filename == "turned-clean.jpg"
    copy = Path(waiting.value.path()).read_bytes()
    assert not any("Pocket" in trace.words for trace in read_metadata(copy).traces)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON").click()
    report = json.loads(Path(waiting.value.path()).read_text())
    assert report["before"]["latitude"] is None
    assert "base64" not in report["copy"]
    page.get_by_role("button", name="Copy", exact=True).click()
    page.wait_for_function("() => document.querySelector('.frame .picture').alt === 'Copy of turned.jpg'")
    assert page.locator(".telling").count() == 0 or page.locator(".telling").first.is_hidden()
    page.get_by_label("Blur at most").select_option(label="nothing")
    page.wait_for_function("() => document.querySelector('.privacy').textContent.includes('every pixel')")
    assert page.locator(".telling").count() == 0


def test_the_photo_of_the_first_page_is_the_one_that_is_checked(visit, default_url, photo):
    page = visit(default_url, failing=(422,))
    send(page, ("turned.jpg", photo), ("notes.txt", b"hello"))
    page.wait_for_selector(".candidates")
    page.get_by_role("link", name="Privacy").click()
    page.wait_for_selector(".changes")
    page.keyboard.press("j")
    page.wait_for_selector(".privacy .refused")
    assert "no photo of a kind that is taken here" in page.locator(".privacy .refused").inner_text()
    page.get_by_role("link", name="Locate").click()
    assert page.locator(".file").inner_text() == "notes.txt"
