"""The verb evaluate: words in, sentences, files and exit statuses out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graticule.cli.main import main
from graticule.partitions import Partition, build_s2
from graticule.predictions import Candidate, Prediction, Predictions

TOWNS = [[48.86, 2.35]] * 40 + [[39.9, 116.4]] * 30 + [[-33.9, 151.2]] * 20


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions, their cells, a truth and training places in one folder."""
    folder = tmp_path_factory.mktemp("evaluate")
    partition = build_s2(TOWNS, max_photos=50, min_photos=10)
    partition.write(folder / "cells.parquet")
    items = []
    for row in range(len(TOWNS[::6])):
        if row == 2:
            items.append(
                Prediction(
                    f"photos/{row}.jpg", f"/data/photos/{row}.jpg", error="The file is empty.", model="m@1"
                )
            )
            continue
        ranked = np.roll(np.arange(3), row)
        candidates = tuple(
            Candidate(
                int(c), partition.tokens[c], partition.names[c], *partition.centres[c].tolist(), 0.5 / (i + 1)
            )
            for i, c in enumerate(ranked)
        )
        items.append(
            Prediction(
                f"photos/{row}.jpg",
                f"/data/photos/{row}.jpg",
                candidates[0].latitude,
                candidates[0].longitude,
                0.5,
                candidates,
                "FR",
                0.5,
                model="m@1",
            )
        )
    Predictions.of(items).write(folder / "p.parquet")
    rows = [f"{row}.jpg,{latitude},{longitude}" for row, (latitude, longitude) in enumerate(TOWNS[::6])]
    (folder / "truth.csv").write_text("\n".join(["IMG_ID,LAT,LON", *rows, ""]))
    (folder / "train.csv").write_text("\n".join(["lat,lon", *(f"{a},{b}" for a, b in TOWNS)]))
    return folder


def _run(*words: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in words])
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


