"""Starts the server: one process, or several on one port."""

from __future__ import annotations

import errno
import gc
import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from graticule.config import require
from graticule.errors import UsageError
from graticule.web.settings import ServerSettings

ENVIRONMENT: Final = "GRATICULE_SERVER"
"""Variable that hands the settings, as JSON, to worker processes; the token with them, to nobody else."""

GRACE_S: Final = 30
"""Seconds in which requests are answered that were there when the server was told to stop."""


def serve(settings: ServerSettings, on_ready: Callable[[str], object] = str) -> None:
    """Serve until told to stop (Ctrl-C or SIGTERM); what is in work is answered first.

    Convention:
        - ``on_ready`` is told the server's address once it listens (with several workers: once all that
          they load has been loaded, and they are about to)
        - ``settings.port`` 0 takes a free port

    Raises:
        MissingPackageError: the extra ``web`` is not installed.
        UsageError: the host is open to others without a token, or unknown; the port is taken.
        MissingFileError, BundleError: a model or the test photos cannot be loaded.
    """
    for package in ("fastapi", "python_multipart", "prometheus_client"):
        require(package, extra="web")
    uvicorn = require("uvicorn", extra="web")
    settings.check_reachable()
    settings = settings.model_copy(update={"port": _free_port(settings)})
    from graticule.web.app import create_app
    from graticule.web.patience import PatientProtocol

    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "http": PatientProtocol,
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "timeout_keep_alive": 10,
        "timeout_graceful_shutdown": GRACE_S,
        "h11_max_incomplete_event_size": 16_384,
    }
    url = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.port}"
    app = create_app(settings)
    if settings.workers == 1:
        _run(uvicorn, app, options, partial(on_ready, url))
        return
    del app  # it was loaded to be sure that it can be: a worker that cannot start is started again for ever
    gc.collect()
    on_ready(url)
    with tempfile.TemporaryDirectory(prefix="graticule-metrics-") as counts:  # numbers only
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts
        os.environ[ENVIRONMENT] = settings.model_dump_json()
        uvicorn.run("graticule.web.serving:worker", factory=True, workers=settings.workers, **options)


def worker() -> Any:
    """The application of a worker process, from the settings that its parent left in the environment."""
    from graticule.web.app import create_app

    return create_app(ServerSettings.model_validate_json(os.environ[ENVIRONMENT]))


def _run(uvicorn: Any, app: Any, options: dict[str, Any], on_listening: Callable[[], object]) -> None:
    """One process; ``on_listening`` is called when requests are taken."""

    class Server(uvicorn.Server):  # type: ignore[misc]
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                on_listening()

    with suppress(KeyboardInterrupt):  # Ctrl-C is how it is meant to end
        Server(uvicorn.Config(app, **options)).run()


def _free_port(settings: ServerSettings) -> int:
    """The port to listen on, tried before anything is loaded; a free one for 0."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except socket.gaierror as error:
            raise UsageError(
                f"'{settings.host}' is no address of this machine: {error.strerror}.\n"
                "Name another:  --host 127.0.0.1"
            ) from error
        except OSError as error:
            raise UsageError(_why_not(settings, error)) from error
        port: int = probe.getsockname()[1]
        return port


def _why_not(settings: ServerSettings, error: OSError) -> str:
    said = f"The server cannot listen on {settings.host}:{settings.port}: {error.strerror or error}."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{said}\nName an address of this machine:  --host 127.0.0.1"
    other = 8000 if error.errno == errno.EACCES else settings.port % 65535 + 1
    return f"{said}\nTake another port:  --port {other}"
