"""The application: routes, pages, guard and figures put together."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from graticule._version import __version__
from graticule.web.api import router
from graticule.web.counters import Counters
from graticule.web.guard import Guard
from graticule.web.problems import handle_problems
from graticule.web.samples import SamplePhotos
from graticule.web.served import ServedModels
from graticule.web.settings import ServerSettings

PAGES: Final = Path(__file__).with_name("assets")
"""The web page, built from ``web/`` with the package."""

COMPRESSED_FROM_BYTES: Final = 20_000
"""Pages and outlines of cells are sent compressed; answers are too small to be worth it."""

_ABOUT: Final = (
    "Where on Earth was this photo taken, how sure can one be, and why? Photos are read in memory and "
    "forgotten; a photo's own GPS position is never used. Degrees are WGS 84; shares lie in [0, 1]."
)


def create_app(settings: ServerSettings) -> FastAPI:
    """A server with its models loaded.

    Raises:
        MissingFileError, BundleError: a model or the test photos cannot be loaded.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await app.state.models.close()

    app = FastAPI(
        title="graticule",
        version=__version__,
        description=_ABOUT,
        docs_url=None,  # its page asks another host for its parts
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.models = ServedModels(settings)
    app.state.counters = Counters()
    app.state.test_photos = SamplePhotos(settings.photos, settings.finest) if settings.photos else None
    handle_problems(app)
    app.middleware("http")(_measured)
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM_BYTES, compresslevel=5)
    app.add_middleware(Guard, settings=settings)
    app.include_router(router)
    _serve_pages(app)
    return app


def _serve_pages(app: FastAPI) -> None:
    """A route for each file: a mount would take what the API answers with 405 for a page that is missing."""
    if not (PAGES / "index.html").is_file():
        return
    files = StaticFiles(directory=PAGES)
    for file in PAGES.iterdir():

        async def page(request: Request, name: str = file.name) -> Response:
            return await files.get_response(name, request.scope)

        path = "/" if file.name == "index.html" else f"/{file.name}"
        app.add_route(path, page, methods=["GET"], include_in_schema=False)


async def _measured(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count a request by route, never by path: a path may hold what a client typed."""
    begin = time.perf_counter()
    response = await answer(request)
    route = request.scope.get("route")
    name = getattr(route, "path", "pages") or "pages"
    request.app.state.counters.requests.labels(name, str(response.status_code)).inc()
    request.app.state.counters.seconds.labels(name).observe(time.perf_counter() - begin)
    return response
