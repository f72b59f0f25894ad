"""Turns terms and places into searches of a service, and its answers into photos noted in the journal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, Protocol

import numpy as np

from graticule.geo.sphere import great_circle_km
from graticule.photos.collecting.candidates import Candidate, Wishes, why_not
from graticule.photos.collecting.flickr import MOST_RESULTS, FlickrClient
from graticule.photos.collecting.journal import Journal, Search
from graticule.photos.collecting.terms import Term

_AIM: Final = 3_000
"""Results wanted of each part of a search that is too large; below the limit, for parts are uneven."""

_MOST_PARTS: Final = 64


class PlaceClient(Protocol):
    """A service that can be asked for photos around a place."""

    def near(
        self, latitude: float, longitude: float, radius_km: float, words: Mapping[str, str]
    ) -> list[Candidate]:
        """Photos around a place, the nearest for certain among them."""


def term_searches(terms: Sequence[Term], since: int, until: int, licences: str) -> Iterator[dict[str, Any]]:
    """A search for each term among the photos uploaded from ``since`` to ``until`` (seconds since 1970)."""
    for term in terms:
        yield {
            "text": term.text,
            "group": term.group,
            "since": since,
            "until": until,
            "license": licences,
        }


def place_searches(
    latlon: np.ndarray[Any, np.dtype[np.float64]], radius_km: float, words: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """A search for each place (N, 2) in degrees."""
    for latitude, longitude in latlon.round(6).tolist():
        yield {"latitude": latitude, "longitude": longitude, "radius_km": radius_km, **words}


def search_term(search: Search, client: FlickrClient, journal: Journal, wishes: Wishes) -> None:
    """One page of a search for a term; one with more results than Flickr gives is cut by upload date.

    Raises:
        CollectionError: Flickr refuses, or does not answer.
    """
    words = search.words
    asked = {
        "text": words["text"],
        "license": words["license"],
        "min_upload_date": str(words["since"]),
        "max_upload_date": str(words["until"]),
        "sort": "date-posted-asc",
    }
    page = client.search(asked, search.page)
    span_s = words["until"] - words["since"]
    if search.page == 1 and page.total > MOST_RESULTS and span_s > 0:
        journal.split(search, _parts(words, min(math.ceil(page.total / _AIM), _MOST_PARTS)))
        return
    photos = [_with_term(photo, words["text"], words["group"]) for photo in page.photos]
    last = search.page >= page.pages or search.page * len(page.photos) >= MOST_RESULTS or not photos
    journal.page_done(search, [(photo, why_not(photo, wishes)) for photo in photos], last=last)


def search_place(search: Search, client: PlaceClient, journal: Journal, wishes: Wishes) -> None:
    """The wanted photo nearest to a place; the first of those equally near.

    Raises:
        CollectionError: the service refuses, or does not answer.
    """
    words = dict(search.words)
    place, radius_km = (words.pop("latitude"), words.pop("longitude")), words.pop("radius_km")
    wanted = [photo for photo in client.near(*place, radius_km, words) if why_not(photo, wishes) is None]
    spots = np.array([(photo.latitude, photo.longitude) for photo in wanted], dtype=np.float64).reshape(-1, 2)
    km = great_circle_km(spots, place)
    nearest = int(np.argmin(km)) if wanted else None
    if nearest is None or km[nearest] > radius_km:
        journal.place_done(search, place, None, None)
    else:
        journal.place_done(search, place, wanted[nearest], float(km[nearest]))


def _parts(words: Mapping[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """The search cut into spans of time. Both ends belong to a span, so the next begins a second later."""
    since, until = words["since"], words["until"]
    number = max(2, min(number, until - since + 1))
    edges = [since + (until + 1 - since) * part // number for part in range(number + 1)]
    for start, stop in pairwise(edges):
        yield {**words, "since": start, "until": stop - 1}


def _with_term(photo: Candidate, term: str, group: str) -> Candidate:
    return replace(photo, term=term, term_group=group)
