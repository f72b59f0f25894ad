"""Errors over HTTP: one form for all of them, and never a word of what a photo held.

Source:
    RFC 9457, "ProblemError Details for HTTP APIs" (2023).
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse

from graticule.errors import GraticuleError, PhotoError

LOG = logging.getLogger("graticule.web")


class ProblemDetails(BaseModel):
    """The body of every answer that is an error."""

    type: str
    title: str
    status: int
    detail: str


class ProblemError(Exception):
    """An error that a client can act on.

    Convention:
        - ``code`` is short and stable: ``too-large``, ``busy``
        - ``retry_after_s``: seconds after which the same request may succeed, or None
        - ``more``: further members of the document
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after_s: float | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.more = more or {}

    def response(self) -> JSONResponse:
        """The problem as a response, ``application/problem+json``."""
        document = {
            "type": f"urn:graticule:problem:{self.code}",
            "title": self.code.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
        }
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, round(self.retry_after_s)))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(document | self.more, self.status, headers, media_type="application/problem+json")


def handle_problems(app: FastAPI) -> None:
    """Give every error of ``app`` the one form; what went wrong inside is logged, not told."""

    async def of_problem(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ProblemError)
        return error.response()

    async def of_words(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        said = "; ".join(f"{'.'.join(map(str, item['loc'][1:]))}: {item['msg']}" for item in error.errors())
        return ProblemError(422, "wrong-words", said or "The request cannot be understood.").response()

    async def of_graticule(_: Request, error: Exception) -> JSONResponse:
        return ProblemError(422, "wrong-words", str(error)).response()

    async def of_http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, StarletteHTTPException)
        code, said = _CODES.get(error.status_code, ("refused", str(error.detail)))
        if allowed := (error.headers or {}).get("Allow"):
            said = f"{said} Expected {allowed}."
        problem = ProblemError(error.status_code, code, said)
        response = problem.response()
        response.headers.update(error.headers or {})
        return response

    async def of_anything(_: Request, error: Exception) -> JSONResponse:
        LOG.error("failed inside: %s", type(error).__name__)  # its message may name a client's file
        return ProblemError(500, "failed", "The server failed. The operator's log says where.").response()

    async def of_photo(_: Request, error: Exception) -> JSONResponse:
        return ProblemError(422, "no-photo", str(error)).response()

    app.add_exception_handler(ProblemError, of_problem)
    app.add_exception_handler(PhotoError, of_photo)
    app.add_exception_handler(RequestValidationError, of_words)
    app.add_exception_handler(GraticuleError, of_graticule)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(StarletteHTTPException, of_http)
    app.add_exception_handler(Exception, of_anything)


_CODES = {
    400: ("bad-request", "The request cannot be read."),
    404: ("not-found", "There is nothing at this address. What there is:  /openapi.json"),
    405: ("method-not-allowed", "This address does not answer to this method."),
}
