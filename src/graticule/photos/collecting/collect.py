"""Collects photos with places from Flickr or Mapillary into a folder with a photo table, resumably."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from graticule.errors import UsageError
from graticule.photos.collecting.candidates import Wishes
from graticule.photos.collecting.fetching import fetch_waiting
from graticule.photos.collecting.flickr import FlickrClient
from graticule.photos.collecting.journal import JOURNAL_NAME, Journal
from graticule.photos.collecting.licences import FLICKR_LICENCES, FREE, MAPILLARY_LICENCE
from graticule.photos.collecting.mapillary import MapillaryClient
from graticule.photos.collecting.outcome import CollectReport, write_outcome
from graticule.photos.collecting.searching import place_searches, search_place, search_term, term_searches
from graticule.photos.collecting.session import Manners, PoliteSession
from graticule.photos.collecting.terms import LANGUAGES, Term, read_terms
from graticule.photos.places import ALL_SPLITS, Places, read_places
from graticule.photos.table import TABLE_NAME

Client = FlickrClient | MapillaryClient

CLIENTS: Final[dict[str, type[Client]]] = {"flickr": FlickrClient, "mapillary": MapillaryClient}

_FLICKR_BEGAN: Final = 1_075_593_600  # 1 February 2004
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class CollectSettings:
    """What to collect.

    Convention:
        - ``terms``: names of lists or files, as ``read_terms`` takes them; or ``places``: a table
        - ``within_km``: how far from a place a photo may be
        - ``licences``: names, as ``read_licences`` gives them; ``min_accuracy``: 1 (world) to 16 (street)
        - ``since``, ``until``: days of upload, both included; only with ``terms``
        - ``most``: photos to keep at most, over all runs; None for no limit
        - ``min_side_px``: the shorter side has at least so many pixels
        - ``api_url``: another address of the API, such as a test's
    """

    terms: tuple[str, ...] = ()
    languages: tuple[str, ...] = LANGUAGES
    places: Path | None = None
    within_km: float = 0.5
    licences: frozenset[str] = FREE
    min_accuracy: int = 14
    keep_indoors: bool = False
    since: date | None = None
    until: date | None = None
    most: int | None = None
    min_side_px: int = 224
    api_url: str | None = None


def collect(
    service: str,
    output: str | Path,
    settings: CollectSettings,
    *,
    manners: Manners | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> CollectReport:
    """Collect photos into ``output``: ``photos.parquet``, ``collect.json``, ``images/`` and the journal.

    Called again it goes on where it stopped, and with other terms or places it adds theirs.

    Convention:
        - ``service``: ``flickr`` or ``mapillary``; its key is read from FLICKR_API_KEY or
          MAPILLARY_ACCESS_TOKEN
        - ``manners``: how fast to ask, and how patiently
        - ``on_progress(kept, searches)``: photos kept, and searches still open
        - the table is written also when an error ends the run

    Raises:
        UsageError: there is no such service, no key, or the settings contradict each other.
        MissingFileError: the places or terms are not there, or the folder cannot be written.
        CollectionError: the service refuses, or does not answer.
    """
    started_s = time.perf_counter()
    client_class = _client_class(service)
    _check(settings, service)
    key = read_key(client_class.key_name, client_class.title, client_class.key_page)
    manners = _paced(manners or Manners(), client_class, settings.api_url)
    session = PoliteSession(manners)
    client: Client = client_class(session, key, api_url=settings.api_url)
    wishes = Wishes(settings.licences, settings.min_accuracy, settings.keep_indoors)
    output = Path(output)
    terms = read_terms(settings.terms, settings.languages) if settings.terms else []
    places = read_places(settings.places, split=ALL_SPLITS) if settings.places else None
    _check_folder(output)
    with Journal(output) as journal:
        _check_service(journal, service, output)
        _plan(settings, service, journal, terms, places)
        try:
            _run(journal, session, client, output, settings, wishes, on_progress or _quiet)
        finally:
            report = write_outcome(journal, session, output, service, _refused(places), started_s)
    return report


def read_key(name: str, title: str, page: str) -> str:
    """The user's key from the environment; it is never printed.

    Raises:
        UsageError: there is none.
    """
    key = os.environ.get(name, "").strip()
    if not key:
        raise UsageError(
            f"{title} is asked with a key of your own, and the environment has no {name}.\n"
            f"Ask for one at {page}, then:  export {name}=YOUR_KEY"
        )
    return key


def _check_folder(folder: Path) -> None:
    """Refuse a folder whose photo table is somebody else's.

    Raises:
        UsageError: it holds one, and no journal.
    """
    if (folder / TABLE_NAME).exists() and not (folder / JOURNAL_NAME).exists():
        raise UsageError(
            f"Folder '{folder}' holds a photo table that was not collected, and it would be replaced.\n"
            "Name another folder after -o."
        )


def _check_service(journal: Journal, service: str, folder: Path) -> None:
    """Refuse a folder that another service's photos were collected into.

    Raises:
        UsageError: it is one.
    """
    if (earlier := journal.fact("service", service)) != service:
        raise UsageError(
            f"Folder '{folder}' is one of photos from {earlier}, not from {service}.\n"
            "Name another folder after -o."
        )


def _client_class(service: str) -> type[Client]:
    if service not in CLIENTS:
        raise UsageError(
            f"There is no service '{service}' to collect from.\nName one of:  {', '.join(CLIENTS)}"
        )
    return CLIENTS[service]


def _check(settings: CollectSettings, service: str) -> None:
    """Refuse settings that cannot be meant.

    Raises:
        UsageError: says which, and what to type.
    """
    if bool(settings.terms) == (settings.places is not None):
        what = "both terms and places were" if settings.terms else "neither terms nor places were"
        raise UsageError(
            f"Photos are searched by terms or around places, and {what} given.\n"
            "Type one of:  --terms outdoor   --places places.parquet"
        )
    if settings.terms and service != "flickr":
        raise UsageError("Mapillary cannot be searched by terms.\nGive it places:  --places places.parquet")
    most_km = CLIENTS[service].most_km
    if not 0 < settings.within_km <= most_km:
        raise UsageError(
            f"Photos within {settings.within_km:g} km cannot be asked for: expected more than 0 and at most "
            f"{most_km:g}.\nType for example:  --within-km 0.5"
        )
    if not 1 <= settings.min_accuracy <= 16:
        raise UsageError(
            f"Accuracy {settings.min_accuracy} does not exist: it goes from 1 (the world) to 16 (a street).\n"
            "Type for example:  --min-accuracy 14"
        )
    if service == "mapillary" and MAPILLARY_LICENCE[0] not in settings.licences:
        raise UsageError(
            f"All photos on Mapillary are {MAPILLARY_LICENCE[0]}, which is not among the licences wanted.\n"
            f"Add it:  --licences {MAPILLARY_LICENCE[0]}"
        )
    if settings.since and settings.until and settings.since > settings.until:
        raise UsageError(
            f"No photo was uploaded from {settings.since} until {settings.until}.\nExchange the two days."
        )
    _check_address(settings.api_url)


def _check_address(api_url: str | None) -> None:
    """A key goes over the network only where nobody can read it on the way."""
    if api_url is None:
        return
    parts = urlsplit(api_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise UsageError(
            f"'{api_url}' would carry your key for all to read.\nGive an address that begins with https://"
        )


def _paced(manners: Manners, service: type[Client], api_url: str | None) -> Manners:
    """The pace of the service, or a slower one; another address has its own rules.

    Raises:
        UsageError: it is faster than the service allows, or not above 0.
    """
    wanted = manners.api_per_second or service.most_per_second
    if wanted <= 0 or manners.photos_per_second <= 0:
        raise UsageError("So many requests per second cannot be made.\nGive a number above 0.")
    if api_url is None and wanted > service.most_per_second:
        raise UsageError(
            f"{service.title} is asked at most {service.most_per_second:g} times a second, not {wanted:g}.\n"
            f"Type:  --api-per-second {service.most_per_second:g}"
        )
    return replace(manners, api_per_second=wanted)


def _plan(
    settings: CollectSettings, service: str, journal: Journal, terms: list[Term], places: Places | None
) -> None:
    """Note the searches in the journal.

    The moment up to which photos are searched is that of the first run, so that a later run finds the same
    searches done.
    """
    until = int(journal.fact("until", str(int(time.time()))))
    since = _seconds(settings.since) if settings.since else _FLICKR_BEGAN
    if settings.until:
        until = min(until, _seconds(settings.until) + 86_399)
    licences = ",".join(str(n) for n, (name, _) in FLICKR_LICENCES.items() if name in settings.licences)
    journal.add_searches(term_searches(terms, since, until, licences))
    if places is None:
        return
    words = {}
    if service == "flickr":  # which gives only the last hours' photos to a search by place without days
        words = {"license": licences, "min_upload_date": str(since), "max_upload_date": str(until)}
    journal.add_searches(place_searches(places.latlon, settings.within_km, words))


def _refused(places: Places | None) -> dict[str, int]:
    """Rows of the table of places that are none, by reason."""
    if places is None:
        return {}
    return places.refused | ({"no-position": places.unplaced} if places.unplaced else {})


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _run(
    journal: Journal,
    session: PoliteSession,
    client: Client,
    output: Path,
    settings: CollectSettings,
    wishes: Wishes,
    on_progress: Callable[[int, int], None],
) -> None:
    """Search and fetch in turn, until all is done or enough photos are there."""
    while True:
        still_open = journal.searches().get("open", 0)
        on_photo = partial(_tell, on_progress, still_open)
        kept = fetch_waiting(
            journal, session, client, output,
            most=settings.most, min_side_px=settings.min_side_px, on_photo=on_photo,
        )  # fmt: skip
        on_progress(kept, still_open)
        search = journal.next_search()
        if search is None or (settings.most is not None and kept >= settings.most):
            return
        if "text" in search.words and isinstance(client, FlickrClient):
            search_term(search, client, journal, wishes)
        else:
            search_place(search, client, journal, wishes)


def _quiet(_kept: int, _searches: int) -> None:
    """Nobody is told."""


def _tell(on_progress: Callable[[int, int], None], still_open: int, kept: int) -> None:
    on_progress(kept, still_open)
