"""Checkpoints: written whole or not at all, read without running anything."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest
import torch

from graticule.errors import MissingFileError, TrainingError
from graticule.models import read_tensors
from graticule.training.checkpoints import (
    Checkpoint,
    Position,
    read_checkpoint,
    write_checkpoint,
    write_weights,
)

CHECKPOINT = Checkpoint(
    Position(phase=1, batch=13, per_epoch=5, history=[{"phase": "head", "val_loss": 1.5}]),
    {"weight": torch.arange(3.0)},
    optimizer={"state": {0: {"step": torch.tensor(4.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
    averaged={"steps": 4, "tensors": {"weight": torch.ones(3)}},
    cells="abc",
)


class Bomb:
    """What a hostile pickle would run."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("exploded"),))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "deep" / "last.ckpt", CHECKPOINT)
    found = read_checkpoint(tmp_path / "deep" / "last.ckpt")
    assert found.position == CHECKPOINT.position
    assert torch.equal(found.network["weight"], CHECKPOINT.network["weight"])
    assert found.optimizer is not None
    assert found.optimizer["param_groups"] == [{"lr": 0.1, "params": [0]}]
    assert found.averaged is not None
    assert found.averaged["steps"] == 4
    assert (found.cells, found.scaler) == ("abc", {})
    assert found.position.in_words() == "phase 2, after 2 epochs and 3 batches"


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, CHECKPOINT)
    before = path.read_bytes()

    def fills_up(document: object, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", fills_up)
    with pytest.raises(TrainingError, match=r"No space left on device(.|\n)*is intact"):
        write_checkpoint(path, CHECKPOINT)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


def test_what_torch_says_of_a_full_disk_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fills_up(document: object, target: Path) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:671] . unexpected pos 451136 vs 451032")

    monkeypatch.setattr(torch, "save", fills_up)
    room = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room._replace(free=0))
    with pytest.raises(TrainingError, match=r"last\.ckpt' cannot be written: the disk is full\.\n"):
        write_checkpoint(tmp_path / "last.ckpt", CHECKPOINT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room._replace(free=10**9))
    with pytest.raises(TrainingError, match=r"cannot be written: \[enforce fail"):  # something else is wrong
        write_checkpoint(tmp_path / "last.ckpt", CHECKPOINT)


def test_damaged_and_hostile_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "last.ckpt"
    with pytest.raises(MissingFileError, match="There is no checkpoint"):
        read_checkpoint(path)
    write_checkpoint(path, CHECKPOINT)
    whole = path.read_bytes()
    for content in (b"", b"nonsense", whole[: len(whole) // 2], pickle.dumps(Bomb(), protocol=2)):
        path.write_bytes(content)
        with pytest.raises(TrainingError, match="damaged"):
            read_checkpoint(path)
    torch.save({"format": 2, "position": Bomb()}, path)
    with pytest.raises(TrainingError, match="damaged"):
        read_checkpoint(path)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(("number", "age"), [(99, "a later"), (1, "an earlier")])
def test_another_format_says_so(number: int, age: str, tmp_path: Path) -> None:
    torch.save({"format": number}, tmp_path / "last.ckpt")
    with pytest.raises(TrainingError, match=rf"is of {age} graticule(.|\n)*or train anew"):
        read_checkpoint(tmp_path / "last.ckpt")


def test_weights_go_without_pickle(tmp_path: Path) -> None:
    tensors = {"a": torch.rand(2, 3).t(), "b": torch.tensor(7)}
    write_weights(tmp_path / "w.safetensors", tensors, {"architecture": "x"})
    found = read_tensors(tmp_path / "w.safetensors")
    assert found.about == {"architecture": "x"}
    assert all(torch.equal(found.tensors[name], tensors[name]) for name in tensors)
