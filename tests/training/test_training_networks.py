"""Networks from recipes: S1's by its three phases, dense layers, stages, and weights from another run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from graticule.errors import RecipeError
from graticule.inference import load_model
from graticule.models import read_tensors
from graticule.training.exporting.export import export
from graticule.training.recipe.files import check_recipe
from graticule.training.train import resume, train
from tiny_world import tiny_recipe, tiny_values


def silent(line: str) -> None:
    """Say nothing."""


def network_of(world: Path, **changes: object) -> dict[str, object]:
    return {**tiny_values(world)["network"], **changes}  # type: ignore[dict-item]


def test_s1_in_three_phases_is_exported_and_predicts(world: Path, tmp_path: Path) -> None:
    rate = {"learning_rate": 0.002, "epochs": 2}
    phases = [
        {"name": "fresh", "trainable": ["projection", "head"], **rate},
        {"name": "all", "trainable": "all", **rate, "epochs": 4},
        {"name": "transformer", "trainable": ["projection", "transformer", "head"], **rate},
    ]
    network = network_of(world, transformer={"name": "test_vit", "weights": "none", "grid": 4}, dropout=0.2)
    lines: list[str] = []
    recipe = tiny_recipe(world, network=network, phases=phases)
    report = train(recipe, tmp_path / "run", say=lines.append)
    log = "\n".join(lines)
    assert "Parameters: cnn 372,688, projection 6,208, transformer " in log
    assert "Stages of 'cnn', 1 to 5, first to last: conv1+bn1" in log
    assert "Phase 'fresh': 2 epochs; trains projection (6,208 of 6,208), head (" in log
    assert "Phase 'transformer': 2 epochs; trains projection (6,208 of 6,208), transformer (" in log
    assert resume(tmp_path / "run", say=silent).history == report.history
    exported = export(tmp_path / "run", tmp_path / "model", say=silent)
    assert exported.card.architecture == "test_resnet, test_vit behind it, mean over patches, 32 px"
    assert exported.parity[0].max_difference is not None
    assert exported.parity[0].max_difference < 1e-4
    found = load_model(tmp_path / "model").predict(str(next((world / "images").glob("JP-test-*.png"))))
    assert found[0].confidence is not None
    again = tiny_recipe(
        world,
        network={**network, "backbone": {"name": "test_resnet", "weights": str(tmp_path / "run")}},
        phases=[{"name": "fresh", "trainable": ["projection", "head"], "learning_rate": 0.01, "epochs": 1}],
    )
    train(again, tmp_path / "second", say=silent)
    first, second = (
        read_tensors(tmp_path / name / "checkpoints" / "best_loss.safetensors").tensors
        for name in ("run", "second")
    )
    cnn = [name for name in first if name.startswith("backbone.cnn.")]
    assert cnn
    assert all(torch.equal(first[name], second[name]) for name in cnn)  # it stood still, its BatchNorm too


def test_dense_layers_max_pooling_and_stages(world: Path, tmp_path: Path) -> None:
    network = network_of(world, pooling="max", dense=16, dropout_after=0.5)
    phases = [{"name": "last", "epochs": 1, "learning_rate": 0.01, "trainable_stages": 1}]
    lines: list[str] = []
    train(tiny_recipe(world, network=network, phases=phases), tmp_path / "run", say=lines.append)
    log = "\n".join(lines)
    assert "dense 1,552, head " in log
    assert "its last 1 stages: layer4" in log
    exported = export(tmp_path / "run", tmp_path / "model", say=silent)
    assert exported.card.architecture == "test_resnet, max pooling, dense 16, 32 px"


def test_a_vision_transformer_of_one_run_begins_another_of_any_pooling_and_size(
    world: Path, tmp_path: Path
) -> None:
    vit = {"name": "test_vit", "weights": "none"}
    phase = {"epochs": 1, "learning_rate": 0.001}
    first = network_of(world, backbone=vit, pooling="token", image_size_px=32)
    train(tiny_recipe(world, network=first, phases=[{"name": "all", **phase}]), tmp_path / "one", say=silent)
    second = network_of(
        world,
        backbone={**vit, "weights": str(tmp_path / "one")},
        pooling="avg",
        image_size_px=48,
        head={"name": "regression", "hidden": [16]},
    )
    recipe = tiny_recipe(
        world,
        network=second,
        loss={"name": "great-circle"},
        phases=[{"name": "head", "trainable": "head", **phase}],
    )
    train(recipe, tmp_path / "two", say=silent)
    one, two = (
        read_tensors(tmp_path / name / "checkpoints" / "best_loss.safetensors").tensors
        for name in ("one", "two")
    )
    assert torch.equal(two["backbone.blocks.0.attn.qkv.weight"], one["backbone.blocks.0.attn.qkv.weight"])
    assert torch.equal(two["backbone.fc_norm.weight"], one["backbone.norm.weight"])
    assert two["backbone.pos_embed"].shape != one["backbone.pos_embed"].shape


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dropout_after": 0.5}, r"dropout_after lies behind a dense layer"),
        ({"transformer": {"name": "test_vit"}, "pooling": "max"}, r"set 'pooling: avg'"),
        ({"dense": [0]}, r"dense.*greater than 0"),
    ],
)
def test_networks_that_contradict_themselves_are_refused(
    changes: dict[str, object], message: str, world: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        check_recipe({**tiny_values(world), "network": network_of(world, **changes)}, "r.yaml")


def test_a_part_that_the_network_does_not_have_is_refused(world: Path, tmp_path: Path) -> None:
    phases = [{"name": "a", "epochs": 1, "learning_rate": 0.01, "trainable": ["transformer", "head"]}]
    with pytest.raises(RecipeError, match=r"has no part 'transformer'. It has: backbone, head"):
        train(tiny_recipe(world, phases=phases), tmp_path / "run", say=silent)
