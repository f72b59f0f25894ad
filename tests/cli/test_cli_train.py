"""The verbs ``train`` and ``recipes``: words in, run folder and sentences out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from graticule.cli.main import main
from tiny_world import tiny_values

pytest.importorskip("torch")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def _run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([*map(str, words)])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return _run


@pytest.fixture
def recipe(world: Path, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    phases = [{"name": "head", "epochs": 2, "trainable": "head", "learning_rate": 0.01, "cached_views": 1}]
    path.write_text(yaml.safe_dump(tiny_values(world, phases=phases)))
    return path


def test_trains_and_prints_the_best_epochs(run, recipe: Path, tmp_path: Path) -> None:
    status, out, err = run("train", recipe, "-o", tmp_path / "run")
    assert status == 0
    assert out.startswith("best_loss: head epoch ")
    assert f"Run: {tmp_path / 'run'}" in out
    assert "trains head" in err
    assert "head 2/2, step " in err
    assert (tmp_path / "run" / "checkpoints" / "best_loss.safetensors").is_file()


def test_json_is_one_document(run, recipe: Path, tmp_path: Path) -> None:
    words = ("train", recipe, "-o", tmp_path / "run", "--set", "phases.0.epochs=1", "--json")
    status, out, _ = run(*words)
    document = json.loads(out)
    assert status == 0
    assert document["epochs"] == 1
    assert document["cells"] == 4
    assert document["best_loss"]["val_loss"] > 0


def test_resume_takes_the_run_alone(run, finished_run: Path) -> None:
    status, _, err = run("train", "--resume", finished_run)
    assert status == 0
    assert "Going on with" in err
    status, _, err = run("train", "quick", "--resume", finished_run)
    assert status == 2
    assert f"Type:  graticule train --resume {finished_run}" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "'train' needs a RECIPE."),
        (["quick"], "'train' needs -o RUN"),
        (["quick", "-o", "run", "--set", "network.dropuot=0.1"], "Did you mean 'network.dropout'?"),
        (["quick", "-o", "run"], "photos.table: no photo table is named."),
    ],
)
def test_wrong_words_exit_with_2(words: list[str], sentence: str, run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run("train", *words)
    assert status == 2
    assert sentence in err
    assert out == ""
    assert not (tmp_path / "run").exists()


def test_failed_work_exits_with_1(run, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    status, out, err = run("train", recipe, "-o", tmp_path / "full", "--json")
    assert status == 1
    assert "is not empty" in err
    assert json.loads(out)["error"]["type"] == "TrainingError"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_says_how_to_go_on(number: signal.Signals, world: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    phases = [{"name": "all", "epochs": 500, "learning_rate": 1e-4}]
    recipe.write_text(yaml.safe_dump(tiny_values(world, phases=phases, workers=1)))
    words = [sys.executable, "-m", "graticule", "train", str(recipe), "-o", str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    began = time.monotonic()
    begun = tmp_path / "run" / "checkpoints" / "best_loss.ckpt"
    while not begun.exists() and time.monotonic() - began < 120:
        time.sleep(0.05)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: to the loading process too
    else:
        process.send_signal(number)  # as a scheduler does when the time is over
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Stopping after this step" in err
    assert f"Go on:  graticule train --resume {tmp_path / 'run'}" in err
    assert "Traceback" not in err


def test_recipes_lists_names_sources_and_paths(run) -> None:
    status, out, _ = run("recipes")
    assert status == 0
    assert "quick  (source: graticule)" in out
    _, out, _ = run("recipes", "--names")
    assert {"default", "quick"} <= set(out.split())
    _, out, _ = run("recipes", "--json")
    listed = {item["name"]: item for item in json.loads(out)["recipes"]}
    assert Path(listed["quick"]["path"]).is_file()
    assert listed["quick"]["reproduces"]
