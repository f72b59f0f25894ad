"""A photo service on this machine, and keys for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from photo_service import FLICKR_KEY, MAPILLARY_TOKEN, Service, photo_service


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("FLICKR_API_KEY", FLICKR_KEY)
    monkeypatch.setenv("MAPILLARY_ACCESS_TOKEN", MAPILLARY_TOKEN)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with photo_service() as running:
        yield running
