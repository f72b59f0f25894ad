"""Ways to train by a key of the recipe, each on the tiny world: what it changes, and what it leaves."""

from __future__ import annotations

import importlib.util
import json
import resource
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from graticule.errors import MissingPackageError, RecipeError, TrainingError
from graticule.models import read_tensors
from graticule.partitions import Partition
from graticule.photos.table import read_photo_table, write_photo_table
from graticule.training.averaging import AveragedWeights
from graticule.training.checkpoints import read_checkpoint
from graticule.training.exporting.export import export
from graticule.training.module import CellClassifier
from graticule.training.precision import Precision
from graticule.training.train import train
from tiny_world import TOWNS, draw_world, tiny_recipe

ONE_EPOCH = [{"name": "all", "epochs": 1, "learning_rate": 0.003}]
KEPT = {"name": "head", "epochs": 2, "trainable": "head", "learning_rate": 0.01, "cached_views": 1}
NETWORK = {
    "backbone": {"name": "test_resnet", "weights": "none"},
    "image_size_px": 32,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
}


def silent(line: str) -> None:
    """Say nothing."""


def tensors(run: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(run / "checkpoints" / "last.ckpt").network


def test_an_average_is_the_literal_one() -> None:
    network = nn.BatchNorm1d(2)
    average = AveragedWeights(network, 0.5)
    expected = network.weight.detach().clone()
    for step in range(12):
        with torch.no_grad():
            network.weight += step
            network.num_batches_tracked += 1
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * network.weight.detach()
    assert torch.allclose(average.tensors["weight"], expected)
    assert int(average.tensors["num_batches_tracked"]) == 12
    own = network.weight.detach().clone()
    with average.in_place():
        assert torch.equal(network.weight, average.tensors["weight"])
    assert torch.equal(network.weight, own)
    again = AveragedWeights(network, 0.5, average.state_dict())
    assert (again.steps, torch.equal(again.tensors["weight"], expected)) == (12, True)


def test_the_average_is_what_is_kept_as_best(world: Path, tmp_path: Path) -> None:
    train(tiny_recipe(world, phases=ONE_EPOCH, averaging={"decay": 0.9}), tmp_path / "run", say=silent)
    found = read_checkpoint(tmp_path / "run" / "checkpoints" / "best_loss.ckpt")
    kept = read_tensors(tmp_path / "run" / "checkpoints" / "best_loss.safetensors").tensors
    assert found.averaged is not None
    assert torch.equal(kept["head.linear.weight"], found.averaged["tensors"]["head.linear.weight"])
    assert not torch.equal(kept["head.linear.weight"], found.network["head.linear.weight"])


def test_accumulated_batches_teach_as_one_large_batch(world: Path, tmp_path: Path, one_thread: None) -> None:
    for name, batch_size, accumulate in (("one", 20, 1), ("two", 10, 2)):
        recipe = tiny_recipe(
            world, phases=[KEPT], network=NETWORK, batch_size=batch_size, accumulate=accumulate
        )
        train(recipe, tmp_path / name, say=silent)
    one, two = tensors(tmp_path / "one"), tensors(tmp_path / "two")
    assert torch.allclose(one["head.linear.weight"], two["head.linear.weight"], atol=1e-6)
    steps = [pl.read_csv(tmp_path / name / "history.csv")["step"][-1] for name in ("one", "two")]
    assert steps == [4, 4]  # of 20 photos each, two an epoch


def test_half_precision_learns_or_says_why_not(world: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(world, phases=ONE_EPOCH, compute={"precision": "bf16"})
    report = train(recipe, tmp_path / "run", say=silent)
    assert np.isfinite(report.history[0]["val_loss"])
    assert all(value.dtype != torch.bfloat16 for value in tensors(tmp_path / "run").values())
    with pytest.raises(TrainingError, match=r"'fp16' needs a GPU(.|\n)*--set compute.precision=auto"):
        Precision("fp16", torch.device("cpu"))
    assert Precision("auto", torch.device("cpu")).name == "float32"


def test_activations_computed_twice_teach_the_same(world: Path, tmp_path: Path, one_thread: None) -> None:
    for name, twice in (("once", False), ("twice", True)):
        recipe = tiny_recipe(world, phases=ONE_EPOCH, compute={"activation_checkpointing": twice})
        train(recipe, tmp_path / name, say=silent)
    one, other = (pl.read_csv(tmp_path / name / "history.csv") for name in ("once", "twice"))
    assert other["train_loss"].to_list() == pytest.approx(one["train_loss"].to_list(), rel=1e-4)


@pytest.mark.slow
def test_a_compiled_backbone_teaches_the_same(world: Path, tmp_path: Path, one_thread: None) -> None:
    for name, compiled in (("plain", False), ("compiled", True)):
        recipe = tiny_recipe(world, phases=ONE_EPOCH, compute={"compile": compiled})
        train(recipe, tmp_path / name, say=silent)
    assert tensors(tmp_path / "plain").keys() == tensors(tmp_path / "compiled").keys()
    one, other = (pl.read_csv(tmp_path / name / "history.csv") for name in ("plain", "compiled"))
    assert other["train_loss"].to_list() == pytest.approx(one["train_loss"].to_list(), rel=1e-2)


def test_the_plateau_lowers_the_rate(world: Path, tmp_path: Path) -> None:
    phase = KEPT | {"epochs": 7, "learning_rate": 1e-9, "schedule": "plateau", "plateau_patience": 3}
    said: list[str] = []
    report = train(tiny_recipe(world, phases=[phase]), tmp_path / "run", say=said.append)
    # the first is the lowest; after three more without improvement the next has a fifth of the rate
    assert [row["learning_rate"] for row in report.history] == pytest.approx([1e-9] * 4 + [2e-10] * 3)
    assert any("rate is multiplied by 0.2" in line for line in said)


def test_what_is_covered_teaches_nothing_and_validates_nothing(world: Path, tmp_path: Path) -> None:
    hidden = {"policy": "mask-region", "region": [0, 0, 1, 1]}
    report = train(tiny_recipe(world, augmentation=hidden), tmp_path / "run", say=silent)
    assert {row["val_top1"] for row in report.history} == {0.25}  # black is one of four towns
    metrics = json.loads((tmp_path / "run" / "evaluation" / "best_loss_test" / "metrics.json").read_text())
    assert metrics["n"] == 12


@pytest.mark.parametrize("policy", ["crop-jitter-rotate", "rotate90-flip-colour", "precomputed-crops"])
def test_policies_teach(policy: str, world: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(world, augmentation={"policy": policy}, sampling={"name": "balanced"})
    assert max(row["val_top1"] for row in train(recipe, tmp_path / "run", say=silent).history) > 0.6


def test_profile_names_the_limit_and_teaches_nothing(world: Path, tmp_path: Path, one_thread: None) -> None:
    said: list[str] = []
    recipe = tiny_recipe(world, phases=ONE_EPOCH)
    train(recipe, tmp_path / "profiled", say=said.append, profile=True)
    found = json.loads((tmp_path / "profiled" / "profile.json").read_text())
    slower = min(found["loading_photos_per_s"], found["computing_photos_per_s"])
    assert slower == found[f"{found['limit']}_photos_per_s"] > 0
    assert any(line.startswith("Profile: ") and f"{found['limit']} is the limit" in line for line in said)
    train(recipe, tmp_path / "plain", say=silent)
    one, other = tensors(tmp_path / "profiled"), tensors(tmp_path / "plain")
    assert all(torch.equal(one[name], value) for name, value in other.items())
    row = pl.read_csv(tmp_path / "plain" / "history.csv").row(0, named=True)
    assert row["loading_photos_per_s"] > 0
    assert row["computing_photos_per_s"] > 0


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb"])
def test_a_logger_that_is_not_installed_says_what_to_type(name: str, world: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec(name) is not None:
        pytest.skip(f"{name} is installed here")
    with pytest.raises(MissingPackageError, match=r"pip install 'graticule\[loggers\]'"):
        train(tiny_recipe(world, loggers=[name]), tmp_path / "run", say=silent)
    assert not (tmp_path / "run").exists()


def test_parts_and_stages_that_are_not_there_leave_nothing_behind(world: Path, tmp_path: Path) -> None:
    for changes, words in (
        ({"trainable": ["neck"]}, "no part 'neck'"),
        ({"trainable_stages": 9}, "5 stages"),
    ):
        with pytest.raises(RecipeError, match=words):
            train(tiny_recipe(world, phases=[ONE_EPOCH[0] | changes]), tmp_path / "run", say=silent)
    assert not (tmp_path / "run").exists()


def test_a_cell_without_a_photo(world: Path, tmp_path: Path) -> None:
    places = np.array([(town[0], town[1]) for town in TOWNS.values()] + [(60.0, 100.0)])
    Partition.write(_five_cells(places), tmp_path / "cells.parquet")
    said: list[str] = []
    recipe = tiny_recipe(
        world,
        partition={"file": str(tmp_path / "cells.parquet")},
        phases=[KEPT],
        sampling={"name": "balanced"},
    )
    train(recipe, tmp_path / "run", say=said.append)
    assert any("Cells: 5 (s2), 1 of them without a training photo" in line for line in said)


def _five_cells(places: np.ndarray) -> Partition:
    from graticule.partitions import build_s2

    return build_s2(places.repeat(20, axis=0), max_photos=30, min_photos=5, start_level=2)


def test_one_photo_does_not_suffice(tmp_path: Path) -> None:
    world = draw_world(tmp_path / "world", per_town={"train": 1, "val": 1})
    table = pl.read_parquet(world / "photos.parquet")
    table.filter(pl.col("photo_id").is_in(["FR-train-0", "FR-val-0"])).write_parquet(world / "photos.parquet")
    with pytest.raises(TrainingError, match="has 1 photos with a place, expected at least 2"):
        train(tiny_recipe(world), tmp_path / "run", say=silent)


def test_a_photo_alone_in_its_batch_is_left_out_and_named(world: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(world, tmp_path / "world")
    for number in range(1, 10):  # of each batch of two usually one is left
        for town in TOWNS:
            (copy / "images" / f"{town}-train-{number}.png").write_bytes(b"broken")
    said: list[str] = []
    network = NETWORK | {"feature_norm": True}
    train(
        tiny_recipe(copy, phases=ONE_EPOCH, network=network, batch_size=12), tmp_path / "run", say=said.append
    )
    lost = json.loads((tmp_path / "run" / "photos.json").read_text())["unreadable"]["train"]
    assert len(lost) >= 36
    for town in TOWNS:
        (copy / "images" / f"{town}-train-0.png").write_bytes(b"broken")
    with pytest.raises(TrainingError, match=r"None of the photos(.|\n)*Check them"):
        train(tiny_recipe(copy, phases=ONE_EPOCH), tmp_path / "none", say=silent)


def test_memory_that_runs_out_says_which_knob(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CellClassifier, "_learn", lambda *_: torch.empty(2**60))
    with pytest.raises(
        TrainingError,
        match=r"Memory ran out(.|\n)*batch_size=4 --set accumulate=2(.|\n)*activation_checkpointing",
    ):
        train(tiny_recipe(world, phases=ONE_EPOCH), tmp_path / "run", say=silent)


def test_a_disk_that_fills_leaves_the_old_checkpoint(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    original = CellClassifier._learn

    def fills(self: CellClassifier, batch: object) -> None:
        original(self, batch)  # type: ignore[arg-type]
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # from now on files stay shorter

    monkeypatch.setattr(CellClassifier, "_learn", fills)
    try:
        with pytest.raises(TrainingError, match=r"cannot be written(.|\n)*is intact(.|\n)*--resume"):
            train(tiny_recipe(world, phases=ONE_EPOCH), tmp_path / "run", say=silent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_checkpoint(tmp_path / "run" / "checkpoints" / "last.ckpt").position.steps == 0
    assert not list((tmp_path / "run").rglob("*.part"))


def test_runs_that_differ_behind_the_backbone_share_its_features(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graticule.training import features

    made, keep = [], features.keep_features
    monkeypatch.setattr(features, "keep_features", lambda *a, **k: made.append(k["views"]) or keep(*a, **k))
    photos = tmp_path / "photos"
    shutil.copytree(world, photos)
    encoder = tmp_path / "encoder"

    def run(name: str, **changes: object) -> dict[str, torch.Tensor]:
        phases = [KEPT | {"cached_views": 2}]
        recipe = tiny_recipe(photos, network=NETWORK | changes, phases=phases, seed=3)
        train(recipe.model_copy(update={"features": encoder}), tmp_path / name, say=silent)
        return tensors(tmp_path / name)

    first = run("first", head="mc")
    assert made == [2, 1]
    second = run("second", head="mc")
    assert made == [2, 1]  # read, not computed
    assert all(torch.equal(first[key], second[key]) for key in first)
    run("other head", head="htree")
    assert made == [2, 1]
    run("other sight", head="mc", pooling="max")
    assert made == [2, 1, 2, 1]
    damaged = sorted(encoder.iterdir())
    assert len(damaged) == 4
    for file in damaged:
        file.write_bytes(b"damaged")
    third = run("third", head="mc")
    assert made == [2, 1, 2, 1, 2, 1]
    assert all(torch.equal(first[key], third[key]) for key in first)
    next(photos.rglob("*.jpg"), next(photos.rglob("*.png"), None)).touch()
    run("fourth", head="mc")
    assert len(made) > 6


@pytest.mark.parametrize("place", ["file", "file/beneath"])
def test_features_that_cannot_be_shared_stop_no_run(world: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("no folder")
    said: list[str] = []
    recipe = tiny_recipe(world, network=NETWORK, phases=[KEPT])
    train(recipe.model_copy(update={"features": tmp_path / place}), tmp_path / "run", say=said.append)
    told = [line for line in said if line.startswith("The features are kept for this run alone: ")]
    assert len(told) == 2  # to learn from, and to validate
    assert f"{tmp_path / place}" in told[0]
    assert "cannot be written" in told[0]
    assert (tmp_path / "file").read_text() == "no folder"


def test_countries_are_learned_from_photos_without_places(world: Path, tmp_path: Path) -> None:
    rows = read_photo_table(world)
    nothing = pl.lit(None, dtype=pl.Float64)
    paths = pl.Series([str(world / path) for path in rows["path"]])
    lost = rows.with_columns(path=paths, latitude=nothing, longitude=nothing)
    write_photo_table(lost, tmp_path / "countries")
    said: list[str] = []
    recipe = tiny_recipe(
        tmp_path / "countries",
        photos={"table": str(tmp_path / "countries"), "country_points": True},
        partition={"method": "admin", "min_photos": 1},
    )
    run = tmp_path / "run"
    train(recipe, run, say=said.append)
    assert any("Of 68 photos only the country is known" in line for line in said)
    assert sorted(Partition.read(run / "cells.parquet").tokens) == sorted(TOWNS)
    metrics = json.loads((run / "evaluation" / "best_loss_test" / "metrics.json").read_text())
    assert metrics["top_k"]["1"] == metrics["country_accuracy"] > 0.5
    assert (
        "Of 12 photos only the country is known: distances are from its largest town." in metrics["remarks"]
    )
    report = export(run, tmp_path / "bundle", say=silent)
    assert "Of 68 photos only the country is known" in (report.path / "MODEL_CARD.md").read_text()
