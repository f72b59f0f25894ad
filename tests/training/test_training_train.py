"""A run from end to end: what it learns, what it leaves, how it goes on, and how it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import torch

from graticule.errors import MissingFileError, PartitionError, RecipeError, TrainingError
from graticule.models import read_tensors
from graticule.partitions import Partition
from graticule.predictions import Predictions
from graticule.training.callbacks import Keeper, StoppedError
from graticule.training.checkpoints import read_checkpoint
from graticule.training.recipe.files import read_recipe
from graticule.training.run_folder import HISTORY
from graticule.training.train import resume, train
from tiny_world import tiny_recipe, tiny_values

NUMBERS = ["phase", "epoch", "learning_rate", "train_loss", "val_loss", "val_top1", "val_median_km"]


def silent(line: str) -> None:
    """Say nothing."""


def numbers(run: Path) -> pl.DataFrame:
    return pl.read_csv(run / "history.csv").select(NUMBERS)


def test_the_run_folder_is_complete(finished_run: Path, world: Path) -> None:
    names = {path.relative_to(finished_run).as_posix() for path in finished_run.rglob("*") if path.is_file()}
    kept = {
        f"checkpoints/{name}.{kind}"
        for name in ("best_loss", "best_accuracy")
        for kind in ("ckpt", "safetensors")
    }
    judged = {
        f"evaluation/{name}_{split}/{file}"
        for name in ("best_loss", "best_accuracy")
        for split in ("val", "test")
        for file in ("predictions.parquet", "metrics.json", "confusion.csv", "confusion.svg")
    }
    curves = {f"figures/{name}.svg" for name in ("loss", "accuracy", "distance", "learning_rate")}
    assert names == kept | judged | curves | {
        "checkpoints/last.ckpt",
        "recipe.yaml",
        "environment.json",
        "history.csv",
        "cells.parquet",
        "photos.json",
        "predictions_val.parquet",
        "log.txt",
    }
    recipe = read_recipe(finished_run / "recipe.yaml")
    assert recipe.photos.table == world
    assert recipe.early_stopping is None
    environment = json.loads((finished_run / "environment.json").read_text())
    assert torch.__version__.startswith(environment["packages"]["torch"])
    assert environment["cores"] > 0
    assert environment["processor"]
    counts = json.loads((finished_run / "photos.json").read_text())
    assert (counts["train"], counts["val"], counts["test"], sum(counts["train_per_cell"])) == (40, 16, 12, 40)


def test_it_learns_the_tiny_world(finished_run: Path) -> None:
    history = pl.read_csv(finished_run / "history.csv", schema_overrides=HISTORY)
    assert history["phase"].to_list() == ["head"] * 2 + ["all"] * 3
    assert history["epoch"].to_list() == [1, 2, 1, 2, 3]
    assert history["val_loss"][-1] < history["val_loss"][0]
    assert history["val_top1"].max() > 0.9
    assert history["val_median_km"].min() < 50
    assert (history["photos_per_s"] > 0).all()


def test_predictions_are_of_the_best_checkpoint(finished_run: Path, world: Path) -> None:
    predictions = Predictions.read(finished_run / "predictions_val.parquet")
    partition = Partition.read(finished_run / "cells.parquet")
    assert len(predictions) == 16
    assert predictions.failed == 0
    truth = pl.read_parquet(world / "photos.parquet").filter(pl.col("split") == "val")
    cells = dict(
        zip(
            truth["photo_id"], partition.encode(truth.select("latitude", "longitude").to_numpy()), strict=True
        )
    )
    right = [item.candidates[0].cell == cells[item.photo_id] for item in predictions]
    history = numbers(finished_run)
    best = history.filter(pl.col("val_loss") == pl.col("val_loss").min())
    assert sum(right) / len(right) == pytest.approx(best["val_top1"][0])
    assert sum(item.probability for item in predictions[0].candidates) == pytest.approx(1, abs=1e-5)
    assert predictions[0].country in {"FR", "JP", "BR", "AU"}


def test_the_log_says_what_trains_and_what_was_left_out(finished_run: Path) -> None:
    log = (finished_run / "log.txt").read_text()
    assert "Photos: 68 in the table; 40 to learn from" in log
    assert "0 training photos lie in none" in log
    assert "Phase 'head': 2 epochs; trains head (388 of 388): 388 of" in log
    assert "Phase 'all': 3 epochs; trains backbone (" in log
    assert "'best_loss' on 16 photos of 'val': top-1" in log
    assert "graticule export" in log


def test_the_head_phase_leaves_the_backbone_as_it_was(world: Path, tmp_path: Path) -> None:
    phases = [{"name": "head", "epochs": 2, "trainable": "head", "learning_rate": 0.01}]
    recipe = tiny_recipe(world, phases=phases)
    train(recipe, tmp_path / "a", say=silent)
    train(
        recipe.model_copy(update={"phases": (recipe.phases[0].model_copy(update={"epochs": 1}),)}),
        tmp_path / "b",
        say=silent,
    )
    one, two = (read_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt").network for name in ("a", "b"))
    for name, value in one.items():
        assert torch.equal(value, two[name]) == (not name.startswith("head")), name


def test_kept_features_are_what_the_backbone_gives(world: Path, tmp_path: Path, one_thread: None) -> None:
    phase = {"name": "head", "epochs": 2, "trainable": "head", "learning_rate": 0.01, "batch_norm": "frozen"}
    plain = {"augmentation": {"policy": "none"}, "photos": {"table": str(world)}}
    train(tiny_recipe(world, phases=[phase], **plain), tmp_path / "each", say=silent)
    train(tiny_recipe(world, phases=[phase | {"cached_views": 1}], **plain), tmp_path / "kept", say=silent)
    each, kept = numbers(tmp_path / "each"), numbers(tmp_path / "kept")
    for column in ("train_loss", "val_loss"):
        assert kept[column].to_list() == pytest.approx(each[column].to_list(), rel=1e-4)


@pytest.mark.parametrize(
    "changes", [{"loss": {"name": "haversine-smoothed"}}, {"augmentation": {"mixup": 0.4}}]
)
def test_other_losses_and_mixtures_learn_too(changes: dict[str, object], world: Path, tmp_path: Path) -> None:
    history = train(tiny_recipe(world, **changes), tmp_path / "run", say=silent).history
    assert min(row["val_median_km"] for row in history) < 5000
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_early_stopping_ends_the_phase(world: Path, tmp_path: Path) -> None:
    phases = [{"name": "all", "epochs": 9, "learning_rate": 1e-9}]
    said: list[str] = []
    recipe = tiny_recipe(world, phases=phases, early_stopping={"patience": 2, "min_improvement": 0.5})
    report = train(recipe, tmp_path / "run", say=said.append)
    assert len(report.history) == 3  # the first is the lowest, two more bring no half a nat
    assert "Phase 'all' ends: the validation loss fell no more." in said


def test_training_is_the_same_each_time(world: Path, tmp_path: Path, one_thread: None) -> None:
    for name in ("a", "b"):
        train(tiny_recipe(world), tmp_path / name, say=silent)
    assert numbers(tmp_path / "a").equals(numbers(tmp_path / "b"))
    train(tiny_recipe(world, seed=1), tmp_path / "c", say=silent)
    assert not numbers(tmp_path / "a").equals(numbers(tmp_path / "c"))


def interrupted_at(monkeypatch: pytest.MonkeyPatch, phase: int, batch: int) -> None:
    """From now on a run is told to stop there, as by Ctrl-C."""
    original = Keeper.on_train_batch_end

    def stop(self: Keeper, trainer: object, module: object, *others: object) -> None:
        position = module.position  # type: ignore[attr-defined]
        if (position.phase, position.batch) == (phase, batch):
            self.stop_request.is_asked = True
        original(self, trainer, module, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(Keeper, "on_train_batch_end", stop)


@pytest.mark.parametrize(
    ("phase", "batch"),
    [(0, 2), (0, 10), (1, 8)],
    ids=["first-epoch", "end-of-phase", "middle"],
)
def test_a_stopped_run_goes_on_to_the_same_numbers(
    phase: int,
    batch: int,
    world: Path,
    tmp_path: Path,
    one_thread: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train(tiny_recipe(world), tmp_path / "whole", say=silent)
    with monkeypatch.context() as patched:
        interrupted_at(patched, phase, batch)
        with pytest.raises(
            StoppedError, match=r"all of it is saved(.|\n)*graticule train --resume"
        ) as caught:
            train(tiny_recipe(world), tmp_path / "stopped", say=silent)
    assert caught.value.exit_status == 130
    said: list[str] = []
    resume(tmp_path / "stopped", say=said.append)
    assert said[0].startswith("Going on with")
    assert numbers(tmp_path / "stopped").equals(numbers(tmp_path / "whole"))
    for name in ("last", "best_loss", "best_accuracy"):
        whole, stopped = (
            read_checkpoint(tmp_path / run / "checkpoints" / f"{name}.ckpt").network
            for run in ("whole", "stopped")
        )
        assert all(torch.equal(stopped[key], value) for key, value in whole.items()), name
    assert Predictions.read(tmp_path / "stopped" / "predictions_val.parquet") == Predictions.read(
        tmp_path / "whole" / "predictions_val.parquet"
    )


def test_a_finished_run_resumes_to_itself(finished_run: Path) -> None:
    before = (finished_run / "history.csv").read_bytes()
    resume(finished_run, say=silent)
    assert (finished_run / "history.csv").read_bytes() == before


def test_a_full_folder_is_left_alone(world: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(TrainingError, match=r"is not empty and not a run(.|\n)*Name another folder with -o"):
        train(tiny_recipe(world), tmp_path, say=silent)
    with pytest.raises(TrainingError, match="left as it is, also with --force"):
        train(tiny_recipe(world), tmp_path, force=True, say=silent)
    with pytest.raises(TrainingError, match=r"is a file; a run needs a folder of its own"):
        train(tiny_recipe(world), tmp_path / "thesis.txt", force=True, say=silent)
    assert (tmp_path / "thesis.txt").read_text() == "three years of work"


def test_a_run_is_not_written_over_unasked(finished_run: Path, world: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds a run(.|\n)*graticule train --resume(.|\n)*--force"):
        train(tiny_recipe(world), finished_run, say=silent)
    copy = shutil.copytree(finished_run, tmp_path / "copy", ignore=shutil.ignore_patterns("*.ckpt"))
    with pytest.raises(TrainingError, match=r"stopped before it began and cannot(.|\n)*--force"):
        train(tiny_recipe(world), copy, say=silent)


def test_force_replaces_a_run(world: Path, tmp_path: Path) -> None:
    phases = [{"name": "head", "epochs": 1, "trainable": "head", "learning_rate": 0.01, "cached_views": 1}]
    for seed in (0, 1):
        train(tiny_recipe(world, phases=phases, seed=seed), tmp_path / "run", force=True, say=silent)
    assert read_recipe(tmp_path / "run" / "recipe.yaml").seed == 1


def test_a_loss_that_diverges_stops_with_advice(world: Path, tmp_path: Path) -> None:
    phases = [{"name": "all", "epochs": 3, "learning_rate": 1e30, "weight_decay": 0, "schedule": "constant"}]
    with pytest.raises(
        TrainingError, match=r"no longer a finite number, in phase 'all', epoch 1, batch \d"
    ) as caught:
        train(tiny_recipe(world, phases=phases), tmp_path / "run", say=silent)
    assert "--set phases.0.learning_rate=1e+29" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"photos": {}}, RecipeError, "no photo table is named"),
        ({"photos": {"table": "absent"}}, MissingFileError, "no photo table"),
        ({"partition": {"max_photos": 900, "min_photos": 800}}, PartitionError, "No cell is left"),
        (
            {"partition": {"max_photos": 99, "start_level": 0, "end_level": 0}},
            PartitionError,
            "No cell is left",
        ),
        ({"network": {"backbone": {"name": "resnet5o"}}}, RecipeError, "Nearest: .*resnet50"),
        (
            {"network": {"backbone": {"name": "test_resnet", "weights": "absent"}}},
            MissingFileError,
            "no weights",
        ),
    ],
)
def test_bad_recipes_leave_nothing_behind(
    changes: dict[str, object], error: type[Exception], words: str, world: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        train(tiny_recipe(world, **changes), tmp_path / "run", say=silent)
    assert not (tmp_path / "run").exists()


def test_unreadable_photos_teach_nothing_and_are_named(world: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(world, tmp_path / "world")
    for number in range(3):
        (copy / "images" / f"FR-train-{number}.png").write_bytes(b"broken")
    (copy / "images" / "FR-val-0.png").unlink()
    phase = {"name": "head", "epochs": 2, "trainable": "head", "learning_rate": 0.01, "batch_norm": "frozen"}
    plain = {"augmentation": {"policy": "none"}, "photos": {"table": str(copy)}}
    scores = {}
    for name, views in (("each", 0), ("kept", 1)):
        said: list[str] = []
        recipe = tiny_recipe(copy, phases=[phase | {"cached_views": views}], **plain)
        report = train(recipe, tmp_path / name, say=said.append)
        lost = "3 photos of 'train' could not be read and taught nothing: FR-train-0, FR-train-1, FR-train-2"
        assert lost in said
        assert "1 photos of 'val' could not be read and count as wrong: FR-val-0" in said
        counts = json.loads((tmp_path / name / "photos.json").read_text())
        assert counts["unreadable"]["val"] == ["FR-val-0"]
        assert Predictions.read(tmp_path / name / "predictions_val.parquet").failed == 1
        scores[name] = [(row["val_loss"], row["val_top1"], row["val_median_km"]) for row in report.history]
        assert all(row["val_top1"] <= 15 / 16 for row in report.history)
    assert scores["kept"] == [
        pytest.approx(row, rel=1e-3) for row in scores["each"]
    ]  # the same rule for both


def test_resuming_what_is_no_run_or_damaged(finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="is not a run of graticule"):
        resume(tmp_path, say=silent)
    copy = shutil.copytree(finished_run, tmp_path / "copy")
    text = (copy / "recipe.yaml").read_text().replace("name: test_resnet", "name: mobilenetv3_small_050")
    (copy / "recipe.yaml").write_text(text)
    with pytest.raises(TrainingError, match="is of another network than its recipe says"):
        resume(copy, say=silent)
    (copy / "checkpoints" / "last.ckpt").write_bytes(b"")
    with pytest.raises(TrainingError, match="damaged"):
        resume(copy, say=silent)
    (copy / "cells.parquet").unlink()
    with pytest.raises(MissingFileError, match=r"has no 'cells\.parquet'(.|\n)*--force"):
        resume(copy, say=silent)


def test_a_run_starts_from_the_weights_of_another(finished_run: Path, world: Path, tmp_path: Path) -> None:
    values = tiny_values(world)
    values["network"]["backbone"] = {"name": "test_resnet", "weights": str(finished_run)}  # type: ignore[index]
    phases = [{"name": "head", "epochs": 1, "trainable": "head", "learning_rate": 0.01, "cached_views": 1}]
    values["phases"] = phases
    report = train(tiny_recipe(world, **values), tmp_path / "run", say=silent)
    theirs = read_tensors(finished_run).tensors
    ours = read_tensors(tmp_path / "run").tensors
    assert torch.equal(ours["backbone.conv1.0.weight"], theirs["backbone.conv1.0.weight"])
    assert report.history[0]["val_top1"] > 0.7  # features that know the colours


def test_a_run_killed_before_its_first_epoch_goes_on(
    finished_run: Path, world: Path, tmp_path: Path, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object, **__: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patched:
        patched.setattr("graticule.training.train.train_phase", dies)
        with pytest.raises(SystemExit):
            train(tiny_recipe(world), tmp_path / "run", say=silent)
    resume(tmp_path / "run", say=silent)
    assert numbers(tmp_path / "run").equals(numbers(finished_run))
    copy = shutil.copytree(finished_run, tmp_path / "copy", ignore=shutil.ignore_patterns("checkpoints"))
    with pytest.raises(MissingFileError, match=r"stopped before it began(.|\n)*recipe\.yaml -o .*--force"):
        resume(copy, say=silent)


def test_a_table_that_changed_is_noticed(world: Path, finished_run: Path, tmp_path: Path) -> None:
    table = pl.read_parquet(world / "photos.parquet").filter(pl.col("photo_id") != "FR-train-3")
    table.write_parquet(tmp_path / "photos.parquet")
    copy = shutil.copytree(finished_run, tmp_path / "copy")
    (copy / "recipe.yaml").write_text((copy / "recipe.yaml").read_text().replace(str(world), str(tmp_path)))
    with pytest.raises(TrainingError, match="began with 40 training photos in cells, now there are 39"):
        resume(copy, say=silent)


def test_saving_in_the_middle_of_epochs_changes_no_number(
    world: Path, tmp_path: Path, finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    original = Keeper._save

    def counted(self: Keeper, trainer: object, module: object, names: list[str]) -> None:
        saved.append(module.position.batch)  # type: ignore[attr-defined]
        original(self, trainer, module, names)  # type: ignore[arg-type]

    monkeypatch.setattr(Keeper, "_save", counted)
    monkeypatch.setattr("graticule.training.callbacks.SAVE_EVERY_S", 0.0)
    train(tiny_recipe(world), tmp_path / "run", say=silent, bar=True)
    assert saved == [*range(1, 11), *range(1, 16)]
    assert numbers(tmp_path / "run").equals(numbers(finished_run))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "DataLoader worker (pid 7) is killed by signal: Killed.",
            r"loads photos was killed(.|\n)*workers: 0",
        ),
        (
            "CUDA out of memory. Tried to allocate 20 MiB",
            r"Memory ran out(.|\n)*--set batch_size=4 --set accumulate=2",
        ),
    ],
)
def test_torchs_own_errors_say_what_to_type(
    message: str, words: str, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError(message)

    monkeypatch.setattr("lightning.pytorch.Trainer.fit", fails)
    with pytest.raises(TrainingError, match=words):
        train(tiny_recipe(world), tmp_path / "run", say=silent)
    monkeypatch.setattr("lightning.pytorch.Trainer.fit", lambda *_: [][0])
    with pytest.raises(IndexError):  # an error of ours is not dressed up
        train(tiny_recipe(world), tmp_path / "run", force=True, say=silent)
