"""The verb ``export``: a run in, a bundle out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graticule.bundle import read_bundle
from graticule.cli.main import main

pytest.importorskip("torch")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def _run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["export", *map(str, words)])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return _run


def test_writes_a_bundle_and_prints_the_parity(run, finished_run: Path, tmp_path: Path) -> None:
    status, out, err = run(finished_run, "-o", tmp_path / "model")
    assert status == 0
    assert "Parity of float32 with torch on 16 validation photos" in err
    assert "constant guess" in err
    assert f"graticule predict photo.jpg --model {tmp_path / 'model'}" in out
    assert read_bundle(tmp_path / "model").card.weights == "float32"


def test_json_and_the_other_choices(run, finished_run: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.graticule"
    words = (finished_run, "-o", output, "--checkpoint", "best_accuracy", "--weights", "float16", "--json")
    status, out, _ = run(*words)
    document = json.loads(out)
    assert status == 0
    assert document["bytes"] == output.stat().st_size
    assert [item["weights"] for item in document["parity"]] == ["float32", "float16"]
    assert document["card"]["weights"] == "float16"


def test_what_is_no_run_exits_with_1(run, tmp_path: Path) -> None:
    status, out, err = run(tmp_path, "-o", tmp_path / "model", "--json")
    assert status == 1
    assert "is not a run of graticule" in err
    assert json.loads(out)["error"]["type"] == "MissingFileError"


def test_unknown_weights_exit_with_2(run, tmp_path: Path) -> None:
    status, _, err = run(tmp_path, "-o", tmp_path / "model", "--weights", "int4")
    assert status == 2
    assert "int8" in err
