"""Asks servers politely: a pause between requests, more patience after each failure, a stop when told so.

Everything goes through one connection at a time. Keys travel in the body or in a header, never in an address,
so that no log, error or proxy shows them; redirections of a request with a key are not followed.
"""

from __future__ import annotations

import email.utils
import json
import random
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graticule._version import __version__
from graticule.config import require
from graticule.errors import CollectionError, PhotoError

if TYPE_CHECKING:
    import urllib3

BUSY: Final = frozenset({429, 500, 502, 503, 504})
"""Statuses of a server that may answer later."""

_LARGEST_BYTES: Final = 64 << 20
_PLACEHOLDER: Final = "photo_unavailable"
"""Part of the address that Flickr leads to instead of a photo that was taken away."""


@dataclass(frozen=True)
class Manners:
    """How to ask.

    Convention:
        - ``api_per_second``, ``photos_per_second``: requests at most, each counted on its own; None for the
          pace that suits the service
        - ``tries``: of one request; before the second ``first_wait_s`` pass, then twice as long each time
        - ``longest_wait_s``: who is asked to wait longer than that stops instead
    """

    api_per_second: float | None = None
    photos_per_second: float = 4.0
    tries: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 900.0
    timeout_s: float = 30.0


@dataclass(frozen=True)
class Answer:
    """What an API answered: its status and its JSON document, None where it is none."""

    status: int
    document: Any

    @property
    def is_busy(self) -> bool:
        """Whether to ask again later, as far as the status tells."""
        return self.status in BUSY or self.document is None