def test_a_report(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = _run(
        "evaluate",
        files / "p.parquet",
        "--truth",
        files / "truth.csv",
        "--partition",
        files / "cells.parquet",
        "-o",
        tmp_path / "report",
    )
    out, err = capsys.readouterr()
    assert status == 0
    assert (tmp_path / "report" / "index.html").is_file()
    assert "15 photos, 1 without an answer, m@1" in out
    for words in ("within 25 km", "constant", "random", "largest cell", "true cell first", "95 % interval"):
        assert words in out
    assert "15 by file name" in err
    assert f"Wrote {tmp_path / 'report' / 'index.html'}" in err


def test_json_is_one_document_on_stdout(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = _run(
        "evaluate",
        files / "p.parquet",
        "--truth",
        files / "truth.csv",
        "--train-places",
        files / "train.csv",
        "--json",
    )
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert status == 0
    assert document["n"] == 15
    assert document["n_failed"] == 1
    assert document["baselines"]["source"] == "the 90 places of train.csv"
    assert not document["baselines"]["is_in_sample"]
    assert "1 photo has no answer" in err


def test_partition_gives_top_k_and_training_places(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    partition = Partition.read(files / "cells.parquet")
    _run(
        "evaluate",
        files / "p.parquet",
        "--truth",
        files / "truth.csv",
        "--partition",
        files / "cells.parquet",
        "--json",
    )
    document = json.loads(capsys.readouterr().out)
    assert document["baselines"]["source"] == "the 3 cells of cells.parquet, weighted by their photos"
    assert document["top_k"]["3"] == pytest.approx(14 / 15)
    assert 0 < document["top_k"]["1"] < 1
    assert document["baselines"]["constant"]["top_k"]["10"] == 1.0
    assert partition.count == 3


def test_below_the_constant_guess_in_words(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.csv").write_text("id,lat,lon\n" + "\n".join(f"{row}.jpg,-60,-120" for row in range(15)))
    assert (
        _run(
            "evaluate",
            tmp_path / "bad.csv",
            "--truth",
            files / "truth.csv",
            "--train-places",
            files / "train.csv",
        )
        == 0
    )
    out = capsys.readouterr().out
    assert (
        "BELOW the best constant guess at every threshold: one fixed place, always answered, does better."
        in out
    )
    assert "within 25 km: 0.0 %, BELOW the constant guess 'Paris, FR' with 46.7 %" in out


def test_photos_known_to_one_side_end_with_status_3(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (files / "truth.csv").read_text().splitlines()
    (tmp_path / "t.csv").write_text("\n".join([*lines[:11], "other.jpg,1,2"]))
    assert _run("evaluate", files / "p.parquet", "--truth", tmp_path / "t.csv", "--resamples", "0") == 3
    err = capsys.readouterr().err
    assert (
        "5 photos are not in the truth and were not judged: "
        "'photos/10.jpg', 'photos/11.jpg', 'photos/12.jpg' and others." in err
    )
    assert "1 photo has no prediction and was not judged: 'other.jpg'." in err
    assert "too good" in err


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["{f}/nowhere.parquet", "--truth", "{f}/truth.csv"], 1, "no predictions file"),
        (["{f}/p.parquet", "--truth", "{f}/nowhere.csv"], 1, "nowhere.csv"),
        (["{f}/p.parquet"], 2, "--truth"),
        (["{f}/p.parquet", "--truth", "{f}/train.csv"], 1, "no column that looks like a id"),
        (["{f}/p.parquet", "--truth", "{f}/truth.csv", "--latitude", "LOT"], 2, "no column 'LOT'"),
        (["{f}/p.parquet", "--truth", "{f}/truth.csv", "--protocol", "mine"], 2, "no protocol 'mine'"),
        (["{f}/p.parquet", "--truth", "{f}/truth.csv", "--split", "test"], 2, "no column 'split'"),
        (
            ["{f}/p.parquet", "--truth", "{f}/truth.csv", "--model", "default", "--partition", "{f}/c"],
            2,
            "--partition cannot stand beside it",
        ),
        (["{f}/p.parquet", "--truth", "{f}/truth.csv", "--model", "nosuch"], 1, "no model 'nosuch'"),
    ],
)  # fmt: skip
def test_bad_words_and_files(
    files: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, sentence: str
) -> None:
    assert _run("evaluate", *(word.format(f=files) for word in words)) == status
    assert sentence in capsys.readouterr().err


def test_strangers_ids(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("id,lat,lon\nx,1,2\ny,3,4\n")
    assert _run("evaluate", files / "p.parquet", "--truth", tmp_path / "t.csv", "--json") == 1
    out, err = capsys.readouterr()
    assert "None of the 15 predicted photos is among the 2 of the truth" in err
    assert json.loads(out)["error"]["type"] == "PredictionsError"


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("evaluate", "--help") == 0
    assert "graticule evaluate predictions.parquet --truth photos/ -o report" in capsys.readouterr().out


def test_the_whole_way_with_the_models_own_cells(
    colour_bundle: Path,
    colour_photos: Path,
    three_cells: Partition,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run("predict", colour_photos, "--model", colour_bundle, "-o", tmp_path / "p.parquet") == 3
    names = ["a-red.jpg", "b-green.png", "c-blue.webp", "z-broken.jpg"]
    places = three_cells.centres[[0, 1, 2, 0]]
    rows = [
        f"{name},{latitude},{longitude}" for name, (latitude, longitude) in zip(names, places, strict=True)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["file,latitude,longitude", *rows]))
    capsys.readouterr()
    status = _run(
        "evaluate", tmp_path / "p.parquet", "--truth", tmp_path / "t.csv", "--model", colour_bundle, "--json"
    )
    document = json.loads(capsys.readouterr().out)
    assert status == 0
    assert document["top_k"]["1"] == 0.75  # the broken photo counts as wrong
    assert document["within_km"]["25"] == 0.75
    assert document["coverage_90"] == 0.75
    assert document["baselines"]["source"].startswith("the 3 cells of colours@")


def test_a_registered_model_is_found_by_what_the_predictions_state(
    colour_bundle: Path,
    colour_photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        _run("predict", colour_photos / "a-red.jpg", "--model", colour_bundle, "-o", tmp_path / "p.csv") == 0
    )
    (tmp_path / "t.csv").write_text("file,latitude,longitude\na-red.jpg,48.8,2.3\n")
    monkeypatch.setattr("graticule.inference.registry.MODELS", {"reds": colour_bundle})
    capsys.readouterr()
    assert _run("evaluate", tmp_path / "p.csv", "--truth", tmp_path / "t.csv", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["baselines"]["source"].startswith("the 3 cells of colours@")


def test_a_model_of_another_revision_is_not_taken_for_it(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], colour_bundle: Path
) -> None:
    monkeypatch.setattr("graticule.inference.registry.MODELS", {"m": colour_bundle})
    assert _run("evaluate", files / "p.parquet", "--truth", files / "truth.csv", "--json") == 0
    out, err = capsys.readouterr()
    assert "No registered model is 'm@1'" in err
    assert json.loads(out)["top_k"]["1"] is None
