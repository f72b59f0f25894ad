"""What is done with the server's page in a real browser, and which photos it is shown."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest
from web_process import jpeg

CHROMIUM = shutil.which("chromium")
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
PARIS, BEIJING = (48.86, 2.35), (39.9, 116.4)

needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no chromium on this machine; on Debian: apt install chromium"
    ),
]


def send(page: Any, *photos: tuple[str, bytes]) -> None:
    page.wait_for_selector(".drop button")
    files = [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in photos]
    page.locator("input[type=file][multiple]").set_input_files(files)


def png(colour: tuple[int, int, int], size: int = 48) -> bytes:
    return jpeg(colour, "PNG", size)


def settle(page: Any) -> None:
    page.wait_for_selector(".stage[data-moving='false']")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def place_of(page: Any) -> tuple[float, float]:
    latitude, north, longitude, east = re.fullmatch(
        r"([\d.]+)° ([NS]), ([\d.]+)° ([EW])", page.locator(".coordinates").first.inner_text()
    ).groups()
    return float(latitude) * (1 if north == "N" else -1), float(longitude) * (1 if east == "E" else -1)