class PoliteSession:
    """Requests to one API and to the servers of its photos."""

    def __init__(
        self,
        manners: Manners,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.manners = manners
        self.requests = 0
        self.waited_s = 0.0
        self._sleep, self._clock = sleep, clock
        self._earliest_s = {"api": 0.0, "photo": 0.0}
        self._pools: dict[str | None, urllib3.PoolManager] = {}

    def ask(
        self,
        url: str,
        *,
        fields: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        is_busy: Callable[[Answer], bool] = lambda answer: answer.is_busy,
    ) -> Answer:
        """The answer of an API, asked again while it is busy.

        Convention:
            - ``fields``: in the address for GET, in the body for POST
            - ``is_busy``: whether an answer means to come back later

        Raises:
            CollectionError: it is busy for longer than patience lasts, cannot be reached, or leads elsewhere.
        """

        def once() -> tuple[Answer, urllib3.BaseHTTPResponse]:
            response = self._request(method, url, "api", fields=fields, headers=headers, redirect=False)
            if response.get_redirect_location():
                raise CollectionError(
                    f"{_host(url)} leads to another address, and a key is not taken there.\n"
                    "Look at the address of the API; what was collected is kept."
                )
            try:
                document = json.loads(response.data)
            except (ValueError, RecursionError):
                document = None
            return Answer(response.status, document), response

        return self._patiently(once, is_busy, _host(url))

    def fetch(self, url: str) -> bytes:
        """The bytes of a photo.

        Raises:
            PhotoError: it is gone, kept back, too large, or its address is none.
            CollectionError: its server is busy for longer than patience lasts, or cannot be reached.
        """
        if not _is_address(url):
            raise PhotoError(f"'{url}' is no address of a photo.", reason="no-address")

        def once() -> tuple[Answer, urllib3.BaseHTTPResponse]:
            response = self._request("GET", url, "photo", redirect=True, preload_content=False)
            with response:
                data = response.read(_LARGEST_BYTES + 1) if response.status == 200 else b""
            return Answer(response.status, data), response

        answer = self._patiently(once, lambda answer: answer.status in BUSY, _host(url), check=_check_served)
        if len(answer.document) > _LARGEST_BYTES:
            raise PhotoError(
                f"The photo at '{url}' has more than {_LARGEST_BYTES >> 20} MiB.", reason="too-large"
            )
        data: bytes = answer.document
        return data

    def _patiently(
        self,
        once: Callable[[], tuple[Answer, urllib3.BaseHTTPResponse]],
        is_busy: Callable[[Answer], bool],
        host: str,
        check: Callable[[urllib3.BaseHTTPResponse], None] | None = None,
    ) -> Answer:
        exceptions = require("urllib3").exceptions
        why, told_s = "", None
        for number in range(self.manners.tries):
            if number:
                self._wait(number, told_s, host, why)
            try:
                answer, response = once()
            except exceptions.HTTPError as error:  # no connection, no answer in time, cut off
                why, told_s = f"cannot be reached ({type(error).__name__})", None
                continue
            if not is_busy(answer):
                if check is not None:
                    check(response)
                return answer
            no_json = " without JSON" if answer.status == 200 and answer.document is None else ""
            why = f"answered {answer.status}{no_json}"
            told_s = _retry_after_s(response.headers.get("Retry-After"))
        raise CollectionError(
            f"{host} {why}, {self.manners.tries} times.\n"
            "Run the same line again later: it goes on where it stopped."
        )

    def _wait(self, number: int, told_s: float | None, host: str, why: str) -> None:
        """A pause before try ``number`` (from 1): doubled each time, as long at least as the server asked."""
        if told_s is not None and told_s > self.manners.longest_wait_s:
            raise CollectionError(
                f"{host} {why} and asks to wait {told_s / 60:,.0f} minutes.\n"
                "Run the same line again after that: it goes on where it stopped."
            )
        grown_s = self.manners.first_wait_s * 2 ** (number - 1) * random.uniform(1, 1.25)  # not all at once
        pause_s = max(min(grown_s, self.manners.longest_wait_s), told_s or 0.0)
        self.waited_s += pause_s
        self._sleep(pause_s)

    def _request(self, method: str, url: str, kind: str, **words: Any) -> urllib3.BaseHTTPResponse:
        """One request, not before its turn."""
        rate = (self.manners.api_per_second or 1.0) if kind == "api" else self.manners.photos_per_second
        now_s = self._clock()
        if now_s < self._earliest_s[kind]:
            self._sleep(self._earliest_s[kind] - now_s)
            now_s = self._clock()
        self._earliest_s[kind] = now_s + 1 / rate
        self.requests += 1
        retry = require("urllib3").Retry  # only redirections: waiting and asking again is done above
        few = retry(connect=0, read=0, status=0, other=0, redirect=3, respect_retry_after_header=False)
        return self._pool(url).request(method, url, retries=few if words["redirect"] else False, **words)

    def _pool(self, url: str) -> urllib3.PoolManager:
        """Connections to a server, through the proxy that the environment names for it."""
        urllib3 = require("urllib3")
        parts = urllib.parse.urlsplit(url)
        proxy = None
        if not urllib.request.proxy_bypass(parts.netloc):
            proxy = urllib.request.getproxies().get(parts.scheme)
        if proxy not in self._pools:
            words = {
                "headers": {"User-Agent": f"graticule/{__version__} (photo collection for research)"},
                "timeout": self.manners.timeout_s,
            }
            made = urllib3.ProxyManager(proxy, **words) if proxy else urllib3.PoolManager(**words)
            self._pools[proxy] = made
        return self._pools[proxy]


def _check_served(response: urllib3.BaseHTTPResponse) -> None:
    """Refuse what is no photo.

    Raises:
        PhotoError: by its status, or because a placeholder came instead.
    """
    url = response.geturl() or ""
    if response.status in (404, 410) or _PLACEHOLDER in url:
        raise PhotoError("Its author has taken the photo away.", reason="gone")
    if response.status in (401, 403):
        raise PhotoError(f"The server keeps the photo back ({response.status}).", reason="kept-back")
    if response.status != 200:
        raise PhotoError(f"The server answered {response.status}, not 200.", reason="not-served")


def _retry_after_s(value: str | None) -> float | None:
    """Seconds from the header ``Retry-After``, which holds a number or a date.

    Example:
        >>> _retry_after_s("120"), _retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT"), _retry_after_s("soon")
        (120.0, 0.0, None)
    """
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _is_address(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc
