"""The server as a process of its own, and photos to send it. Without its packages, its tests are skipped."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="needs the extra 'web'")
httpx = pytest.importorskip("httpx")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(bundle: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    line = [
        sys.executable,
        "-m",
        "graticule",
        "serve",
        "--model",
        str(bundle),
        "--port",
        str(port),
        "--rate",
        "0",
    ]
    process = subprocess.Popen([*line, *words], stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.TransportError:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.05)
        yield process, url
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=30)
        process.stderr.close()


def jpeg(colour: tuple[int, int, int] = (255, 0, 0), kind: str = "JPEG", size: int = 48) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, kind)
    return buffer.getvalue()
