"""``graticule split`` as a user types it: what is printed, where, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from graticule.cli.main import main
from graticule.photos.ingest import ingest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """What ``graticule WORDS`` exits with and prints: (status, stdout, stderr)."""

    def typed(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return typed


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A photo table of 60 pictures by 20 authors; one picture twice, by two of them."""
    folder = tmp_path / "source"
    folder.mkdir()
    chance = np.random.default_rng(0)
    lines = ["file,lat,lon,author,taken"]
    for number in range(60):
        coarse = Image.fromarray(chance.integers(0, 255, (9, 12, 3), dtype=np.uint8))
        coarse.resize((96, 72), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")
        lines.append(f"{number}.jpg,{number % 20 - 10},{7 * (number % 20)},author{number % 20},2021-07-03")
    Image.open(folder / "58.jpg").resize((80, 60)).save(folder / "59.jpg")
    (folder / "photos.csv").write_text("\n".join(lines))
    ingest(folder, tmp_path / "photos")
    return tmp_path / "photos"


def test_split_and_check(run: Run, photos: Path) -> None:
    status, out, err = run("split", photos, "--by", "group", "--embargo-km", 1)
    assert (status, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert ["train", "42", "70.0%", "of", "42", "asked", "for"] in lines
    assert "19 units that stay together; the largest has 6 photos." in out
    assert f"Wrote {photos / 'photos.parquet'} and {photos / 'split.json'}" in out
    status, out, err = run("split", photos, "--check")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "train 42, val 6, test 12",
        "none  shared-group",
        "none  exact-duplicate",
        "none  near-duplicate",
        "none  near-place within 1 km",
        "none  same-day-same-cell",
        "No leaks.",
    ]


def test_leaks_exit_3_and_are_told(run: Run, photos: Path) -> None:
    table = pl.read_parquet(photos / "photos.parquet")
    parts = ["train"] * 40 + ["val"] * 10 + ["test"] * 10
    table.with_columns(split=pl.Series(parts)).write_parquet(photos / "photos.parquet")
    status, out, _ = run("split", photos, "--check")
    assert status == 3
    assert "LEAK  shared-group: 60 photos (train 40, val 10, test 10)" in out
    assert "LEAK  near-place within 0.1 km: 60 photos" in out
    assert "LEAK  same-day-same-cell: 60 photos" in out
    assert "none  near-duplicate" in out  # the two are both in test
    assert "3 of 5 kinds of leaks found." in out
    status, out, _ = run("split", photos, "--check", "--json")
    document = json.loads(out)
    assert status == 3
    assert [leak["kind"] for leak in document["leaks"]] == [
        "shared-group",
        "near-place",
        "same-day-same-cell",
    ]
    assert len(document["leaks"][0]["examples"]) == 5


def test_json_is_the_report(run: Run, photos: Path) -> None:
    status, out, _ = run("split", photos, "--stratify", "author", "--by", "photo", "--no-keep-days", "--json")
    assert status == 2  # the column is called group
    assert "no column 'author'" in json.loads(out)["error"]["message"]
    status, out, _ = run("split", photos, "--seed", 4, "--json")
    document = json.loads(out)
    assert status == 0
    assert document["rules"]["seed"] == 4
    written = json.loads((photos / "split.json").read_text())
    assert {name: written[name] for name in document} == document


def test_replacing_has_to_be_said(run: Run, photos: Path) -> None:
    run("split", photos)
    status, _, err = run("split", photos)
    assert status == 1
    assert "has splits already" in err
    assert run("split", photos, "--replace", "--seed", 9)[0] == 0


def test_wrong_words(run: Run, photos: Path, tmp_path: Path) -> None:
    for words, status, message in (
        ((photos, "--by", "place"), 2, "--by place --embargo-km 1"),
        ((photos, "--val", "0.9", "--test", "0.1"), 2, "For example:  --val 0.1 --test 0.2"),
        ((photos, "--check", "--seed", "0"), 2, "--seed means nothing"),
        ((photos, "--check", "-o", tmp_path), 2, "--output means nothing"),
        ((photos, "--check", "--no-keep-days"), 2, "--keep-days means nothing"),
        ((photos, "--check"), 1, "has no splits"),
        ((tmp_path / "nowhere",), 1, "graticule ingest"),
    ):
        got, out, err = run("split", *words)
        assert (got, out) == (status, ""), words
        assert message in err


def test_help_has_examples(run: Run) -> None:
    status, out, _ = run("split", "--help")
    assert status == 0
    assert "\n    graticule split photos/ --check\n" in out


def test_the_real_test_set_splits_without_leaks(run: Run, shared: Path, tmp_path: Path) -> None:
    ingest(shared / "data" / "layouts" / "im2gps3k", tmp_path / "im")
    words = ("--by", "group", "--embargo-km", 1, "--val", 0.1, "--test", 0.2)
    assert run("split", tmp_path / "im", *words)[0] == 0
    status, out, _ = run("split", tmp_path / "im", "--check", "--json")
    document = json.loads(out)
    assert (status, document["leaks"]) == (0, [])
    assert document["checked"] == ["shared-group", "exact-duplicate", "near-duplicate", "near-place"]
    assert document["splits"] == {"train": 210, "val": 30, "test": 60}
