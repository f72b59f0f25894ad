"""``graticule predict -o FOLDER`` as a user types it, kills included."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graticule.predictions import Predictions
from graticule.predictions.parts import part_path


def line(*words: object) -> list[str]:
    return [sys.executable, "-m", "graticule", "predict", *map(str, words)]


def graticule(*words: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line(*words), capture_output=True, text=True, check=False, input=stdin)


def test_a_folder_and_the_same_line_again(colour_bundle: Path, colour_photos: Path, tmp_path: Path) -> None:
    words = (colour_photos, "--model", colour_bundle, "-o", tmp_path / "out", "--batch-size", 2)
    first = graticule(*words, "--chunk", 2)
    assert first.returncode == 3, first.stderr
    assert "4 photos, 1 without an answer" in first.stderr
    again = graticule(*words, "--json", "--map", tmp_path / "map.html")
    assert json.loads(again.stdout) == {
        "output": str(tmp_path / "out"),
        "complete": True,
        "photos": 4,
        "failed": 1,
    }
    assert "holds 2 of 2 parts; 0 are to do here" in again.stderr
    assert "trip/c-blue.webp" in (tmp_path / "map.html").read_text()


def test_shares(colour_bundle: Path, colour_photos: Path, tmp_path: Path) -> None:
    words = (colour_photos, "--model", colour_bundle, "-o", tmp_path / "out", "--batch-size", 2, "--chunk", 2)
    first = graticule(*words, "--share", "1/2", "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["complete"] is False
    assert "1 of 2 parts are left to the other shares" in first.stderr
    assert graticule(*words, "--share", "2/2").returncode == 3
    assert len(Predictions.read(tmp_path / "out")) == 4


@pytest.mark.parametrize("separator", ["\n", "\0", "\r\n"])
def test_paths_from_stdin(colour_bundle: Path, colour_photos: Path, tmp_path: Path, separator: str) -> None:
    names = [str(colour_photos / name) for name in ("a-red.jpg", "b-green.png")]
    run = graticule(
        "-", "--model", colour_bundle, "-o", tmp_path / "out", stdin=separator.join(names) + separator
    )
    assert run.returncode == 0, run.stderr
    assert [item.path for item in Predictions.read(tmp_path / "out")] == names


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (["--share", "3"], "'3' is no share", 2),
        (["--share", "3/2"], "'3/2' is no share", 2),
        (["-o", "p.parquet", "--chunk", "4"], "--chunk is for a folder of parts", 2),
    ],
)
def test_wrong_words(
    colour_bundle: Path, colour_photos: Path, tmp_path: Path, words: list[str], said: str, status: int
) -> None:
    run = graticule(colour_photos, "--model", colour_bundle, "-o", tmp_path / "out", *words)
    assert run.returncode == status
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    run = graticule(tmp_path / "fotos", "-o", tmp_path / "out")
    assert run.returncode == 1
    assert "There is no file or folder" in run.stderr


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_killed_and_typed_again(colour_bundle: Path, colour_photos: Path, tmp_path: Path, kills: int) -> None:
    data = (colour_photos / "a-red.jpg").read_bytes()
    for number in range(400):
        (colour_photos / f"m{number:03}.jpg").write_bytes(data)
    words = (colour_photos, "--model", colour_bundle, "--batch-size", 4, "--chunk", 4, "-o")
    graticule(*words, tmp_path / "whole")
    out, seen = tmp_path / "out", 0
    for _ in range(kills):
        process = subprocess.Popen(line(*words, out), stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(out.glob("part-*"))) <= seen:
            time.sleep(0.005)
        process.kill()
        process.wait()
        seen = len(list(out.glob("part-*")))
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert 0 < len(stamps) < 101
    last = graticule(*words, out)
    assert last.returncode == 3, last.stderr
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    for part in range(101):
        ours, theirs = (part_path(tmp_path / name, part).read_bytes() for name in ("out", "whole"))
        assert ours == theirs
    assert not list(out.glob(".*"))
