"""Who may ask, how often, and what every answer carries: plain ASGI, before any route is looked for."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graticule.web.problems import ProblemError
from graticule.web.settings import ServerSettings

OPEN: Final = ("/healthz",)
"""Paths under the API's roof that need no token; so do the pages, which hold nothing."""

GUARDED: Final = ("/v1/", "/metrics", "/openapi.json")

CLIENTS: Final = 10_000
"""So many clients' counts are kept; the one not seen for longest is forgotten first."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
}


class Guard:
    """Refuses without the token (401), too often (429); puts the safety headers on every answer.

    HEAD is answered as GET is; the server leaves the body out.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings
        self._rates = Rates(settings.rate_per_minute / 60.0, settings.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; anything but HTTP passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                if scope["path"].startswith(GUARDED):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        problem = self._problem(scope)
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await (problem.response() if problem else self._app)(scope, receive, send_safely)

    def _problem(self, scope: Scope) -> ProblemError | None:
        path: str = scope["path"]
        if not path.startswith(GUARDED):
            return None
        token = self._settings.token
        given = Headers(scope=scope).get("authorization", "")
        refused = token is not None and not _is_token(given, token)
        if self._settings.rate_per_minute and (refused or path.startswith("/v1/")):  # guesses count, too
            client = scope.get("client")
            wait_s = self._rates.wait_s(client[0] if client else "")
            if wait_s > 0:
                detail = (
                    f"At most {self._settings.rate_per_minute:g} requests a minute are answered per client. "
                    f"Try again in {max(1, round(wait_s))} s."
                )
                return ProblemError(429, "too-often", detail, retry_after_s=wait_s)
        if refused:
            said = "That is not this server's token." if given else "A token is needed."
            return ProblemError(401, "no-token", f"{said} Send it:  Authorization: Bearer TOKEN")
        return None


class Rates:
    """A bucket of requests per client, which fills at a steady rate.

    Convention:
        - ``per_s``: requests per second in the long run; ``burst``: how many at once after a rest
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str, now_s: float | None = None) -> float:
        """0 when the client may ask now, which counts as asked; else the seconds until it may."""
        now = time.monotonic() if now_s is None else now_s
        left, seen = self._left.pop(client, (float(self._burst), now))
        left = min(float(self._burst), left + (now - seen) * self._per_s)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._per_s
        self._left[client] = (left - 1.0 if wait == 0.0 else left, now)
        if len(self._left) > CLIENTS:
            self._left.popitem(last=False)
        return wait


def _is_token(authorization: str, token: str) -> bool:
    kind, _, given = authorization.partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
