"""Mapillary's API, version 4: images in a box, and fresh addresses of their files.

Source:
    https://www.mapillary.com/developer/api-documentation: the box of a search is smaller than 0.01 degrees
    square and gives 2,000 images at most; addresses of files expire; the token goes into a header.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import CollectionError
from graticule.geo.sphere import great_circle_km
from graticule.photos.collecting.candidates import Candidate, text_or_none, understood
from graticule.photos.collecting.licences import MAPILLARY_LICENCE
from graticule.photos.collecting.session import Answer, PoliteSession

MOST_IMAGES: Final = 2_000
SIDE_DEG: Final = 0.0099
"""The longest side of a box: below 0.01 degrees."""

_FIELDS: Final = (
    "id,geometry,computed_geometry,captured_at,compass_angle,computed_compass_angle,sequence,creator,is_pano,"
    "thumb_1024_url"
)
_FIRST_KM: Final = 0.06
_GROWTH: Final = 3.0
_LEAST_SIDE_DEG: Final = 1e-4
_MOST_LATITUDE: Final = 88.0
"""Nearer to a pole a circle crosses thousands of boxes, and nobody drives."""

_BUSY_CODES: Final = frozenset({2, 4, 17, 32, 613})
"""Temporarily unavailable, and four ways of saying that too much was asked for at once."""

_TOO_MUCH: Final = "reduce the amount of data"
_KEY_CODE: Final = 190

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees, as the API wants it."""


class MapillaryClient:
    """Mapillary's API with a user's token."""

    name: ClassVar[str] = "mapillary"
    title: ClassVar[str] = "Mapillary"
    key_name: ClassVar[str] = "MAPILLARY_ACCESS_TOKEN"
    key_page: ClassVar[str] = "https://www.mapillary.com/dashboard/developers"
    api_url: ClassVar[str] = "https://graph.mapillary.com"
    most_per_second: ClassVar[float] = 10.0
    most_km: ClassVar[float] = 2.0

    def __init__(self, session: PoliteSession, key: str, *, api_url: str | None = None) -> None:
        self._session = session
        self._headers = {"Authorization": f"OAuth {key}"}
        self._url = (api_url or self.api_url).rstrip("/")

    def near(
        self,
        latitude: float,
        longitude: float,
        radius_km: float,
        words: Mapping[str, str],
    ) -> list[Candidate]:
        """Photos around a place, the nearest for certain among them.

        A small box is searched first, and a larger one only while the circle inside it holds no usable photo.

        Raises:
            CollectionError: Mapillary refuses, or does not answer.
        """
        if abs(latitude) > _MOST_LATITUDE:
            return []
        reach_km = min(_FIRST_KM, radius_km)
        while True:
            found = {
                photo.photo_id: photo
                for box in boxes_around(latitude, longitude, reach_km)
                for photo in self._in_box(box, words)
            }
            usable = [photo for photo in found.values() if photo.refused is None and photo.url]
            near = [photo for photo in usable if _km(photo, latitude, longitude) <= reach_km]
            if near or reach_km >= radius_km:
                return list(found.values())
            reach_km = min(reach_km * _GROWTH, radius_km)

    def renewed(self, photo_id: str) -> str | None:
        """A fresh address of a photo's file, for addresses expire; None where there is none any more.

        Raises:
            CollectionError: Mapillary refuses, or does not answer.
        """
        number = photo_id.removeprefix("mapillary-")
        answer = self._ask(f"/{number}", {"fields": "id,thumb_1024_url"})
        if _error(answer):
            if answer.status in (400, 404):
                return None
            raise _refusal(answer)
        return text_or_none(answer.document.get("thumb_1024_url"))

    def _in_box(self, box: Box, words: Mapping[str, str]) -> Iterator[Candidate]:
        """All images of a box, which is cut into four where it holds too many."""
        fields = {
            "bbox": ",".join(f"{value:.6f}" for value in box),
            "fields": _FIELDS,
            "limit": str(MOST_IMAGES),
            **words,
        }
        answer = self._ask("/images", fields)
        can_be_cut = max(box[2] - box[0], box[3] - box[1]) > _LEAST_SIDE_DEG
        too_much = _TOO_MUCH in str(_error(answer).get("message", ""))
        if can_be_cut and (too_much or len(_data(answer)) >= MOST_IMAGES):
            for part in quarters(box):
                yield from self._in_box(part, words)
            return
        seen = set[str]()
        while True:
            if _error(answer):
                raise _refusal(answer)
            page = [understood(self.name, image, _candidate) for image in _data(answer)]
            new = [photo for photo in page if photo.photo_id not in seen]
            yield from new
            seen.update(photo.photo_id for photo in new)
            after = _next_page(answer)
            if after is None or not new:  # a server that gives the same page for ever is not asked for ever
                return
            answer = self._ask("/images", {**fields, "after": after})

    def _ask(self, path: str, fields: Mapping[str, str]) -> Answer:
        return self._session.ask(self._url + path, fields=fields, headers=self._headers, is_busy=_is_busy)


