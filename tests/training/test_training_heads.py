"""Heads and losses where they are used: exported, trained from a recipe, and gone on with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from graticule.inference import load_model
from graticule.inference.network import Network
from graticule.models import BackboneSettings, HeadSettings, InputSettings, NetworkSettings, create_network
from graticule.partitions import Partition, build_s2
from graticule.training.exporting.export import export
from graticule.training.exporting.onnx_graph import halved, to_onnx, with_metadata
from graticule.training.exporting.quantising import quantised
from graticule.training.train import resume, train
from tiny_world import tiny_recipe, tiny_values

ON_THE_TREE = ["hmc", "hmc-sol", "hmc-smooth", "htree"]


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def uneven() -> Partition:
    """Cells of several faces of the cube, at several depths."""
    rng = np.random.default_rng(0)
    places = np.concatenate(
        [
            rng.normal([48, 2], 3, (600, 2)),
            rng.normal([-25, 135], 9, (60, 2)),
            rng.normal([0, -60], 9, (60, 2)),
        ]
    )
    return build_s2(places, max_photos=40, min_photos=1, start_level=0)


@pytest.mark.parametrize("name", ON_THE_TREE)
def test_exported_graphs_say_what_torch_says(name: str, uneven: Partition) -> None:
    torch.manual_seed(0)
    settings = NetworkSettings(
        BackboneSettings("test_resnet"), input=InputSettings(32), head=HeadSettings(name)
    )
    network = create_network(settings, uneven).eval()
    torch.nn.init.normal_(network.head.linear.weight)
    squares = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = network(torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255)[0].numpy()
    assert expected.sum(axis=1) == pytest.approx(1, abs=1e-5)
    plain = to_onnx(network)
    for proto, tolerance in ((plain, 1e-5), (halved(plain), 5e-3)):
        graph = with_metadata(proto, {"size_px": "32"}).SerializeToString()
        assert np.abs(Network(graph)(squares).probabilities - expected).max() < tolerance
        assert np.abs(Network(graph)(squares[:1]).probabilities - expected[:1]).max() < tolerance
    names = {item.name for item in plain.graph.initializer}
    assert "head.linear.weight" in names  # a bundle can be fine-tuned


def test_8_bit_graphs_of_the_tree_answer_alike(uneven: Partition) -> None:
    torch.manual_seed(0)
    settings = NetworkSettings(
        BackboneSettings("test_resnet"), input=InputSettings(32), head=HeadSettings("hmc")
    )
    network = create_network(settings, uneven).eval()
    torch.nn.init.normal_(network.head.linear.weight, std=0.3)
    squares = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = network(torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255)[0].numpy()
    model = with_metadata(quantised(to_onnx(network, fold=True), squares), {"size_px": "32"})
    assert np.abs(Network(model.SerializeToString())(squares).probabilities - expected).max() < 0.05


@pytest.mark.parametrize("name", ["hmc", "htree"])
def test_a_recipe_trains_exports_and_predicts(name: str, world: Path, tmp_path: Path) -> None:
    network = {**tiny_values(world)["network"], "head": name}  # type: ignore[dict-item]
    partition = {"max_photos": 20, "min_photos": 5, "start_level": 0}
    recipe = tiny_recipe(world, network=network, partition=partition)
    report = train(recipe, tmp_path / "run", say=silent)
    assert max(row["val_top1"] for row in report.history) > 0.9
    assert report.history[-1]["val_loss"] < report.history[0]["val_loss"]
    again = resume(tmp_path / "run", say=silent)  # nothing left to do, but the network fits its checkpoint
    assert len(again.history) == len(report.history)
    exported = export(tmp_path / "run", tmp_path / "model", say=silent)
    assert exported.parity[0].max_difference < 1e-5
    assert exported.card.head == name.upper()
    found = load_model(tmp_path / "model").predict([str(next((world / "images").glob("FR-test-*.png")))])
    assert found[0].country == "FR"


@pytest.mark.parametrize(
    "loss",
    [
        {"name": "neighbour-smoothed", "neighbours": 2},
        {"terms": [{}, {"name": "squared-expected-distance", "unit_km": 5000, "weight": 0.5}]},
        {"class_weights": {"by": "effective-number"}},
    ],
    ids=["neighbour-smoothed", "terms", "class-weights"],
)
def test_losses_train_from_a_recipe(loss: dict[str, object], world: Path, tmp_path: Path) -> None:
    phases = [{"name": "all", "epochs": 3, "learning_rate": 0.003}]
    history = train(tiny_recipe(world, loss=loss, phases=phases), tmp_path / "run", say=silent).history
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert history[-1]["val_top1"] > 0.5
