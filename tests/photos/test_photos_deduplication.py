"""What ingest does about photos that are there twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.errors import UsageError
from graticule.photos.ingest import IngestSettings, ingest
from graticule.photos.table import read_photo_table


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three pictures; the first also as the same file, as a smaller copy, and far away."""
    folder = tmp_path / "source"
    folder.mkdir()
    chance = np.random.default_rng(0)
    lines = ["path,latitude,longitude"]
    for name, place in (("a", "48.1,11.5"), ("b", "52.5,13.4"), ("c", "41.9,12.5")):
        coarse = Image.fromarray(chance.integers(0, 255, (12, 16, 3), dtype=np.uint8))
        coarse.resize((320, 240), Image.Resampling.BICUBIC).save(folder / f"{name}.jpg")
        lines.append(f"{name}.jpg,{place}")
    (folder / "a-again.jpg").write_bytes((folder / "a.jpg").read_bytes())
    Image.open(folder / "a.jpg").resize((200, 150)).save(folder / "a-small.jpg", quality=50)
    lines += ["a-again.jpg,48.1,11.5", "a-small.jpg,40.0,-3.7"]
    Image.new("RGB", (64, 48), "black").save(folder / "night.png")
    Image.new("RGB", (64, 48), "white").save(folder / "snow.png")
    lines += ["night.png,1,1", "snow.png,2,2"]
    (folder / "photos.csv").write_text("\n".join(lines))
    return folder


def test_reported_and_kept(source: Path, tmp_path: Path) -> None:
    report = ingest(source, tmp_path / "out")
    assert (report.read, report.kept, report.refused) == (7, 7, {})
    assert report.duplicates["counts"] == {"exact-duplicate": 1, "near-duplicate": 1}
    listed = {each["photo_id"]: each for each in report.duplicates["listed"]}
    assert {name: (each["reason"], each["of"]) for name, each in listed.items()} == {
        "a-again.jpg": ("exact-duplicate", "a.jpg"),
        "a-small.jpg": ("near-duplicate", "a.jpg"),
    }
    assert listed["a-again.jpg"]["km"] == 0
    assert listed["a-small.jpg"]["km"] == pytest.approx(1507.8, abs=1)
    assert any("1 photo lies more than 1 km from the photo repeated" in text for text in report.warnings)
    assert json.loads((tmp_path / "out" / "ingest.json").read_text())["duplicates"] == report.duplicates


def test_hashes_are_in_the_table(source: Path, tmp_path: Path) -> None:
    ingest(source, tmp_path / "out", IngestSettings(duplicates="keep"))
    table = read_photo_table(tmp_path / "out")
    known = dict(table.select("photo_id", "phash").rows())
    assert known["a.jpg"] == known["a-again.jpg"] != known["b.jpg"]
    assert known["night.png"] is known["snow.png"] is None


def test_dropped_and_listed(source: Path, tmp_path: Path) -> None:
    report = ingest(source, tmp_path / "out", IngestSettings(duplicates="drop"))
    assert (report.read, report.kept) == (7, 5)
    assert report.refused == {"exact-duplicate": 1, "near-duplicate": 1}
    table = read_photo_table(tmp_path / "out")
    assert set(table["photo_id"]) == {"a.jpg", "b.jpg", "c.jpg", "night.png", "snow.png"}
    messages = {refusal.reason: refusal.message for refusal in report.refusals}
    assert "a-again.jpg' is the same file as '" in messages["exact-duplicate"]
    assert "a-small.jpg' is the same picture as '" in messages["near-duplicate"]


def test_left_be(source: Path, tmp_path: Path) -> None:
    report = ingest(source, tmp_path / "out", IngestSettings(duplicates="keep"))
    assert report.duplicates == {"mode": "keep", "near_bits": None, "counts": {}, "listed": []}
    report = ingest(source, tmp_path / "out", IngestSettings(check_pixels=False))
    assert report.duplicates["mode"] == "keep"
    assert read_photo_table(tmp_path / "out")["phash"].null_count() == 7


def test_modes_that_are_none(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean:  --duplicates drop"):
        ingest(source, tmp_path / "out", IngestSettings(duplicates="drops"))
    with pytest.raises(UsageError, match="cannot be dropped with --no-check-pixels"):
        ingest(source, tmp_path / "out", IngestSettings(duplicates="drop", check_pixels=False))
