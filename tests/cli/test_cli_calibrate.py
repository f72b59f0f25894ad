"""``graticule calibrate`` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from graticule.bundle import read_bundle
from graticule.errors import UsageError
from graticule.inference import load_model
from graticule.reports.recalibration import read_calibration_photos


def graticule(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "graticule", *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 photos of three colours, one in five in another town than its colour says; one is broken."""
    folder = tmp_path_factory.mktemp("colours")
    random = np.random.default_rng(0)
    towns = [(48.86, 2.35), (39.9, 116.4), (-33.9, 151.2)]
    from graticule.partitions import build_s2

    cells = build_s2(np.repeat(towns, 20, axis=0), max_photos=50, min_photos=5, start_level=3, end_level=8)
    rows = []
    for number in range(150):
        colour = number % 3
        strength = int(random.integers(60, 140))
        pixel = [40, 40, 40]
        pixel[colour] += strength
        Image.new("RGB", (12, 12), tuple(pixel)).save(folder / f"{number}.png")
        cell = colour if random.random() < 0.8 else int(random.integers(0, 3))
        latitude, longitude = cells.centres[cell]
        rows.append(
            (f"{number}.png", latitude, longitude, f"author {number // 3}", "val" if number else None)
        )
    (folder / "7.png").write_bytes(b"broken")
    beside = [(None, None, "val"), (45.0, 5.0, "train"), (0.0, 0.0, "val")]
    for number, (latitude, longitude, split) in enumerate(beside, 150):
        Image.new("RGB", (12, 12), (number, 0, 0)).save(folder / f"{number}.png")
        rows.append((f"{number}.png", latitude, longitude, None, split))
    columns = ["path", "latitude", "longitude", "group", "split"]
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(folder / "photos.csv")
    return folder / "photos.csv"


def test_a_new_bundle_states_what_was_measured(colour_bundle: Path, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "calibrated"
    run = graticule("calibrate", colour_bundle, "--photos", table, "-o", out, "--by", "none", "--json")
    assert run.returncode == 3, run.stderr
    assert "7.png: " in run.stderr
    document = json.loads(run.stdout)
    assert document["photos"]["n"] == 149
    assert document["left_out"] == {"no-position": 1, "zero-position": 1, "other-split": 1}
    assert document["unreadable"] == 1
    before, after = (document["confidence"][when] for when in ("before", "after"))
    assert after["ece"] < before["ece"]
    assert [row["promise"] for row in document["coverage"]["after"]] == [0.8, 0.9, 0.95]
    bundle, model = read_bundle(out), load_model(out)
    assert bundle.card.identity == document["after"] != document["before"]
    assert bundle.card.temperature == document["temperature"] > 1
    assert model.promises == ["0.8", "0.9", "0.95"]
    assert model.predict(table.parent / "0.png", promise=0.8)[0].region_promise == 0.8
    assert "## Calibration" in bundle.model_card
    assert bundle.model_card.startswith("# Colours")
    assert read_bundle(colour_bundle).card.temperature == 1.0  # the first bundle stays


def test_the_table_for_people_has_before_and_after(colour_bundle: Path, table: Path, tmp_path: Path) -> None:
    run = graticule(
        "calibrate",
        colour_bundle,
        "--photos",
        table,
        "-o",
        tmp_path / "b",
        "--promise",
        "0.8",
        "--regions",
        "raps",
    )
    assert "149 photos of 50 groups, 1 left out (" in run.stdout
    assert "1 left out (zero-position)" in run.stdout
    assert "calibration error (ECE)" in run.stdout
    assert "After: The 80 % regions held the truth for" in run.stdout
    assert "Wrote " in run.stderr


def test_calibrating_again_replaces_the_section(colour_bundle: Path, table: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b.graticule"
    graticule("calibrate", colour_bundle, "--photos", table, "-o", first, "--scaling", "platt")
    graticule("calibrate", first, "--photos", table, "-o", second, "--scaling", "none")
    bundle = read_bundle(second)
    assert bundle.model_card.count("## Calibration") == 1
    assert bundle.card.scaling is None
    assert read_bundle(first).card.scaling is not None


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--photos", "nowhere.csv", "-o", "x"], 1, "There is no file or folder"),
        (["-o", "x"], 2, "Missing option '--photos'"),
        (["--photos", "TABLE", "-o", "x", "--promise", "90"], 2, "share between 0 and 1"),
        (["--photos", "TABLE", "-o", "x", "--split", "test"], 2, "Name a split:  --split val"),
        (["--photos", "TABLE", "-o", "x", "--promise", "0.995"], 1, "at least 498 are needed"),
        (["--photos", "TABLE", "-o", "TABLE"], 1, "exists and is not a bundle"),
        (["--photos", "TABLE", "-o", "MODEL"], 2, "is the model itself"),
    ],
)
def test_wrong_words(colour_bundle: Path, table: Path, words: list[str], status: int, says: str) -> None:
    given = [{"TABLE": str(table), "MODEL": str(colour_bundle)}.get(word, word) for word in words]
    run = graticule("calibrate", colour_bundle, *given)
    assert run.returncode == status, run.stderr
    assert says in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("stated", "split", "advice"),
    [
        ("train", None, "Give photos that the model has not learned from."),
        ("train", "val", "Give photos that the model has not learned from."),
        (None, "val", "Leave --split out, for the 74 photos of no split."),
    ],
)
def test_advice_never_names_a_split_without_photos(
    table: Path, tmp_path: Path, stated: str | None, split: str | None, advice: str
) -> None:
    rows = pl.read_csv(table).head(75).with_columns(split=pl.lit(stated, dtype=pl.String))
    rows = rows.with_columns(
        path=pl.format("{}/{}", pl.lit(str(table.parent)), "path"),
        split=pl.when(pl.int_range(75) < 1).then(pl.lit("train")).otherwise("split"),
    )
    rows.write_parquet(tmp_path / "own.parquet")
    with pytest.raises(UsageError) as caught:
        read_calibration_photos(tmp_path / "own.parquet", split=split)
    assert str(caught.value).splitlines()[-1] == advice
