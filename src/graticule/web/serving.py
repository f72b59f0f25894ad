"""Starts the server: one process, or several on one port."""

from __future__ import annotations

import os
import tempfile
from typing import Any, Final

from graticule.config import require
from graticule.errors import UsageError
from graticule.web.settings import ServerSettings

ENVIRONMENT: Final = "GRATICULE_SERVER"
"""Variable that hands the settings, as JSON, to worker processes; the token with them, to nobody else."""

GRACE_S: Final = 30
"""Seconds in which requests are answered that were there when the server was told to stop."""


def serve(settings: ServerSettings) -> None:
    """Serve until told to stop (Ctrl-C or SIGTERM); what is in work is answered first.

    Raises:
        MissingPackageError: the extra ``web`` is not installed.
        UsageError: the host is open to others without a token; the port is taken.
        MissingFileError, BundleError: a model or the test photos cannot be loaded.
    """
    for package in ("fastapi", "python_multipart", "prometheus_client"):
        require(package, extra="web")
    uvicorn = require("uvicorn", extra="web")
    settings.check_reachable()
    _check_port(settings)
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
    if settings.workers == 1:
        from graticule.web.app import create_app

        uvicorn.run(create_app(settings), **options)
        return
    with tempfile.TemporaryDirectory(prefix="graticule-metrics-") as counts:  # numbers only
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts
        os.environ[ENVIRONMENT] = settings.model_dump_json()
        uvicorn.run("graticule.web.serving:worker", factory=True, workers=settings.workers, **options)


def worker() -> Any:
    """The application of a worker process, from the settings that its parent left in the environment."""
    from graticule.web.app import create_app

    return create_app(ServerSettings.model_validate_json(os.environ[ENVIRONMENT]))


def _check_port(settings: ServerSettings) -> None:
    import socket

    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise UsageError(
                f"The server cannot listen on {settings.host}:{settings.port}: {error.strerror or error}.\n"
                f"Take another port:  --port {settings.port + 1 if settings.port < 65535 else 8000}"
            ) from error
