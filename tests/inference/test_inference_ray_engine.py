"""Ray Data makes the same parts to the bit, also when an actor is killed at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graticule.inference import load_model
from graticule.inference.batches import BatchSettings, begin, run
from graticule.inference.sources import find_sources
from graticule.predictions.parts import part_path

pytest.importorskip("ray", reason="needs the extra 'ray'")
pytestmark = pytest.mark.slow

PARTS = 12


@pytest.fixture
def photos(colour_photos: Path) -> Path:
    data = (colour_photos / "a-red.jpg").read_bytes()
    for number in range(8 * PARTS - 4):
        (colour_photos / f"m{number:03}.jpg").write_bytes(data)
    return colour_photos


def workers() -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if name.startswith(b"ray::MapWorker"):
            found.append(int(process.name))
    return found


@pytest.mark.parametrize("kill", [False, True])
def test_the_same_parts(colour_bundle: Path, photos: Path, tmp_path: Path, kill: bool) -> None:
    model = load_model(colour_bundle)
    settings = BatchSettings(batch_size=4, chunk_size=8)
    run(model, begin(model, find_sources(photos), tmp_path / "local", settings))
    words = ["predict", photos, "--model", colour_bundle, "-o", tmp_path / "ray", "--engine", "ray"]
    line = [sys.executable, "-m", "graticule", *map(str, words), "--chunk", "8", "--batch-size", "4"]
    process = subprocess.Popen([*line, "--actors", "1"], stderr=subprocess.PIPE, text=True)
    killed = []
    while kill and process.poll() is None and not killed:
        if part_path(tmp_path / "ray", 0).is_file():
            killed = workers()
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 3, said  # one photo of the fixture is broken
    assert bool(killed) is kill
    for part in range(PARTS):
        ours, theirs = (part_path(tmp_path / name, part).read_bytes() for name in ("ray", "local"))
        assert ours == theirs
