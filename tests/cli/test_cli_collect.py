"""``graticule collect`` as a user types it, against a local server; also killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import graticule
from graticule.cli.main import main
from graticule.photos.table import read_photo_table
from photo_service import Service, service

__all__ = ["service"]  # a fixture, used by its name

Run = Callable[..., tuple[int, str, str]]
FAST = ("--api-per-second", "1000", "--photos-per-second", "1000")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """What ``graticule collect WORDS`` exits with and prints: (status, stdout, stderr)."""

    def typed(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["collect", *(str(word) for word in words)])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return typed


def test_outdoor_terms(run: Run, service: Service, tmp_path: Path) -> None:
    service.add_photo(1, tags="mountain")
    service.add_photo(2, tags="Gebäude")
    service.add_photo(3, tags="office", accuracy=3)
    words = ["flickr", "--terms", "natural", "--terms", "urban", "--languages", "en,de", *FAST,
             "--api-url", service.flickr_url, "-o", tmp_path / "out"]  # fmt: skip
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert "kept                                             2" in out
    assert "CC-BY-2.0                                      2" in out
    assert "found by natural terms                         1" in out
    status, out, _ = run(*words, "--json")
    assert status == 0
    assert json.loads(out)["term_groups"] == {"natural": 1, "urban": 1}
    assert read_photo_table(tmp_path / "out").select("term").to_series().sort().to_list() == [
        "Gebäude",
        "mountain",
    ]


def test_mapillary_places(run: Run, service: Service, tmp_path: Path) -> None:
    service.add_image(1, 55.6763, 12.5681)
    (tmp_path / "sample.csv").write_text("latitude,longitude\n55.6761,12.5681\n0,0\n-33.9,151.2\n")
    words = ["mapillary", "--places", tmp_path / "sample.csv", *FAST, "--api-url", service.url]
    status, out, _ = run(*words, "-o", tmp_path / "out")
    assert status == 3  # a row was no place
    assert "places with a photo                              1  of 2" in out
    assert "places without, no-photo-near                    1" in out
    assert "places refused, zero-position                    1" in out


def test_killed_in_the_middle_and_run_again_nothing_is_twice(
    run: Run, service: Service, tmp_path: Path
) -> None:
    for number in range(60):
        service.add_photo(number, tags="lake")
    service.file_takes_s = 0.03
    (tmp_path / "terms.txt").write_text("lake\n")
    words = ["flickr", "--terms", str(tmp_path / "terms.txt"), *FAST, "--api-url", service.flickr_url,
             "-o", str(tmp_path / "out")]  # fmt: skip
    program = "from graticule.cli.main import main; main()"
    source = str(Path(graticule.__file__).parents[1])
    running = subprocess.Popen(
        [sys.executable, "-c", program, "collect", *words], env={**os.environ, "PYTHONPATH": source}
    )
    patience = time.monotonic() + 60
    while len(service.paths("/files/")) < 20 and time.monotonic() < patience:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    before = len(service.paths("/files/"))
    assert 20 <= before < 60
    assert not (tmp_path / "out" / "photos.parquet").exists()
    service.file_takes_s = 0.0
    status, out, _ = run(*words, "--json")
    assert status == 0
    report = json.loads(out)
    assert (report["kept"], report["found"], report["found_again"]) == (60, 60, 0)
    times = Counter(service.paths("/files/"))
    assert len(times) == 60
    assert sum(times.values()) <= 61  # the one under way when it was killed
    table = read_photo_table(tmp_path / "out")
    assert table["photo_id"].n_unique() == table.height == 60
    files = {path for path in (tmp_path / "out" / "images").rglob("*") if path.is_file()}
    assert files == {tmp_path / "out" / path for path in table["path"]}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("flickr -o out", "neither terms nor places were given"),
        ("flickr --terms outdor -o out", "Did you mean:  --terms outdoor"),
        ("flickr --terms outdoor --licences gratis -o out", "The usual choice:  --licences free"),
        ("flickr --terms outdoor --min-accuracy 20 -o out", "goes from 1 (the world) to 16"),
        ("flickr --terms outdoor --api-per-second 9 -o out", "--api-per-second 1"),
        ("flickr --terms outdoor --photos-per-second 0 -o out", "Give a number above 0"),
        ("mapillary --places sample.parquet --within-km 9 -o out", "at most 2"),
        ("streetview -o out", "No such command 'streetview'"),
    ],
)
def test_wrong_words(run: Run, service: Service, words: str, sentence: str) -> None:
    status, _, err = run(*words.split())
    assert status == 2
    assert sentence in err
    assert service.asked == []


def test_missing_places_and_key(
    run: Run, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, err = run("mapillary", "--places", tmp_path / "sample.parquet", "-o", tmp_path / "out")
    assert (status, "sample.parquet" in err) == (1, True)
    assert not (tmp_path / "out").exists()
    monkeypatch.delenv("FLICKR_API_KEY")
    status, _, err = run("flickr", "--terms", "outdoor", "-o", tmp_path / "out")
    assert (status, "export FLICKR_API_KEY=YOUR_KEY" in err) == (2, True)


def test_terms_and_help_are_shown(run: Run) -> None:
    status, out, _ = run("flickr", "--list-terms")
    assert status == 0
    assert "natural\tit\tmontagna" in out
    status, out, _ = run("--help")
    assert (status, "graticule collect mapillary --places sample.parquet" in out) == (0, True)