def boxes_around(latitude: float, longitude: float, radius_km: float) -> list[Box]:
    """Boxes that together cover the circle around a place, each small enough to be searched.

    Convention:
        - the place is in degrees; boxes end at the poles, and at the antimeridian go on beyond it

    Example:
        >>> [[round(value, 3) for value in box] for box in boxes_around(0, 180, 0.1)]
        [[179.999, -0.001, 180.0, 0.001], [-180.0, -0.001, -179.999, 0.001]]
    """
    half_deg = math.degrees(radius_km / EARTH_RADIUS_KM)
    south, north = max(-90.0, latitude - half_deg), min(90.0, latitude + half_deg)
    widest = math.cos(math.radians(max(abs(south), abs(north))))
    half_lon = min(180.0, half_deg / widest) if widest > 1e-9 else 180.0
    boxes = []
    for west, east in _unrolled(longitude - half_lon, longitude + half_lon):
        columns, rows = math.ceil((east - west) / SIDE_DEG), math.ceil((north - south) / SIDE_DEG)
        for column in range(columns):
            for row in range(rows):
                boxes.append((
                    west + (east - west) * column / columns, south + (north - south) * row / rows,
                    west + (east - west) * (column + 1) / columns, south + (north - south) * (row + 1) / rows,
                ))  # fmt: skip
    return boxes


def quarters(box: Box) -> list[Box]:
    """A box cut in four.

    Example:
        >>> quarters((0, 0, 2, 2))[3]
        (1.0, 1.0, 2, 2)
    """
    west, south, east, north = box
    middle, equal = (west + east) / 2, (south + north) / 2
    return [
        (west, south, middle, equal),
        (middle, south, east, equal),
        (west, equal, middle, north),
        (middle, equal, east, north),
    ]


def _unrolled(west: float, east: float) -> list[tuple[float, float]]:
    """Longitudes from west to east as spans inside [-180, 180]."""
    if east - west >= 360:
        return [(-180.0, 180.0)]
    if west < -180:
        return [(-180.0, east), (west + 360, 180.0)]
    if east > 180:
        return [(west, 180.0), (-180.0, east - 360)]
    return [(west, east)]


def _is_busy(answer: Answer) -> bool:
    error = _error(answer)
    if _TOO_MUCH in str(error.get("message", "")):
        return False  # a smaller box helps, patience does not
    return answer.is_busy or error.get("code") in _BUSY_CODES or error.get("is_transient") is True


def _error(answer: Answer) -> dict[str, Any]:
    """The error of an answer; empty where it is none."""
    document = answer.document
    error = document.get("error") if isinstance(document, dict) else None
    if error:
        return error if isinstance(error, dict) else {"message": str(error)}
    return (
        {} if answer.status == 200 and isinstance(document, dict) else {"message": f"status {answer.status}"}
    )


def _data(answer: Answer) -> list[dict[str, Any]]:
    data = answer.document.get("data") if isinstance(answer.document, dict) else None
    if data is not None and not isinstance(data, list):
        raise CollectionError(
            "Mapillary answered a search in a form that is not known.\n"
            "What was collected is kept; run the same line again later."
        )
    return data or []


def _next_page(answer: Answer) -> str | None:
    """What to ask for the next page with, or None after the last."""
    paging = answer.document.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) and paging.get("next") else None
    return (text_or_none(cursors.get("after")) or None) if isinstance(cursors, dict) else None


def _refusal(answer: Answer) -> CollectionError:
    error = _error(answer)
    if error.get("code") == _KEY_CODE or answer.status in (401, 403):
        return CollectionError(
            f"Mapillary does not accept the token in {MapillaryClient.key_name}.\n"
            f"Look it up, or register an application, at {MapillaryClient.key_page}"
        )
    return CollectionError(
        f"Mapillary refused a search: {error.get('message')} (code {error.get('code')}).\n"
        "What was collected is kept; run the same line again later."
    )


def _candidate(image: dict[str, Any]) -> Candidate:
    """A photo of Mapillary's JSON; the place worked out from all photos is better than the camera's."""
    place = image.get("computed_geometry") or image.get("geometry") or {}
    longitude, latitude = (place.get("coordinates") or (None, None))[:2]
    creator, sequence = image.get("creator") or {}, image.get("sequence")
    author = str(creator["id"]) if creator.get("id") else None
    taken_ms = image.get("captured_at")
    heading = image.get("computed_compass_angle", image.get("compass_angle"))
    return Candidate(
        photo_id=f"mapillary-{image['id']}",
        latitude=None if latitude is None else float(latitude),
        longitude=None if longitude is None else float(longitude),
        group=author or text_or_none(sequence),
        licence=MAPILLARY_LICENCE[0],
        licence_url=MAPILLARY_LICENCE[1],
        page=f"https://www.mapillary.com/app/?pKey={image['id']}",
        url=text_or_none(image.get("thumb_1024_url")),
        author=author,
        author_name=text_or_none(creator.get("username")),
        taken_at=_moment(taken_ms),
        sequence=text_or_none(sequence),
        heading_deg=None if heading is None else float(heading),
        refused="panorama" if image.get("is_pano") else None,
    )


def _moment(milliseconds: Any) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _km(photo: Candidate, latitude: float, longitude: float) -> float:
    if photo.latitude is None or photo.longitude is None:
        return math.inf
    return float(great_circle_km((photo.latitude, photo.longitude), (latitude, longitude)))
