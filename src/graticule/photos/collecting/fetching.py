"""Fetches the photos that a journal waits for, checks each file, and puts it into the folder once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from graticule.errors import CollectionError, PhotoError
from graticule.photos.collecting.candidates import Candidate
from graticule.photos.collecting.journal import Fetched, Journal
from graticule.photos.collecting.session import PoliteSession
from graticule.photos.decode import decode, open_header, upright_size
from graticule.photos.duplicates import EXACT, perceptual_hash

_CHECK_SIDE_PX: Final = 64
_FAILURES_IN_A_ROW: Final = 3
"""So many photos in a row that cannot be fetched mean that the server is down, not that they are gone."""

_ENDINGS: Final = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp"}


class Renewer(Protocol):
    """What knows fresh addresses."""

    def renewed(self, photo_id: str) -> str | None:
        """A fresh address of a photo's file, or None."""


def fetch_waiting(
    journal: Journal,
    session: PoliteSession,
    client: Renewer,
    folder: Path,
    *,
    most: int | None = None,
    min_side_px: int = 0,
    on_photo: Callable[[int], None] | None = None,
) -> int:
    """Fetch the photos waiting in the journal until ``most`` are kept; returns how many are.

    Convention:
        - files go to ``folder / "images"``; one is there whole or not at all, and noted after that
        - ``on_photo(kept)`` is called after each photo that is kept
        - ``min_side_px``: a photo whose shorter side has fewer pixels is refused

    Raises:
        CollectionError: the photos' server has failed for several in a row.
    """
    failures, kept = 0, journal.number("kept")
    for photo in journal.waiting():
        if most is not None and kept >= most:
            break
        try:
            data = _data(photo, session, client)
        except PhotoError as error:
            journal.refuse(photo.photo_id, error.reason)
            continue
        except CollectionError:
            journal.failed(photo.photo_id)
            failures += 1
            if failures >= _FAILURES_IN_A_ROW:
                raise
            continue
        failures = 0
        if _store(photo.photo_id, data, journal, folder, min_side_px):
            kept += 1
            if on_photo is not None:
                on_photo(kept)
    return kept


def _data(photo: Candidate, session: PoliteSession, client: Renewer) -> bytes:
    """The photo's file, from a fresh address where the old one has expired."""
    try:
        return session.fetch(photo.url or "")
    except PhotoError as error:
        if error.reason not in ("kept-back", "gone"):
            raise
        fresh = client.renewed(photo.photo_id)
        if fresh is None or fresh == photo.url:
            raise
        return session.fetch(fresh)


def _store(photo_id: str, data: bytes, journal: Journal, folder: Path, min_side_px: int) -> bool:
    """Put a photo into the folder, or refuse it; whether it is kept."""
    try:
        image = open_header(data, name=f"Photo '{photo_id}'")
        width_px, height_px = upright_size(image)
        ending = _ENDINGS.get(image.format or "", ".img")
        pixels = decode(data, min_side_px=_CHECK_SIDE_PX, name=f"Photo '{photo_id}'")
    except PhotoError as error:
        journal.refuse(photo_id, error.reason)
        return False
    if min(width_px, height_px) < min_side_px:
        journal.refuse(photo_id, "too-small")
        return False
    sha256 = hashlib.sha256(data).hexdigest()
    if journal.with_sum(sha256) is not None:
        journal.refuse(photo_id, EXACT)
        return False
    shelf = hashlib.sha256(photo_id.encode()).hexdigest()[:2]  # no folder of a million files
    path = Path("images") / shelf / f"{photo_id}{ending}"
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}")
    unfinished.write_bytes(data)
    unfinished.replace(file)
    journal.keep(photo_id, Fetched(path.as_posix(), width_px, height_px, sha256, perceptual_hash(pixels)))
    return True
