"""A photo that a service has found, in one form for all services; and which of them are wanted."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

NOT_UNDERSTOOD: Final = "not-understood"
"""Why a photo is not wanted that a service describes in a form that is not known."""

_ID: Final = re.compile(r"[A-Za-z0-9_@-]{1,64}")  # it becomes the name of a file


@dataclass(frozen=True)
class Candidate:
    """A photo as a service describes it, before it is fetched.

    Convention:
        - ``photo_id``: the service's name and its id, ``flickr-53012345678``
        - ``latitude``, ``longitude``: degrees, None where none is told
        - ``accuracy``: 1 (the world) to 16 (a street), None where not told
        - ``group``: whose it is: its author's id, else its sequence
        - ``licence``: SPDX where there is a name; None for one that is not known
        - ``page``: where people look at it; ``url``: where its file is fetched, None where none is offered
        - ``taken_at``: when the camera says, without a zone; ``refused``: why the service's own facts
          speak against it, or None
    """

    photo_id: str
    latitude: float | None
    longitude: float | None
    group: str | None
    licence: str | None
    licence_url: str
    page: str
    url: str | None
    author: str | None = None
    author_name: str | None = None
    taken_at: str | None = None
    title: str | None = None
    tags: str | None = None
    accuracy: int | None = None
    sequence: str | None = None
    heading_deg: float | None = None
    term: str | None = None
    term_group: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Wishes:
    """What makes a photo wanted.

    Convention:
        - ``licences``: names as ``graticule.photos.collecting.licences`` has them
        - ``min_accuracy``: 1 to 16; a photo whose accuracy is not told passes
    """

    licences: frozenset[str]
    min_accuracy: int = 14
    keep_indoors: bool = False


def understood(service: str, said: Any, read: Callable[[dict[str, Any]], Candidate]) -> Candidate:
    """The photo that a service describes by ``said``; one that cannot be understood says so in ``refused``.

    Example:
        >>> understood("flickr", {"id": "../../x"}, lambda said: said["owner"]).refused
        'not-understood'
    """
    try:
        if _ID.fullmatch(str(said["id"])):
            return read(said)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, OSError):
        pass  # counted below, by its reason
    sum_of_it = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
    return Candidate(
        photo_id=f"{service}-{NOT_UNDERSTOOD}-{sum_of_it}",
        latitude=None, longitude=None, group=None, licence=None, licence_url="", page="", url=None,
        refused=NOT_UNDERSTOOD,
    )  # fmt: skip


def text_or_none(value: Any) -> str | None:
    """A text of a service's JSON, numbers as text; None for anything else.

    Example:
        >>> text_or_none("a"), text_or_none(7), text_or_none({"_content": "a"})
        ('a', '7', None)
    """
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def why_not(photo: Candidate, wishes: Wishes) -> str | None:
    """The reason why a photo is not wanted, or None.

    Example:
        >>> photo = Candidate("flickr-1", 0.0, 0.0, "a", "CC0-1.0", "", "https://", "https://")
        >>> why_not(photo, Wishes(frozenset({"CC0-1.0"})))
        'zero-position'
    """
    if photo.refused == NOT_UNDERSTOOD:
        return NOT_UNDERSTOOD
    if photo.licence not in wishes.licences:
        return "unknown-licence" if photo.licence is None else "other-licence"
    if photo.latitude is None or photo.longitude is None:
        return "no-position"
    if not (math.isfinite(photo.latitude) and math.isfinite(photo.longitude)):
        return "nan-position"
    if abs(photo.latitude) > 90 or abs(photo.longitude) > 180:
        return "out-of-range"
    if photo.latitude == photo.longitude == 0:
        return "zero-position"
    if photo.accuracy is not None and photo.accuracy < wishes.min_accuracy:
        return "vague-position"
    if photo.refused is not None and not (photo.refused == "indoors" and wishes.keep_indoors):
        return photo.refused
    return None if photo.url else "no-file"
