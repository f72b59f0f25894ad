"""How much of what decoding and the bare session allow is left when photos come over HTTP.

    python bench/serve.py [FOLDER] [--clients 32] [--requests 2000] [--rounds 3]

Prints, as medians of rounds run in turn: photos/s of decoding alone plus the session alone (the limit), of
`graticule serve` asked by many clients at once, and of a plain Flask server with the same network in torch
eager (where flask and torch are installed); the ratio to the limit (bound 0.85), p50, p95 and p99 of the
answers, p95 in batch times (bound 3), failures (bound 0), seconds from start to ready (bound 2) and resident
memory (bound 600 MB). Clients run in a process of their own on the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from graticule.bundle import read_bundle
from graticule.config import usable_cores
from graticule.inference import MODELS, load_model
from graticule.inference.looking import Looking
from graticule.inference.sources import Source

FLASK = """
import io, sys, torch, timm
from flask import Flask, request
from PIL import Image
from torchvision import transforms
network = timm.create_model(sys.argv[2], num_classes=int(sys.argv[3])).eval()
look = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()])
app = Flask("usual")
@app.get("/healthz")
def health():
    return {}
@app.post("/v1/predict")
def predict():
    image = look(Image.open(io.BytesIO(request.files["files"].read())).convert("RGB"))
    with torch.inference_mode():
        shares = network(image[None]).softmax(-1)[0]
    best = shares.topk(10)
    return {"cells": best.indices.tolist(), "probabilities": best.values.tolist()}
app.run(port=int(sys.argv[1]), threaded=True)
"""


def made_photos(folder: Path, count: int = 100) -> None:
    """Photos of 1024 x 768 with structure, as JPEG, for machines without a folder of real ones."""
    rng = np.random.default_rng(0)
    for number in range(count):
        small = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((1024, 768), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:04}.jpg", quality=88)


@contextmanager
def started(line: list[str], port: int) -> Iterator[tuple[int, float]]:
    """A server process: its id, and the seconds until it answered."""
    begin = time.perf_counter()
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").read()
                break
            except OSError:
                if process.poll() is not None:
                    sys.exit(f"the server ended: {' '.join(line[:4])}")
                time.sleep(0.02)
        yield process.pid, time.perf_counter() - begin
    finally:
        process.terminate()
        process.wait()


def form(photo: bytes) -> bytes:
    """A whole HTTP request with one photo."""
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    body = head + photo + b"\r\n--b--\r\n"
    words = "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    return f"{words}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def ask(port: int, folder: str, clients: int, count: int) -> dict[str, float]:
    """Ask ``count`` times from so many clients; seconds of each answer, and failures."""
    requests = [form(path.read_bytes()) for path in sorted(Path(folder).iterdir())]
    left = iter(range(count))
    seconds: list[float] = []
    failures = 0

    async def client() -> None:
        nonlocal failures
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            begin = time.perf_counter()
            writer.write(requests[number % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.split(b":")[1]))
            failures += b" 200 " not in head.split(b"\r\n")[0]
            seconds.append(time.perf_counter() - begin)
            if b"connection: close" in head.lower():  # Flask's own server
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    begin = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    whole = time.perf_counter() - begin
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
    return {"per_s": count / whole, "p50": p50, "p95": p95, "p99": p99, "failures": failures}


def asked(port: int, folder: Path, clients: int, count: int) -> dict[str, float]:
    """``ask`` in a process of its own."""
    line = [sys.executable, __file__, "--ask", str(port), str(folder), str(clients), str(count)]
    return json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


def limit(folder: Path, count: int) -> tuple[float, float]:
    """Photos/s where decoding alone and the session alone simply add up, and the seconds of a batch of 32."""
    looking = Looking(read_bundle(MODELS["default"]).model_onnx)
    photos = [path.read_bytes() for path in sorted(folder.iterdir())]
    sources = [Source("x", None, photos[number % len(photos)]) for number in range(count)]
    with ThreadPoolExecutor(usable_cores()) as pool:
        begin = time.perf_counter()
        squares = list(pool.map(looking.square, sources))
        decoding_s = time.perf_counter() - begin
    batches = [np.stack(squares[start : start + 32]) for start in range(0, count, 32)]
    begin = time.perf_counter()
    for batch in batches:
        looking.network(batch)
    session_s = time.perf_counter() - begin
    return count / (decoding_s + session_s), (decoding_s + session_s) / len(batches)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def has(package: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(package) is not None


def measure(folder: Path, clients: int, count: int, rounds: int) -> None:
    ours_port, theirs_port = free_port(), free_port()
    ours_line = [sys.executable, "-m", "graticule", "serve", "--port", str(ours_port), "--rate", "0"]
    model = load_model("default")
    architecture, cells = model.card.architecture.split(",")[0], str(model.partition.count)
    theirs_line = [sys.executable, "-c", FLASK, str(theirs_port), architecture, cells]
    usual = has("flask") and has("torch")
    limits, batches, ours, theirs = [], [], [], []
    for _ in range(rounds):
        most, batch_s = limit(folder, min(count, 640))
        limits.append(most)
        batches.append(batch_s)
        with started(ours_line, ours_port) as (pid, ready_s):
            asked(ours_port, folder, clients, 64)
            ours.append(asked(ours_port, folder, clients, count) | {"ready": ready_s, "mb": resident_mb(pid)})
        if usual:
            with started(theirs_line, theirs_port):
                asked(theirs_port, folder, clients, 64)
                theirs.append(asked(theirs_port, folder, clients, max(64, count // 4)))

    def middle(results: list[dict[str, float]], name: str) -> float:
        return statistics.median(result[name] for result in results)

    def told(name: str, results: list[dict[str, float]]) -> None:
        times = ", ".join(f"{word} {middle(results, word) * 1000:.0f} ms" for word in ("p50", "p95", "p99"))
        failed = sum(result["failures"] for result in results)
        print(f"{name:16} {middle(results, 'per_s'):7.1f} photos/s   {times}   failures {failed:.0f}")

    most, batch_s = statistics.median(limits), statistics.median(batches)
    print(
        f"{usable_cores()} cores, {clients} clients, {count} requests, {rounds} rounds, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'limit':16} {most:7.1f} photos/s   (a batch of 32: {batch_s * 1000:.0f} ms)")
    told("graticule serve", ours)
    if usual:
        told("Flask + torch", theirs)
        print(f"graticule serves {middle(ours, 'per_s') / middle(theirs, 'per_s'):.2f} times Flask + torch")
    print(f"{middle(ours, 'per_s') / most:.2f} of the limit (bound 0.85)")
    print(f"p95 is {middle(ours, 'p95') / batch_s:.2f} batch times (bound 3)")
    print(
        f"ready after {middle(ours, 'ready'):.2f} s (bound 2); "
        f"{middle(ours, 'mb'):.0f} MB resident (bound 600)"
    )


def main() -> None:
    if sys.argv[1:2] == ["--ask"]:
        port, folder, clients, count = sys.argv[2:]
        print(json.dumps(asyncio.run(ask(int(port), folder, int(clients), int(count)))))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        if words.folder is None:
            made_photos(Path(made))
        measure(words.folder or Path(made), words.clients, words.requests, words.rounds)


if __name__ == "__main__":
    main()
