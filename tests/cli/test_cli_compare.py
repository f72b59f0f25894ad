"""``graticule compare`` as typed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from graticule.cli.main import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    places = np.stack([random.uniform(-60, 70, 150), random.uniform(-180, 180, 150)], axis=1)
    ids = [f"p{i}.jpg" for i in range(150)]

    def write(name: str, latlon: np.ndarray) -> None:
        table = {"photo_id": ids, "latitude": latlon[:, 0], "longitude": latlon[:, 1]}
        pl.DataFrame(table).write_csv(tmp_path / name)

    write("truth.csv", places)
    write("near.csv", places + random.normal(0, 0.5, places.shape))
    write("far.csv", np.stack([random.uniform(-60, 70, 150), random.uniform(-180, 180, 150)], axis=1))
    return tmp_path


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["compare", *words])
    return int(stopped.value.code or 0)


def test_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (f"{folder}/near.csv", f"{folder}/far.csv", "--truth", f"{folder}/truth.csv")
    assert _run(*words, "--resamples", "200") == 0
    out = capsys.readouterr().out
    assert "150 photos" in out
    assert "'near' is better than 'far' in mean error, in median error" in out


def test_json_and_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (f"{folder}/near.csv", f"{folder}/far.csv", "--truth", f"{folder}/truth.csv")
    assert _run(*words, "-o", f"{folder}/report", "--json", "--resamples", "200", "--protocol", "g3") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["protocol"]["name"] == "g3"
    assert document == json.loads((folder / "report" / "metrics.json").read_text())
    page = (folder / "report" / "index.html").read_text()
    assert "near against far" in page
    assert "https://" not in page
    assert "<script" not in page
    assert document["pairs"][0]["words"].replace("'", "&#39;") in page
    errors = pl.read_csv(folder / "report" / "errors.csv")
    assert errors.columns[-3:] == ["error_km of near", "error_km of far", "best"]
    assert errors.height == 150
    for name in ("scatter-1", "map"):
        assert "<svg" in (folder / "report" / "figures" / f"{name}.svg").read_text()
        with Image.open(folder / "report" / "figures" / f"{name}.png") as picture:
            assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20


def test_photos_of_one_side_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pl.read_csv(folder / "far.csv").head(100).write_csv(folder / "few.csv")
    words = (f"{folder}/near.csv", f"{folder}/few.csv", "--truth", f"{folder}/truth.csv")
    assert _run(*words, "--resamples", "0") == 3
    captured = capsys.readouterr()
    assert "100 photos" in captured.out
    assert "Left out of the comparison: 50 photos of near, not in all the others" in captured.err
    assert "50 photos of the truth" in captured.err
    left = pl.read_csv(folder / "far.csv")["photo_id"][100:103].to_list()
    assert ", ".join(f"'{name}'" for name in left) + ", ..." in captured.err


def test_wrong_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near, truth = f"{folder}/near.csv", f"{folder}/truth.csv"
    assert _run(near, "--truth", truth) == 2
    assert "alone cannot be compared" in capsys.readouterr().err
    assert _run(near, near, "--truth", truth) == 2
    assert "is named twice" in capsys.readouterr().err
    assert _run(near, f"{folder}/nothing.csv", "--truth", truth) == 1
    assert "nothing.csv" in capsys.readouterr().err
