"""Export: the graph does what the network does, in any kind of weights, and the card says the truth."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
import torch

from graticule.bundle import read_bundle
from graticule.errors import MissingFileError, TrainingError
from graticule.geo.sphere import great_circle_km
from graticule.inference import load_model
from graticule.inference.network import Network
from graticule.models import (
    BackboneSettings,
    InputSettings,
    NetworkSettings,
    create_backbone,
    create_network,
    load_backbone_weights,
    read_tensors,
)
from graticule.training.exporting.export import ExportReport, export
from graticule.training.exporting.onnx_graph import halved, to_onnx, with_metadata
from graticule.training.exporting.quantising import quantised
from graticule.training.train import train
from tiny_world import TOWNS, tiny_recipe


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def reports(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExportReport]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "float32": export(finished_run, folder / "whole", say=silent),
        "float16": export(finished_run, folder / "half.graticule", weights="float16", say=silent),
        "int8": export(finished_run, folder / "eight", weights="int8", say=silent),
    }


def test_the_bundle_predicts_where_photos_were_taken(reports: dict[str, ExportReport], world: Path) -> None:
    model = load_model(reports["float32"].path)
    truth = pl.read_parquet(world / "photos.parquet").filter(pl.col("split") == "test")
    predictions = model.predict([str(world / path) for path in truth["path"]]).to_polars()
    errors_km = great_circle_km(
        predictions.select("latitude", "longitude").to_numpy(),
        truth.select("latitude", "longitude").to_numpy(),
    )
    assert np.median(errors_km) < 50
    assert predictions["region_cells"].list.len().min() >= 1


def test_parity_is_measured_on_the_validation_photos(reports: dict[str, ExportReport]) -> None:
    found = {kind: {item.weights: item for item in report.parity} for kind, report in reports.items()}
    assert {kind: list(items) for kind, items in found.items()} == {
        "float32": ["float32"],
        "float16": ["float32", "float16"],
        "int8": ["float32", "int8"],
    }
    for items in found.values():
        assert items["float32"].max_difference < 1e-5
        assert items["float32"].same_best == 1
        assert items["float32"].photos == 16
    assert 0 < found["float16"]["float16"].max_difference < 0.01
    assert 0 < found["int8"]["int8"].max_difference < 0.3
    assert "probabilities differ by at most" in found["int8"]["int8"].in_words()


def test_fewer_bits_make_smaller_files(reports: dict[str, ExportReport]) -> None:
    sizes = {kind: len(read_bundle(report.path).model_onnx) for kind, report in reports.items()}
    assert sizes["float16"] < 0.6 * sizes["float32"]
    assert sizes["int8"] < 0.4 * sizes["float32"]


@pytest.mark.parametrize(("kind", "tolerance"), [("float32", 0.0), ("float16", 1e-3)])
def test_a_bundle_rebuilds_the_torch_backbone(
    kind: str, tolerance: float, reports: dict[str, ExportReport], finished_run: Path
) -> None:
    backbone = create_backbone("test_resnet")
    load_backbone_weights(backbone, reports[kind].path, architecture="test_resnet")
    trained = read_tensors(finished_run).tensors
    for name, value in backbone.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.allclose(value, trained[f"backbone.{name}"], rtol=tolerance, atol=tolerance), name


def test_another_architecture_than_the_bundles_is_named(reports: dict[str, ExportReport]) -> None:
    with pytest.raises(TrainingError, match="are of 'test_resnet', not of the backbone 'test_vit'"):
        load_backbone_weights(create_backbone("test_vit"), reports["float16"].path, architecture="test_vit")


def test_the_graph_names_no_file_of_this_machine(reports: dict[str, ExportReport]) -> None:
    for report in reports.values():
        graph = read_bundle(report.path).model_onnx
        assert b"/src/" not in graph
        model = onnx.load_from_string(graph)
        del model.graph.initializer[:]  # whose bytes may spell anything
        text = str(model)
        assert "/src/" not in text
        assert "models/network" not in text
        assert "stack_trace" not in text


def test_the_graph_says_how_photos_are_cut(reports: dict[str, ExportReport]) -> None:
    bundle = read_bundle(reports["int8"].path)
    network = Network(bundle.model_onnx)
    assert network.size_px == 32
    assert network.cells_fingerprint == bundle.partition.fingerprint
    said = {entry.key: entry.value for entry in onnx.load_from_string(bundle.model_onnx).metadata_props}
    assert said["graticule.architecture"] == "test_resnet"
    assert "centre square" in said["graticule.resize"]


def test_the_card_states_data_quality_and_promises(reports: dict[str, ExportReport]) -> None:
    bundle = read_bundle(reports["float32"].path)
    card = bundle.card
    assert card.training_data["photos"] == 40
    assert card.training_data["licences"] == {"CC0-1.0": 40}
    assert set(card.metrics) == {"val", "test"}
    assert card.metrics["test"]["n"] == 12
    assert card.metrics["test"]["constant"]["within_km"]["200"] == pytest.approx(1 / len(TOWNS))
    assert 0 < card.temperature <= 20
    assert 0 <= card.conformal["0.9"] <= 1
    text = bundle.model_card
    assert "best constant guess" in text
    assert "| South America | 3 |" in text
    assert "figures on them flatter" in text
    assert "RESPONSIBLE_USE.md" in text


def test_the_prior_moves_the_exported_probabilities_alone(world: Path, tmp_path: Path) -> None:
    places = tmp_path / "places.csv"
    rows = [(TOWNS["AU"][0], TOWNS["AU"][1])] * 990 + [(TOWNS["FR"][0], TOWNS["FR"][1])] * 10
    pl.DataFrame(rows, schema=["latitude", "longitude"], orient="row").write_csv(places)
    phases = [{"name": "head", "epochs": 1, "trainable": "head", "learning_rate": 1e-3, "cached_views": 1}]
    train(
        tiny_recipe(world, phases=phases, prior={"places": str(places), "strength": 1.0}),
        tmp_path / "run",
        say=silent,
    )
    report = export(tmp_path / "run", tmp_path / "model", say=silent)
    assert report.parity[0].max_difference < 1e-5
    model = load_model(report.path)
    predictions = model.predict([world / "images" / f"{town}-test-0.png" for town in TOWNS])
    assert {item.candidates[0].cell for item in predictions} == {int(model.partition.encode([rows[0]])[0])}
    assert report.card.training_data["prior_strength"] == 1.0


def test_the_asked_checkpoint_is_exported(finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    (run / "checkpoints" / "best_loss.safetensors").unlink()
    with pytest.raises(MissingFileError, match=r"no checkpoint 'best_loss'(.|\n)*--resume"):
        export(run, tmp_path / "model", say=silent)
    assert export(run, tmp_path / "model", checkpoint="best_accuracy", say=silent).path.is_dir()


def test_damaged_runs_are_refused(finished_run: Path, tmp_path: Path) -> None:
    def damaged(name: str) -> Path:
        run = shutil.copytree(finished_run, tmp_path / name)
        path = next(run.rglob(name))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return run

    with pytest.raises(MissingFileError, match="is not a run of graticule"):
        export(tmp_path, tmp_path / "model", say=silent)
    with pytest.raises(TrainingError, match=r"not a readable \.safetensors file"):
        export(damaged("best_loss.safetensors"), tmp_path / "model", say=silent)
    with pytest.raises(TrainingError, match=r"its 'photos\.json' cannot be read"):
        export(damaged("photos.json"), tmp_path / "model", say=silent)
    run = shutil.copytree(finished_run, tmp_path / "other")
    recipe = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(recipe.replace("name: test_resnet", "name: mobilenetv3_small_050"))
    with pytest.raises(TrainingError, match=r"is not of the network that its recipe\.yaml describes"):
        export(run, tmp_path / "model", say=silent)
    assert not (tmp_path / "model").exists()


def test_cells_of_another_run_are_refused(finished_run: Path, world: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    phases = [{"name": "head", "epochs": 1, "trainable": "head", "learning_rate": 1e-3, "cached_views": 1}]
    recipe = tiny_recipe(
        world, phases=phases, partition={"max_photos": 20, "min_photos": 5, "start_level": 4}
    )
    train(recipe, tmp_path / "other", say=silent)
    shutil.copy(tmp_path / "other" / "cells.parquet", run / "cells.parquet")
    with pytest.raises(TrainingError, match="was trained on other cells"):
        export(run, tmp_path / "model", say=silent)


def test_photos_that_moved_are_named_again(finished_run: Path, world: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    recipe = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(recipe.replace(str(world), str(tmp_path / "gone")))
    with pytest.raises(MissingFileError, match="no photo table"):
        export(run, tmp_path / "model", say=silent)
    assert export(run, tmp_path / "model", table=world, say=silent).parity[0].photos == 16


def test_a_graph_that_differs_is_not_written(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(network: torch.nn.Module, *, fold: bool = False) -> onnx.ModelProto:
        network.head.linear.weight.data.mul_(1.5)
        return to_onnx(network, fold=fold)  # type: ignore[arg-type]

    monkeypatch.setattr("graticule.training.exporting.parity.to_onnx", wrong)
    with pytest.raises(TrainingError, match="does not do what the network does"):
        export(finished_run, tmp_path / "model", say=silent)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("backbone", ["test_vit", "mobilenetv3_small_050"])
def test_other_networks_export_too(backbone: str) -> None:
    torch.manual_seed(0)
    network = create_network(
        NetworkSettings(BackboneSettings(backbone), feature_norm=True, input=InputSettings(size_px=32)), 3
    ).eval()
    model = with_metadata(to_onnx(network), {"size_px": "32"})
    squares = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    with torch.no_grad():
        expected, embedding = network(torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255)
    for proto, tolerance in ((model, 1e-5), (halved(model), 5e-3)):
        answer = Network(proto.SerializeToString())(squares)
        assert np.abs(answer.probabilities - expected.numpy()).max() < tolerance
        assert np.abs(answer.embedding - embedding.numpy()).max() < tolerance * 100
        assert len(Network(proto.SerializeToString())(squares[:1]).probabilities) == 1


def test_tensors_beyond_float16_stay_float32() -> None:
    network = create_network(
        NetworkSettings(BackboneSettings("test_resnet"), input=InputSettings(size_px=32)), 3
    ).eval()
    network.head.linear.weight.data[0, 0] = 1e6
    kinds = {item.name: item.data_type for item in halved(to_onnx(network)).graph.initializer}
    assert kinds["head.linear.weight"] == onnx.TensorProto.FLOAT
    assert kinds["backbone.conv1.0.weight"] == onnx.TensorProto.FLOAT16
    assert kinds["backbone.conv1.1.running_var"] == onnx.TensorProto.FLOAT


def test_quantised_graphs_hold_8_bit_weights() -> None:
    network = create_network(
        NetworkSettings(BackboneSettings("test_resnet"), input=InputSettings(size_px=32)), 3
    ).eval()
    squares = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    model = quantised(to_onnx(network, fold=True), squares)
    large = [item for item in model.graph.initializer if np.prod(item.dims) > 1000]
    assert large
    assert {item.data_type for item in large} == {onnx.TensorProto.INT8}
