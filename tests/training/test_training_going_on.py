"""A run that is killed at any moment goes on to the same numbers, whatever the recipe keeps between steps."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import torch
import yaml

from graticule.errors import TrainingError
from graticule.models import read_tensors
from graticule.partitions import Partition, build_s2
from graticule.training.callbacks import StoppedError
from graticule.training.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from graticule.training.module import CellClassifier
from graticule.training.recipe.files import read_recipe
from graticule.training.train import resume, train
from tiny_world import tiny_recipe, tiny_values

NUMBERS = ["phase", "epoch", "step", "learning_rate", "train_loss", "val_loss", "val_top1", "val_median_km"]

EVERYTHING: dict[str, object] = {
    "phases": [
        {
            "name": "all",
            "epochs": 4,
            "learning_rate": 0.01,
            "optimizer": "sgd",
            "schedule": "plateau",
            "plateau_patience": 1,
            "plateau_improvement": 0.02,
            "clip_norm": 1.0,
        },
        {"name": "more", "steps": 3, "trainable_stages": 1, "learning_rate": 0.001, "schedule": "step"},
    ],
    "sampling": {"name": "density"},
    "validation": {"every_steps": 3},
    "averaging": {"decay": 0.9},
    "accumulate": 2,
    "augmentation": {"policy": "randaugment-noflip", "mixup": 0.2},
}
"""A recipe with all that a checkpoint has to hold: momentum, averages, a lowered rate, repeated photos."""

KILLED_RUN = """
import sys
from graticule.training import callbacks
from graticule.training.recipe.files import read_recipe
from graticule.training.train import train
callbacks.SAVE_EVERY_S = 0.0  # after every step, in the middle of rounds and epochs
train(read_recipe(sys.argv[1]), sys.argv[2], say=lambda line: None)
"""


def silent(line: str) -> None:
    """Say nothing."""


def numbers(run: Path) -> pl.DataFrame:
    return pl.read_csv(run / "history.csv").select(NUMBERS)


def last(run: Path) -> Checkpoint:
    return read_checkpoint(run / "checkpoints" / "last.ckpt")


def same_tensors(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_kill_minus_nine_in_the_middle(world: Path, tmp_path: Path, one_thread: None) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(tiny_values(world, **EVERYTHING)))
    train(read_recipe(recipe), tmp_path / "whole", say=silent)
    killed = tmp_path / "killed"
    words = [sys.executable, "-c", KILLED_RUN, str(recipe), str(killed)]
    process = subprocess.Popen(
        words, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL, start_new_session=True
    )
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < 200:
        if (killed / "checkpoints" / "best_loss.ckpt").exists() and last(killed).position.steps >= 4:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 4 <= last(killed).position.steps < 13, "killed too late to show anything"
    resume(killed, say=silent)
    assert numbers(killed).equals(numbers(tmp_path / "whole"))
    assert numbers(killed)["learning_rate"].min() < 0.01 * 0.2 + 1e-12  # the plateau came
    ours, theirs = last(killed), last(tmp_path / "whole")
    assert same_tensors(ours.network, theirs.network)
    assert ours.averaged is not None
    assert theirs.averaged is not None
    assert same_tensors(ours.averaged["tensors"], theirs.averaged["tensors"])
    assert not same_tensors(ours.averaged["tensors"], ours.network)
    for name in ("best_loss", "best_accuracy"):
        one, other = (
            read_tensors(run / "checkpoints" / f"{name}.safetensors") for run in (killed, tmp_path / "whole")
        )
        assert same_tensors(one.tensors, other.tensors)


def test_validations_come_every_so_many_steps(world: Path, tmp_path: Path) -> None:
    report = train(tiny_recipe(world, **EVERYTHING), tmp_path / "run", say=silent)
    # 5 batches an epoch, two of them a step: 20 batches make 10 steps, then three more
    assert [row["step"] for row in report.history] == [3, 6, 9, 10, 13]
    assert [row["epoch"] for row in report.history] == [1, 3, 4, 4, 1]


def test_a_second_ctrl_c_stops_at_once_and_says_how_to_go_on(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished_run: Path, one_thread: None
) -> None:
    original = CellClassifier._learn

    def at_once(self: CellClassifier, batch: object) -> None:
        if (self.position.phase, self.position.batch) == (1, 7):
            raise KeyboardInterrupt
        original(self, batch)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(CellClassifier, "_learn", at_once)
        with pytest.raises(
            StoppedError, match=r"Stopped in phase 2, after 1 epochs(.|\n)*--resume"
        ) as caught:
            train(tiny_recipe(world), tmp_path / "run", say=silent)
    assert caught.value.exit_status == 130
    resume(tmp_path / "run", say=silent)
    assert numbers(tmp_path / "run").equals(numbers(finished_run))


def test_other_cells_than_the_checkpoints_are_refused(finished_run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(finished_run, tmp_path / "copy")
    centres = Partition.read(copy / "cells.parquet").centres
    build_s2(centres.repeat(20, axis=0), max_photos=30, min_photos=5, start_level=6).write(
        copy / "cells.parquet"
    )
    with pytest.raises(TrainingError, match=r"was trained on other cells than its cells\.parquet(.|\n)*back"):
        resume(copy, say=silent)


def test_another_batch_size_is_refused(world: Path, tmp_path: Path, finished_run: Path) -> None:
    copy = shutil.copytree(finished_run, tmp_path / "copy")
    found = last(copy)
    found.position.phase_is_over = False
    found.position.batch -= 1
    write_checkpoint(copy / "checkpoints" / "last.ckpt", found)
    text = (copy / "recipe.yaml").read_text().replace("batch_size: 8", "batch_size: 4")
    (copy / "recipe.yaml").write_text(text)
    with pytest.raises(TrainingError, match=r"begun with 5 batches in an epoch, now they are 10"):
        resume(copy, say=silent)
