"""Photos that are too small or wrongly coloured, in an ingest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.errors import UsageError
from graticule.photos.ingest import IngestReport, IngestSettings, ingest


@pytest.fixture
def trip(tmp_path: Path) -> Path:
    """A table of a coloured, a grey, a black and two small photos."""
    folder = tmp_path / "trip"
    folder.mkdir()
    chance = np.random.default_rng(1)
    noise = Image.fromarray(chance.integers(0, 255, (6, 8, 3), dtype=np.uint8)).resize((80, 60))
    noise.save(folder / "colours.jpg")
    noise.transpose(Image.Transpose.ROTATE_90).convert("L").save(folder / "grey.jpg")
    Image.new("RGB", (80, 60)).save(folder / "black.jpg")
    noise.resize((15, 80)).save(folder / "narrow.png")
    noise.resize((16, 80)).save(folder / "just.png")
    lines = [f"{file.name},48.{number},2.{number}" for number, file in enumerate(sorted(folder.iterdir()))]
    (folder / "photos.csv").write_text("\n".join(["path,latitude,longitude", *lines]))
    return folder


def read(trip: Path, **words: object) -> IngestReport:
    return ingest(trip, trip.parent / "out", IngestSettings(duplicates="keep", **words))  # type: ignore[arg-type]


def test_small_ones_are_refused_and_colours_reported(trip: Path) -> None:
    report = read(trip)
    assert (report.read, report.kept, report.refused) == (5, 4, {"too-small": 1})
    assert report.refusals[0].message.endswith(
        "has 15x80 pixels; 16 were expected on its shorter side at least. Take it with a smaller --min-side."
    )
    written = json.loads((trip.parent / "out" / "ingest.json").read_text())["wrong_colours"]
    assert written["mode"] == "report"
    assert written["counts"] == {"one-colour": 1, "monochrome": 1}
    assert [(each["photo_id"], each["kind"]) for each in written["listed"]] == [
        ("black.jpg", "one-colour"), ("grey.jpg", "monochrome"),
    ]  # fmt: skip


def test_dropped(trip: Path) -> None:
    report = read(trip, wrong_colours="drop", min_side_px=0)
    assert (report.kept, report.refused) == (3, {"wrongly-coloured": 2})
    assert "shows but one colour; colours were expected" in report.refusals[0].message
    assert "is black and white or of one tone" in report.refusals[1].message


def test_left_be(trip: Path) -> None:
    report = read(trip, wrong_colours="keep", min_side_px=61)
    assert report.refused == {"too-small": 5}
    assert report.wrong_colours == {"mode": "keep", "counts": {}, "listed": []}
    unseen = read(trip, check_pixels=False)
    assert (unseen.kept, unseen.wrong_colours["mode"]) == (5, "keep")


def test_modes_that_are_none(trip: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean:  --wrong-colours drop"):
        read(trip, wrong_colours="dropp")
    with pytest.raises(UsageError, match="Leave out one of the two"):
        read(trip, wrong_colours="drop", check_pixels=False)
