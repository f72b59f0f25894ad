"""``graticule pretrain`` on the tiny world: what it learns from, what it leaves, and how it goes on."""

from __future__ import annotations

import json
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
from PIL import Image

from graticule.errors import MissingFileError, RecipeError, TrainingError
from graticule.models import read_tensors
from graticule.models.mae import create_autoencoder
from graticule.partitions import Partition
from graticule.training.checkpoints import read_checkpoint
from graticule.training.photo_sets import read_photo_sets
from graticule.training.pretraining.photos import make_photo_table
from graticule.training.pretraining.probing import Prober
from graticule.training.pretraining.run import PretrainingReport, pretrain, resume_pretraining
from graticule.training.pretraining.work import mae_settings
from graticule.training.recipe import PretrainingRecipe
from graticule.training.recipe.files import read_pretraining
from graticule.training.run_folder import RunFolder

NUMBERS = ["phase", "epoch", "step", "learning_rate", "train_loss", "val_loss", "probe_top1"]

KILLED_RUN = """
import sys
from graticule.training import callbacks
from graticule.training.pretraining.run import pretrain
from graticule.training.recipe.files import read_pretraining
callbacks.SAVE_EVERY_S = 0.0  # after every step
pretrain(read_pretraining(sys.argv[1]), sys.argv[2], say=lambda line: None)
"""


def silent(line: str) -> None:
    """Say nothing."""


def tiny_values(photos: Path, **changes: object) -> dict[str, object]:
    """A run of seconds, as a recipe's mapping; ``changes`` replace whole sections."""
    return {
        "photos": {"table": str(photos)},
        "network": {"autoencoder": "tiny", "image_size_px": 32},
        "phases": [{"name": "restore", "epochs": 2, "learning_rate": 0.001}],
        "partition": {"max_photos": 20, "min_photos": 5},
        "probe": {"every_epochs": 1},
        "reconstructions": 2,
        "batch_size": 16,
        "workers": 0,
    } | changes


def tiny_recipe(photos: Path, **changes: object) -> PretrainingRecipe:
    return PretrainingRecipe.model_validate(tiny_values(photos, **changes))


@pytest.fixture(scope="module")
def report(world: Path, tmp_path_factory: pytest.TempPathFactory) -> PretrainingReport:
    return pretrain(tiny_recipe(world), tmp_path_factory.mktemp("mae") / "run", say=silent)


def test_the_folder_of_a_run(report: PretrainingReport) -> None:
    run = report.run
    history = pl.read_csv(run / "history.csv")
    assert history["step"].to_list() == [3, 6]  # 40 photos, 16 in a batch
    assert history["train_loss"].is_between(0.5, 2).all()
    assert history["train_loss"][1] < history["train_loss"][0]
    assert {"loss.svg", "probe.svg", "learning_rate.svg"} == {
        path.name for path in (run / "figures").iterdir()
    }
    assert read_pretraining(run / "recipe.yaml").network.autoencoder == "tiny"
    found = read_tensors(run)
    assert found.about["architecture"] == "vit_tiny_patch16_224"
    assert found.about["learned"] == "masked-autoencoder"
    assert "encoder.blocks.11.attn.qkv.weight" in found.tensors
    document = report.to_dict()
    assert document["epochs"] == 2
    assert document["last"]["step"] == 6
    json.dumps(document)


def test_reconstructions_are_drawn_after_every_epoch_and_at_the_end(report: PretrainingReport) -> None:
    names = sorted(path.name for path in (report.run / "reconstructions").iterdir())
    assert names == ["step_0000003.png", "step_0000006.png"]
    with Image.open(report.run / "reconstructions.png") as picture:
        assert picture.size == (62 + 2 * 34, 3 * 34)  # two photos; original, masked, restored
        grey = picture.crop((62, 34, 94, 66)).getcolors(4096)
    assert grey is not None
    assert (3 * 16 * 16, (127, 127, 127)) in grey or (3 * 16 * 16, (128, 128, 128)) in grey  # 3 of 4 hidden


