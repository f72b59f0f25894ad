"""Flickr's API: ``flickr.photos.search`` by words or around a place.

Source:
    https://www.flickr.com/services/api/flickr.photos.search.html: 4,000 results of a search at most, 250 on a
    page of a search by place; https://www.flickr.com/services/developer/api/: 3,600 requests an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from graticule.errors import CollectionError
from graticule.photos.collecting.candidates import Candidate, text_or_none, understood
from graticule.photos.collecting.licences import FLICKR_LICENCES
from graticule.photos.collecting.session import Answer, PoliteSession

MOST_RESULTS: Final = 4_000
PAGE: Final = 250
RADIUS_KM: Final = 32.0
"""The largest circle that can be searched."""

_EXTRAS: Final = "geo,license,owner_name,date_taken,date_upload,tags,url_l,url_c,url_z"
_SIZES: Final = ("url_l", "url_c", "url_z")
"""Files of 1024, 800 and 640 pixels on the longer side: the largest there is is taken."""

_BUSY_CODES: Final = frozenset({10, 105, 106})
_KEY_CODES: Final = frozenset({100})
_INDOORS: Final = 1


@dataclass(frozen=True)
class Page:
    """One page of results: ``total`` of the whole search, ``pages`` of it, and the photos on this one."""

    total: int
    pages: int
    photos: list[Candidate]


class FlickrClient:
    """Flickr's API with a user's key."""

    name: ClassVar[str] = "flickr"
    title: ClassVar[str] = "Flickr"
    key_name: ClassVar[str] = "FLICKR_API_KEY"
    key_page: ClassVar[str] = "https://www.flickr.com/services/apps/create/"
    api_url: ClassVar[str] = "https://api.flickr.com/services/rest/"
    most_per_second: ClassVar[float] = 1.0
    most_km: ClassVar[float] = RADIUS_KM

    def __init__(self, session: PoliteSession, key: str, *, api_url: str | None = None) -> None:
        self._session, self._key = session, key
        self._url = api_url or self.api_url

    def search(self, words: Mapping[str, str], page: int = 1) -> Page:
        """A page of public, safe, geotagged photos.

        Convention:
            - ``words``: arguments of ``flickr.photos.search``, such as ``text`` and ``min_upload_date``
            - ``page`` counts from 1

        Raises:
            CollectionError: Flickr refuses, or does not answer.
        """
        fields = {
            "method": "flickr.photos.search",
            "api_key": self._key,
            "format": "json",
            "nojsoncallback": "1",
            "media": "photos",
            "content_type": "1",
            "safe_search": "1",
            "has_geo": "1",
            "extras": _EXTRAS,
            "per_page": str(PAGE),
            "page": str(page),
            **words,
        }
        answer = self._session.ask(self._url, fields=fields, method="POST", is_busy=_is_busy)
        document = answer.document
        if answer.status != 200 or not isinstance(document, dict) or document.get("stat") != "ok":
            raise _refusal(answer)
        try:
            found = document["photos"]
            total, pages, photos = int(found["total"]), int(found["pages"]), list(found["photo"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CollectionError(
                "Flickr answered a search in a form that is not known.\n"
                "What was collected is kept; run the same line again later."
            ) from error
        return Page(total, pages, [understood(self.name, each, _candidate) for each in photos])

    def near(
        self, latitude: float, longitude: float, radius_km: float, words: Mapping[str, str]
    ) -> list[Candidate]:
        """The photos nearest to a place, at most a page of them, for Flickr lists them by distance.

        Raises:
            CollectionError: Flickr refuses, or does not answer.
        """
        where = {"lat": f"{latitude:.6f}", "lon": f"{longitude:.6f}", "radius": f"{radius_km:g}"}
        return self.search({**words, **where, "radius_units": "km"}).photos

    def renewed(self, photo_id: str) -> str | None:  # noqa: ARG002 -- Flickr's addresses do not expire
        """A fresh address of a photo's file; None, for Flickr's do not expire."""
        return None


def _is_busy(answer: Answer) -> bool:
    return answer.is_busy or _code(answer) in _BUSY_CODES


def _code(answer: Answer) -> int | None:
    document = answer.document
    if not isinstance(document, dict) or document.get("stat") != "fail":
        return None
    return _whole(document.get("code", 0))


def _refusal(answer: Answer) -> CollectionError:
    code = _code(answer)
    if code in _KEY_CODES or answer.status in (401, 403):
        return CollectionError(
            f"Flickr does not accept the key in {FlickrClient.key_name}.\n"
            f"Look it up, or ask for one, at {FlickrClient.key_page}"
        )
    said = answer.document.get("message") if isinstance(answer.document, dict) else None
    return CollectionError(
        f"Flickr refused a search: {said or f'status {answer.status}'} (code {code}).\n"
        "What was collected is kept; check the words and dates, and run it again."
    )


def _candidate(photo: dict[str, Any]) -> Candidate:
    """A photo of Flickr's JSON; its numbers may be text, and latitude 0, longitude 0 stand for none."""
    owner = str(photo["owner"])
    licence, licence_url = FLICKR_LICENCES.get(_whole(photo.get("license", -1)), (None, ""))
    taken = photo.get("datetaken") if not _whole(photo.get("datetakenunknown")) else None
    return Candidate(
        photo_id=f"flickr-{photo['id']}",
        latitude=_degrees(photo.get("latitude")),
        longitude=_degrees(photo.get("longitude")),
        group=owner,
        licence=licence,
        licence_url=licence_url,
        page=f"https://www.flickr.com/photos/{owner}/{photo['id']}",
        url=next((photo[size] for size in _SIZES if isinstance(photo.get(size), str)), None),
        author=owner,
        author_name=text_or_none(photo.get("ownername")),
        taken_at=text_or_none(taken),
        title=text_or_none(photo.get("title")),
        tags=text_or_none(photo.get("tags")),
        accuracy=_whole(photo.get("accuracy")) or None,
        refused="indoors" if _whole(photo.get("context")) == _INDOORS else None,
    )


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return -1 if value is not None else 0


def _degrees(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
