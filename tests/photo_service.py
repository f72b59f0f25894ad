"""A local HTTP server that answers as the APIs of Flickr and Mapillary are documented to, errors included."""

from __future__ import annotations

import io
import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from PIL import Image

FLICKR_KEY = "0123456789abcdef0123456789abcdef"
MAPILLARY_TOKEN = "MLY|1234|abcdef"
DAY_S = 86_400


def picture(seed: int, size: tuple[int, int] = (320, 240), quality: int = 85) -> bytes:
    """A JPEG that looks like no other."""
    chance = np.random.default_rng(seed)
    coarse = Image.fromarray(chance.integers(0, 255, (8, 8, 3), dtype=np.uint8))
    file = io.BytesIO()
    coarse.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=quality)
    return file.getvalue()


@dataclass
class Service:
    """What the server knows, what it does wrong, and what it was asked.

    Convention:
        - ``photos``: of Flickr, in its JSON, with ``dateupload`` as a number
        - ``images``: of Mapillary, in its JSON; ``files``: by path
        - ``trouble``: (status, headers, body) that the next requests to a path are answered with
        - ``asked``: (path, fields, headers) of each request
    """

    photos: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    trouble: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    most_images: int = 2000
    page_of_images: int | None = None
    file_takes_s: float = 0.0
    url: str = ""

    @property
    def flickr_url(self) -> str:
        return f"{self.url}/services/rest/"

    def paths(self, beginning: str) -> list[str]:
        """Paths asked for that begin so."""
        return [path for path, _, _ in self.asked if path.startswith(beginning)]

    def add_photo(self, number: int, **facts: Any) -> dict[str, Any]:
        """A photo of Flickr with a file."""
        self.files.setdefault(f"/files/{number}.jpg", picture(number))
        photo = {
            "id": str(number), "owner": f"{number % 5}@N00", "secret": "s", "server": "1", "farm": 1,
            "title": f"Photo {number}", "ispublic": 1, "isfriend": 0, "isfamily": 0, "license": "4",
            "dateupload": 1_300_000_000 + number * 1000, "datetaken": "2011-05-04 10:11:12",
            "datetakengranularity": 0, "datetakenunknown": "0", "ownername": f"name {number % 5}",
            "tags": "mountain alps", "latitude": f"{46 + number / 1000}", "longitude": 7 + number / 1000,
            "accuracy": "16", "context": 0, "place_id": "", "woeid": "", "geo_is_public": 1,
            "url_l": f"{self.url}/files/{number}.jpg", "height_l": 240, "width_l": 320,
        } | facts  # fmt: skip
        self.photos.append({name: value for name, value in photo.items() if value is not None})
        return photo

    def add_image(self, number: int, latitude: float, longitude: float, **facts: Any) -> dict[str, Any]:
        """An image of Mapillary with a file."""
        self.files.setdefault(f"/files/m{number}.jpg", picture(100_000 + number))
        image = {
            "id": str(number), "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
            "captured_at": 1_600_000_000_000 + number, "compass_angle": 12.5, "sequence": f"seq{number % 3}",
            "creator": {"username": f"walker{number % 2}", "id": str(number % 2 + 1)}, "is_pano": False,
            "thumb_1024_url": f"{self.url}/files/m{number}.jpg",
        } | facts  # fmt: skip
        self.images.append(image)
        return image


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The server and keys for it; tests import this fixture under its name."""
    monkeypatch.setenv("FLICKR_API_KEY", FLICKR_KEY)
    monkeypatch.setenv("MAPILLARY_ACCESS_TOKEN", MAPILLARY_TOKEN)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with photo_service() as running:
        yield running


@contextmanager
def photo_service() -> Iterator[Service]:
    """The server, for as long as the block lasts."""
    service = Service()

    class Handler(_Handler):
        pass

    Handler.service = service
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.headers.get("Content-Type", "")
        self._answer(_form(body, kind))

    def do_GET(self) -> None:
        self._answer(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)))

    def _answer(self, fields: dict[str, str]) -> None:
        path = urllib.parse.urlsplit(self.path).path
        self.service.asked.append((self.path, fields, dict(self.headers)))
        if self.service.trouble.get(path):
            self._send(*self.service.trouble[path].pop(0))
        elif path == "/services/rest/":
            self._json(200, flickr_answer(self.service, fields))
        elif path in self.service.files:
            time.sleep(self.service.file_takes_s)
            self._send(200, {"Content-Type": "image/jpeg"}, self.service.files[path])
        elif path == "/images" or path.strip("/").isdigit():
            self._json(*mapillary_answer(self.service, path, fields, self.headers.get("Authorization")))
        else:
            self._send(404, {}, b"not found")

    def _json(self, status: int, document: Any) -> None:
        self._send(status, {"Content-Type": "application/json"}, json.dumps(document).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _form(body: bytes, kind: str) -> dict[str, str]:
    if "multipart" not in kind:
        return dict(urllib.parse.parse_qsl(body.decode()))
    import email.parser

    message = email.parser.BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        for part in message.get_payload()
    }


def flickr_answer(service: Service, fields: dict[str, str]) -> dict[str, Any]:
    """As flickr.photos.search: at most 4,000 results, past which the last page comes again."""
    if fields.get("api_key") != FLICKR_KEY:
        return {"stat": "fail", "code": 100, "message": "Invalid API Key (Key has invalid format)"}
    if fields.get("method") != "flickr.photos.search" or fields.get("nojsoncallback") != "1":
        return {"stat": "fail", "code": 112, "message": f'Method "{fields.get("method")}" not found'}
    limiting = {"text", "min_upload_date"} & fields.keys()
    if not limiting:
        return {"stat": "fail", "code": 3, "message": "Parameterless searches have been disabled."}
    found = [photo for photo in service.photos if _matches(photo, fields)]
    if "lat" in fields:
        found.sort(key=lambda photo: _flat_km(photo, fields))
    else:
        found.sort(key=lambda photo: photo["dateupload"])
    size = min(int(fields.get("per_page", 100)), 250)
    pages = -(-len(found) // size)
    page = int(fields.get("page", 1))
    start = (min(page, 4000 // size) - 1) * size
    return {
        "photos": {"page": page, "pages": pages, "perpage": size, "total": str(len(found)),
                   "photo": found[start : start + size]},
        "stat": "ok",
    }  # fmt: skip


def _matches(photo: dict[str, Any], fields: dict[str, str]) -> bool:
    words = f"{photo.get('title')} {photo.get('tags')}".lower()
    if fields.get("text", "").lower() not in words:
        return False
    if photo["license"] not in fields.get("license", photo["license"]).split(","):
        return False
    if not int(fields.get("min_upload_date", 0)) <= photo["dateupload"] <= int(fields["max_upload_date"]):
        return False
    return "lat" not in fields or _flat_km(photo, fields) <= float(fields["radius"])


def _flat_km(photo: dict[str, Any], fields: dict[str, str]) -> float:
    north = (float(photo["latitude"]) - float(fields["lat"])) * 111.2
    east = (
        (float(photo["longitude"]) - float(fields["lon"])) * 111.2 * np.cos(np.radians(float(fields["lat"])))
    )
    return float(np.hypot(north, east))


def mapillary_answer(
    service: Service, path: str, fields: dict[str, str], authorization: str | None
) -> tuple[int, dict[str, Any]]:
    """As the Graph API: boxes below 0.01 degrees square, a limited number of images, errors with codes."""
    if authorization != f"OAuth {MAPILLARY_TOKEN}":
        return 401, _error("Invalid OAuth access token - Cannot parse access token", "OAuthException", 190)
    if path != "/images":
        image = next((each for each in service.images if each["id"] == path.strip("/")), None)
        if image is None:
            return 400, _error("Unsupported get request. Object does not exist", "MLYApiException", 100)
        return 200, {"id": image["id"], "thumb_1024_url": image.get("fresh_url", image["thumb_1024_url"])}
    west, south, east, north = (float(value) for value in fields["bbox"].split(","))
    if east - west >= 0.01 or north - south >= 0.01:
        return 400, _error("The bbox has to be smaller than 0.01 degrees square", "MLYApiException", 100)
    inside = [
        image for image in service.images
        if west <= image["geometry"]["coordinates"][0] <= east
        and south <= image["geometry"]["coordinates"][1] <= north
    ]  # fmt: skip
    if len(inside) > 3 * service.most_images:
        return 500, _error(
            "Please reduce the amount of data you're asking for, then retry your request", "", 1
        )
    start = int(fields.get("after", 0))
    size = min(int(fields["limit"]), service.most_images, service.page_of_images or service.most_images)
    named = fields["fields"].split(",")
    data = [{name: each[name] for name in named if name in each} for each in inside[start : start + size]]
    document: dict[str, Any] = {"data": data}
    if service.page_of_images and start + size < len(inside):
        document["paging"] = {"cursors": {"after": str(start + size)}, "next": "https://graph.example/next"}
    return 200, document


def _error(message: str, kind: str, code: int) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code, "fbtrace_id": "AbC"}}