def test_probes_stand_beside_the_commonest_cell_and_the_network_before(report: PretrainingReport) -> None:
    before, first, last = report.probes
    assert [before["step"], first["step"], last["step"]] == [0, 3, 6]
    assert before["gain"] is None
    assert last["gain"] == pytest.approx(last["top1"] - before["top1"])
    assert (
        last["constant"] <= 0.25
    )  # four towns, as many photos of each: the commonest elsewhere is rare here
    assert last["nats_gain"] == pytest.approx(last["nats"] - before["nats"])
    said = pl.read_parquet(report.run / "probe" / "step_0000006.parquet")
    assert (said["cell"] == said["predicted"]).mean() == last["top1"]
    assert last["top1"] > 0.9  # the world's colours are easy, whatever the encoder
    low, high = last["interval"]
    assert low <= last["top1"] <= high
    assert report.history[-1]["probe_top1"] == last["top1"]


@pytest.mark.parametrize("of_old", [pl.exclude("nats"), pl.col("photo_id", "cell", "predicted", "nats")])
def test_a_first_probe_of_other_photos_gives_no_gain(
    report: PretrainingReport, tmp_path: Path, of_old: pl.Expr
) -> None:
    copy = shutil.copytree(report.run, tmp_path / "copy")
    recipe = RunFolder(copy).read_pretraining()
    photos = read_photo_sets(recipe.photos, placed_only=False).train
    prober = Prober.of(recipe, Partition.read(copy / "cells.parquet"), photos, copy)
    network = create_autoencoder(mae_settings(recipe))
    prober(network, step=0)
    assert prober(network, step=1).gain == 0
    first = pl.read_parquet(prober.file(0)).select(of_old)
    first.head(len(first) - ("nats" in first.columns)).write_parquet(prober.file(0))
    assert prober(network, step=2).gain is None
    assert prober.latest().nats_gain is None


