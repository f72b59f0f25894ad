"""The server as a process: slow and broken clients, a graceful stop, several workers, damaged files."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from web_process import free_port, httpx, jpeg, server


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def test_clients_at_once_all_get_their_own_answer(colour_bundle: Path) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    with server(colour_bundle) as (_, url), ThreadPoolExecutor(16) as pool:

        def ask(number: int) -> int:
            answer = httpx.post(f"{url}/v1/predict", files={"files": jpeg(colours[number % 3])}, timeout=30)
            return answer.json()["predictions"][0]["candidates"][0]["cell"]

        assert list(pool.map(ask, range(90))) == [0, 1, 2] * 30
        figures = httpx.get(f"{url}/metrics").text
    assert 'graticule_photos_total{outcome="answered"} 90.0' in figures


def test_a_stop_answers_what_is_in_work(colour_bundle: Path) -> None:
    with server(colour_bundle) as (process, url), ThreadPoolExecutor(8) as pool:
        many = [("files", (f"{number}.jpg", jpeg(size=1500))) for number in range(20)]
        asked = [pool.submit(httpx.post, f"{url}/v1/predict", files=many, timeout=60) for _ in range(8)]
        while httpx.get(f"{url}/healthz").json()["in_work"] == 0 and not any(one.done() for one in asked):
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        done = [future.result() for future in asked if future.exception() is None]
        assert process.wait(timeout=30) in (0, -signal.SIGTERM)
        assert done
        assert all(answer.status_code == 200 for answer in done)


def test_a_head_that_never_ends_is_closed(colour_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from graticule.web import patience

    with server(colour_bundle) as (_, url):
        port = int(url.rpartition(":")[2])
        slow = socket.create_connection(("127.0.0.1", port))
        slow.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: x\r\n")
        begin = time.monotonic()
        slow.settimeout(patience.HEADERS_S + 10)
        assert slow.recv(100) == b""
        slow.close()
        assert time.monotonic() - begin < patience.HEADERS_S + 5
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_nothing_of_a_photo_is_logged_or_written(colour_bundle: Path, tmp_path: Path) -> None:
    env = {"TMPDIR": str(tmp_path)}
    os.environ.update(env)
    try:
        with server(colour_bundle) as (process, url):
            big = [("files", (f"secret-{n}.png", jpeg(kind="PNG", size=1400))) for n in range(10)]
            httpx.post(f"{url}/v1/predict", files=[*big, ("files", ("secret.jpg", b"\xff\xd8\xffsecret"))])
            opened = [
                str(link.readlink())
                for link in Path(f"/proc/{process.pid}/fd").iterdir()
                if link.is_symlink()
            ]
            process.terminate()
            said = process.communicate(timeout=30)[1]
    finally:
        os.environ.pop("TMPDIR")
    assert "secret" not in said
    assert list(tmp_path.iterdir()) == []
    assert not [name for name in opened if str(tmp_path) in name]


def test_a_port_that_is_taken(colour_bundle: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        line = [sys.executable, "-m", "graticule", "serve", "--model", str(colour_bundle), "--port", port]
        run = subprocess.run(line, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "cannot listen on" in run.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "--allow-anonymous"),
        (["--host", "no such host", "--token", "x"], "is no address of this machine"),
        (["--model", "defalt"], "Did you mean 'default'"),
        (["--model", "defalt", "--workers", "2"], "Did you mean 'default'"),
        (["--photos", "nowhere"], "nowhere"),
        (["--demo", "--model", "x"], "--demo serves the default model"),
    ],
)
def test_wrong_words(words: list[str], said: str) -> None:
    line = [sys.executable, "-m", "graticule", "serve", "--port", str(free_port()), *words]
    run = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode in (1, 2)
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert "http://127.0.0.1" not in run.stderr  # an address is told of what listens


def test_a_free_port_is_told_once_the_server_listens(colour_bundle: Path) -> None:
    line = [
        sys.executable,
        "-m",
        "graticule",
        "serve",
        "--model",
        str(colour_bundle),
        "--port",
        "0",
        "--json",
    ]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = ""
        while not said.endswith("}\n"):
            more = process.stdout.readline()
            assert more, process.stderr.read()
            said += more
        assert httpx.get(f"{json.loads(said)['url']}/healthz").status_code == 200  # at once
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.slow
def test_several_workers_share_their_figures(colour_bundle: Path) -> None:
    with server(colour_bundle, "--workers", "2") as (_, url):
        for _ in range(40):
            with httpx.Client() as fresh:
                assert fresh.post(f"{url}/v1/predict", files={"files": jpeg()}).status_code == 200
        figures = httpx.get(f"{url}/metrics").text
    assert 'graticule_photos_total{outcome="answered"} 40.0' in figures


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_a_large_check_is_given_back() -> None:
    """Eight times the usual photo, looked at again and again; the server is then as small as before."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((8900, 6700)).save(buffer, "JPEG", quality=85)
    with server("default") as (process, url), httpx.Client(timeout=60) as client:
        for _ in range(3):
            answer = client.post(f"{url}/v1/privacy?copy=true", files={"files": buffer.getvalue()})
            assert answer.status_code == 200
        assert resident_mb(process.pid) < 600


@pytest.mark.slow
def test_damaged_files_by_the_thousand(colour_bundle: Path) -> None:
    """No crash, no 5xx, no growth: truncated, bits flipped, headers that promise the world."""
    rng = random.Random(0)
    kinds = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"]
    whole = {kind: jpeg(kind=kind) for kind in kinds}

    def damaged() -> bytes:
        data = bytearray(whole[rng.choice(kinds)])
        match rng.randrange(4):
            case 0:
                del data[rng.randrange(len(data)) :]
            case 1:
                for _ in range(rng.randrange(1, 30)):
                    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            case 2:
                for place in range(4, min(40, len(data))):
                    if rng.random() < 0.3:
                        data[place] = 0xFF
            case _:
                place = rng.randrange(len(data))
                data[place:place] = rng.randbytes(rng.randrange(1, 5000))
        return bytes(data)

    with server(colour_bundle) as (process, url), httpx.Client(timeout=60) as client:
        grown = []
        for number in range(250):
            files = [("files", (f"{n}.bin", damaged())) for n in range(20)]
            answer = client.post(f"{url}/v1/predict", files=files)
            assert answer.status_code in (200, 422), answer.text
            if number in (60, 249):
                grown.append(resident_mb(process.pid))
        assert client.post(f"{url}/v1/predict", files={"files": jpeg()}).status_code == 200
        assert process.poll() is None
    assert grown[1] < grown[0] + 60


@pytest.mark.slow
def test_the_api_does_what_its_description_says(colour_bundle: Path) -> None:
    """Requests made up from the API's own description never break it."""
    pytest.importorskip("schemathesis")
    with server(colour_bundle) as (_, url):
        line = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json"]
        checks = (
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
        )
        run = subprocess.run(
            [*line, "--checks", checks, "--max-examples", "60", "--seed", "1"],
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
    assert run.returncode == 0, run.stdout[-4000:]
