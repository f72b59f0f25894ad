"""Several processes as ``torchrun`` starts them: the losses of one, each photo once, and on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
import yaml

from graticule.errors import TrainingError
from graticule.models import read_tensors
from graticule.training.checkpoints import read_checkpoint
from graticule.training.loading import KeptFeatures, ordered_loader
from graticule.training.pretraining.run import pretrain
from graticule.training.ranks import ALONE, Ranks, _buckets, ranks_of_environment
from graticule.training.recipe.files import read_pretraining, read_recipe
from graticule.training.sampling import EpochOrder, RoundBatches
from graticule.training.train import resume, train
from graticule.training.validating import Tally
from tiny_world import tiny_values

NUMBERS = ["phase", "epoch", "step", "learning_rate"]
LOSSES = ["train_loss", "val_loss", "val_median_km"]

# without BatchNorm and dropout, whose numbers are each process's own
ALIKE: dict[str, object] = {
    "network": {
        "backbone": {"name": "test_vit", "weights": "none"},
        "image_size_px": 32,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
    },
    "augmentation": {"policy": "crop-flip", "min_area": 0.5},
    "phases": [
        {"name": "all", "epochs": 2, "learning_rate": 0.003, "clip_norm": 1.0, "warmup_epochs": 0.5},
        {"name": "head", "epochs": 1, "trainable": "head", "learning_rate": 0.003},
    ],
    "batch_size": 9,  # 40 photos: the ranks' shares differ, and the last batch has four
}

SAVING_OFTEN = """
import os, sys, time
from graticule.training import callbacks
from graticule.training.pretraining.run import pretrain
from graticule.training.recipe.files import read_pretraining, read_recipe
from graticule.training.train import train
callbacks.SAVE_EVERY_S = 0.0  # after every step
train(read_recipe(sys.argv[1]), sys.argv[2], say=lambda line: None)
"""


def silent(line: str) -> None:
    """Say nothing."""


def torchrun(count: int, *words: str) -> subprocess.Popen[str]:
    line = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={count}",
        *words,
    ]
    return subprocess.Popen(
        line,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def history(run: Path) -> pl.DataFrame:
    return pl.read_csv(run / "history.csv")


@pytest.fixture(scope="module")
def recipe(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ranks") / "recipe.yaml"
    path.write_text(yaml.safe_dump(tiny_values(world, **ALIKE)))
    return path


@pytest.fixture(scope="module")
def alone(recipe: Path) -> Path:
    train(read_recipe(recipe), recipe.parent / "alone", say=silent)
    return recipe.parent / "alone"


def same_numbers(one: Path, other: Path) -> None:
    ours, theirs = history(one), history(other)
    assert ours.select(NUMBERS).equals(theirs.select(NUMBERS))
    for name in LOSSES:
        assert ours[name].to_list() == pytest.approx(theirs[name].to_list(), rel=1e-3), name
    assert ours["val_top1"].to_list() == pytest.approx(theirs["val_top1"].to_list(), abs=0.07)


@pytest.fixture(scope="module")
def together(recipe: Path) -> tuple[Path, str, str]:
    """A run on two processes, as typed; its stdout and stderr."""
    run = recipe.parent / "together"
    process = torchrun(2, "-m", "graticule", "train", str(recipe), "-o", str(run), "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return run, out, err


def test_two_processes_learn_what_one_does(alone: Path, together: tuple[Path, str, str]) -> None:
    run, out, err = together
    same_numbers(run, alone)
    ours, theirs = (
        read_tensors(each / "checkpoints" / "best_loss.safetensors").tensors for each in (run, alone)
    )
    for name, value in theirs.items():
        assert torch.allclose(ours[name], value, atol=2e-3), name
    assert json.loads(out)["epochs"] == 3  # one document, by the first process
    assert err.count("Photos: ") == 1  # so is the log
    predictions = [pl.read_parquet(each / "predictions_val.parquet") for each in (run, alone)]
    assert predictions[0]["photo_id"].equals(predictions[1]["photo_id"])


def test_a_run_of_two_goes_on_alone(together: tuple[Path, str, str], alone: Path) -> None:
    report = resume(together[0], say=silent)  # over already: nothing more is learned
    assert len(report.history) == 3
    same_numbers(together[0], alone)


@pytest.mark.slow
@pytest.mark.parametrize("onward", [1, 2, 3])
def test_a_killed_process_ends_all_and_the_run_goes_on_on_any_number(
    recipe: Path, alone: Path, tmp_path: Path, onward: int
) -> None:
    run, script = tmp_path / "run", tmp_path / "often.py"
    script.write_text(SAVING_OFTEN)
    process = torchrun(2, str(script), str(recipe), str(run))
    began, last = time.monotonic(), run / "checkpoints" / "last.ckpt"
    while process.poll() is None and time.monotonic() - began < 200:
        if (run / "checkpoints" / "best_loss.ckpt").exists() and read_checkpoint(last).position.steps >= 6:
            break
        time.sleep(0.01)
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    )
    os.kill(int(children.stdout.split()[-1]), signal.SIGKILL)  # one of the two
    process.communicate(timeout=200)
    assert process.returncode != 0
    assert 6 <= read_checkpoint(last).position.steps < 15, "killed too late to show anything"
    if onward == 1:
        resume(run, say=silent)
    else:
        again = torchrun(onward, "-m", "graticule", "train", "--resume", str(run))
        _, err = again.communicate(timeout=300)
        assert again.returncode == 0, err
    same_numbers(run, alone)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_photo_comes_once_over_all_ranks(count: int) -> None:
    order = EpochOrder(40, seed=3)
    shares = [
        list(RoundBatches(order, batch_size=9, phase=0, ranks=Ranks(rank, count))) for rank in range(count)
    ]
    assert {len(batches) for batches in shares} == {5}
    whole = list(RoundBatches(order, batch_size=9, phase=0))
    for number, batch in enumerate(whole):
        assert sorted(item for batches in shares for item in batches[number]) == sorted(batch)
    rows = [row for batches in shares for batch in batches for row, _ in batch]
    assert sorted(rows) == list(range(40))


def test_ranks_without_a_photo_have_batches_all_the_same() -> None:
    features = KeptFeatures(torch.zeros(1, 4, 2), np.zeros(4, np.int64), np.ones(4, np.bool_))
    for batch_size, lengths in ((3, [[1, 1], [1, 0], [1, 0], [0, 0]]), (4, [[1], [1], [1], [1]])):
        for rank in range(4):
            loader = ordered_loader(features, batch_size=batch_size, workers=0, ranks=Ranks(rank, 4))
            assert [len(batch.rows) for batch in loader] == lengths[rank]


def test_tallies_add_up_to_that_of_one() -> None:
    generator = np.random.default_rng(0)
    losses, right, errors = generator.random(11), generator.random(11) < 0.5, generator.random(11) * 9000
    whole = Tally()
    whole.add(losses, right, errors)
    whole.add_unreadable([3])
    parts = [Tally(), Tally(), Tally()]  # one of them has nothing
    parts[0].add(losses[:2], right[:2], errors[:2])
    parts[1].add(losses[2:], right[2:], errors[2:])
    parts[1].add_unreadable([3])
    ours, theirs = parts[0].merged(parts).scores(), whole.scores()
    assert (ours.loss, ours.top1) == pytest.approx((theirs.loss, theirs.top1))
    assert ours.median_km == theirs.median_km


def test_alone_nothing_is_exchanged() -> None:
    tensor = torch.ones(3)
    ALONE.add([tensor])
    assert tensor.tolist() == [1, 1, 1]
    assert (ALONE.gather(5), ALONE.any(True), ALONE.is_first, ALONE.several) == ([5], True, True, False)
    assert Ranks(3, 8, 1, 4).nodes == 2


def test_buckets_hold_every_tensor_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graticule.training.ranks.BUCKET", 5)
    tensors = [torch.zeros(size) for size in (3, 2, 1, 9, 4)]
    sizes = [[each.numel() for each in bucket] for bucket in _buckets(tensors)]
    assert sizes == [[3, 2], [1], [9], [4]]
    assert list(_buckets([])) == []


def test_the_environment_of_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert ranks_of_environment() is ALONE
    for name, value in zip(names, ("3", "4", "1", "2"), strict=True):
        monkeypatch.setenv(name, value)
    assert ranks_of_environment() == Ranks(3, 4, 1, 2)
    monkeypatch.delenv("LOCAL_RANK")
    with pytest.raises(
        TrainingError, match=r"WORLD_SIZE is 4, but not all of(.|\n)*torchrun --nproc-per-node"
    ):
        ranks_of_environment()


@pytest.mark.slow
def test_two_processes_pretrain_as_one_does(world: Path, tmp_path: Path) -> None:
    values = {
        "photos": {"table": str(world / "images")},  # a folder: the first process makes its table
        "network": {"autoencoder": "tiny", "image_size_px": 32},
        "phases": [{"name": "restore", "epochs": 2, "learning_rate": 0.001}],
        "reconstructions": 2,
        "batch_size": 17,
        "workers": 0,
    }
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(values))
    pretrain(read_pretraining(recipe), tmp_path / "alone", say=silent)
    process = torchrun(2, "-m", "graticule", "pretrain", str(recipe), "-o", str(tmp_path / "together"))
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    ours, theirs = (history(tmp_path / name) for name in ("together", "alone"))
    assert ours.select(NUMBERS).equals(theirs.select(NUMBERS))
    for name in ("train_loss", "val_loss"):
        assert ours[name].to_list() == pytest.approx(theirs[name].to_list(), rel=1e-4)
    assert len(list((tmp_path / "together" / "reconstructions").iterdir())) == 2