def test_photos_without_places_are_enough(world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pile"
    shutil.copytree(world / "images", folder / "some")
    (folder / "broken.jpg").write_bytes(b"no photo")
    said: list[str] = []
    report = pretrain(tiny_recipe(folder), tmp_path / "run", say=said.append)
    assert report.photos > 40
    assert report.probes == []
    assert not (report.run / "cells.parquet").exists()
    assert any(line.startswith("No linear probe: 0 photos of 0 groups") for line in said)
    assert any("68, 0 of them with a place; 1 cannot be used" in line for line in said)
    assert (report.run / "reconstructions.png").is_file()
    again = resume_pretraining(report.run, say=silent)  # its table lies in the run
    assert again.history == report.history


def test_a_table_of_others_is_enough(world: Path, tmp_path: Path) -> None:
    table = pl.read_parquet(world / "photos.parquet").select("photo_id", "path", "latitude", "longitude")
    nowhere = pl.int_range(pl.len()) % 2 == 0
    table = table.with_columns(
        pl.when(nowhere).then(None).otherwise(pl.col(name)).alias(name) for name in ("latitude", "longitude")
    )
    shutil.copytree(world / "images", tmp_path / "trip" / "images")
    table.write_csv(tmp_path / "trip" / "photos.csv")
    said: list[str] = []
    recipe = tiny_recipe(tmp_path / "trip", probe=None, phases=[tiny_phase(epochs=1)])
    pretrain(recipe, tmp_path / "run", say=said.append)
    assert any(f"{table.height}, {table.height // 2} of them with a place" in line for line in said)


def test_a_place_that_is_no_number_keeps_its_photo(world: Path, tmp_path: Path) -> None:
    table = pl.read_parquet(world / "photos.parquet").select("photo_id", "path", "latitude", "longitude")
    texts = table["latitude"].cast(pl.String).to_list()
    texts[0], texts[1], texts[2] = "north", "91", ""
    (tmp_path / "trip").mkdir()
    shutil.copytree(world / "images", tmp_path / "trip" / "images")
    table.with_columns(latitude=pl.Series(texts)).write_csv(tmp_path / "trip" / "photos.csv")
    assert make_photo_table(tmp_path / "trip", tmp_path / "photos", silent) == table.height
    made = pl.read_parquet(tmp_path / "photos" / "photos.parquet")
    assert made["latitude"].null_count() == made["longitude"].null_count() == 3
    assert sorted(made["photo_id"]) == sorted(table["photo_id"])


def tiny_phase(**changes: object) -> dict[str, object]:
    return {"name": "restore", "epochs": 2, "learning_rate": 0.001} | changes


def test_kill_minus_nine_in_the_middle(world: Path, tmp_path: Path, one_thread: None) -> None:
    everything: dict[str, object] = {
        "phases": [tiny_phase(epochs=3, warmup_epochs=0.5, clip_norm=1.0)],
        "averaging": {"decay": 0.9},
        "accumulate": 2,
        "batch_size": 8,
        "loss": "all-summed",
        "probe": {"every_epochs": 3},
    }
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(tiny_values(world, **everything)))
    pretrain(read_pretraining(recipe), tmp_path / "whole", say=silent)
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_RUN, str(recipe), str(killed)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    began, last = time.monotonic(), killed / "checkpoints" / "last.ckpt"
    while process.poll() is None and time.monotonic() - began < 200:
        if (killed / "history.csv").exists() and read_checkpoint(last).position.steps >= 2:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 2 <= read_checkpoint(last).position.steps < 8, "killed too late to show anything"
    resume_pretraining(killed, say=silent)
    one, other = (pl.read_csv(run / "history.csv").select(NUMBERS) for run in (killed, tmp_path / "whole"))
    assert one.equals(other)
    ours, theirs = (read_tensors(run).tensors for run in (killed, tmp_path / "whole"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_activations_computed_twice_teach_the_same(
    world: Path, report: PretrainingReport, tmp_path: Path, one_thread: None
) -> None:
    recipe = tiny_recipe(world, compute={"activation_checkpointing": True}, probe=None)
    other = pretrain(recipe, tmp_path / "run", say=silent)
    ours, theirs = ([row["train_loss"] for row in each.history] for each in (other, report))
    assert ours == pytest.approx(theirs, rel=1e-4)


@pytest.mark.slow
def test_a_compiled_autoencoder_teaches_the_same(
    world: Path, report: PretrainingReport, tmp_path: Path, one_thread: None
) -> None:
    other = pretrain(tiny_recipe(world, compute={"compile": True}, probe=None), tmp_path / "run", say=silent)
    ours, theirs = ([row["train_loss"] for row in each.history] for each in (other, report))
    assert ours == pytest.approx(theirs, rel=1e-3)


def test_an_earlier_runs_encoder_is_gone_on_from(
    world: Path, report: PretrainingReport, tmp_path: Path
) -> None:
    recipe = tiny_recipe(
        world,
        network={"autoencoder": "tiny", "image_size_px": 48, "weights": str(report.run)},
        phases=[tiny_phase(epochs=1, learning_rate=1e-12)],
        probe=None,
    )
    again = pretrain(recipe, tmp_path / "run", say=silent)
    name = "encoder.blocks.0.mlp.fc1.weight"
    assert torch.allclose(read_tensors(again.run).tensors[name], read_tensors(report.run).tensors[name])


def test_what_cannot_be_done_is_told(world: Path, report: PretrainingReport, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no photos are named(.|\n)*--set photos\.table=PHOTOS"):
        pretrain(
            PretrainingRecipe.model_validate(tiny_values(world) | {"photos": {}}),
            tmp_path / "run",
            say=silent,
        )
    with pytest.raises(MissingFileError, match="absent"):
        pretrain(tiny_recipe(tmp_path / "absent"), tmp_path / "run", say=silent)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFileError, match="holds no photos"):
        pretrain(tiny_recipe(tmp_path / "empty"), tmp_path / "run", say=silent)
    assert not (tmp_path / "run").exists()
    with pytest.raises(TrainingError, match=r"holds a run(.|\n)*graticule pretrain --resume"):
        pretrain(tiny_recipe(world), report.run, say=silent)


def test_runs_of_the_two_verbs_are_told_apart(report: PretrainingReport, finished_run: Path) -> None:
    with pytest.raises(TrainingError, match=r"is a run of pretrain(.|\n)*graticule pretrain --resume"):
        RunFolder(report.run).read_recipe()
    with pytest.raises(TrainingError, match=r"but one of train(.|\n)*graticule train --resume"):
        resume_pretraining(finished_run, say=silent)


def test_photos_that_changed_are_refused(world: Path, report: PretrainingReport, tmp_path: Path) -> None:
    copy = shutil.copytree(report.run, tmp_path / "copy")
    text = (copy / "recipe.yaml").read_text().replace("where: null", "where: usable")
    (copy / "recipe.yaml").write_text(text)
    with pytest.raises(TrainingError, match=r"began with 40 photos to learn from(.|\n)*now there are 20"):
        resume_pretraining(copy, say=silent)
