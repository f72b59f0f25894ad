"""Scenes as an auxiliary task: learned beside cells, absent from the bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
import torch

from graticule.errors import RecipeError, TableError
from graticule.inference import load_model
from graticule.models import read_tensors
from graticule.training.exporting.export import export
from graticule.training.losses import LossCells, Targets, create_loss, places_tensor, scenes_tensor
from graticule.training.networks import bare_network
from graticule.training.recipe import LossSection
from graticule.training.recipe.files import check_recipe
from graticule.training.run_folder import RunFolder
from graticule.training.train import train
from tiny_world import draw_world, tiny_recipe, tiny_values

BOTH = {"terms": [{"name": "cross-entropy"}, {"name": "scene", "weight": 0.5}]}
CENTRES = np.array([[48.0, 2.0], [35.0, 139.0]])


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def world_of_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny world; two of its towns are urban, one is natural, one says nothing."""
    folder = draw_world(tmp_path_factory.mktemp("scenes"))
    said = {"FR": "urban", "JP": "Urban", "BR": "natural"}
    table = pl.read_parquet(folder / "photos.parquet")
    scene = pl.col("country").replace_strict(said, default=None)
    table.with_columns(scene=scene).write_parquet(folder / "photos.parquet")
    return folder


def network_of(world: Path, **changes: object) -> dict[str, object]:
    return {**tiny_values(world)["network"], **changes}  # type: ignore[dict-item]


def test_scenes_are_numbered_and_unknown_ones_say_nothing() -> None:
    table = pl.DataFrame({"scene": ["urban", "NATURAL", None, "forest", "indoor"]})
    assert scenes_tensor(table).tolist() == [2, 1, -1, -1, 0]
    for nothing in (pl.DataFrame({"photo_id": ["a"]}), pl.DataFrame({"scene": [None, "forest"]})):
        with pytest.raises(TableError, match=r"it has no column 'scene' with indoor, natural, urban"):
            scenes_tensor(nothing)


@pytest.mark.parametrize("aside", [0, 4])
def test_each_loss_sees_what_is_its_own(aside: int) -> None:
    """Scores of two cells, ``aside`` numbers of places, logits of three scenes."""
    torch.manual_seed(0)
    said = torch.randn(3, 2 + aside + 3)
    targets = Targets(torch.tensor([0, 1, 1]), places_tensor(CENTRES[[0, 1, 1]]), torch.tensor([2, -1, 0]))
    found = create_loss(LossSection.model_validate(BOTH), LossCells(CENTRES))(said, targets)
    cells = -said[:, :2].log_softmax(1)
    scenes = -said[:, -3:].log_softmax(1)
    expected = torch.stack([cells[0, 0] + 0.5 * scenes[0, 2], cells[1, 1], cells[2, 1] + 0.5 * scenes[2, 0]])
    torch.testing.assert_close(found, expected)


def test_scenes_are_learned_beside_cells_and_stay_out_of_the_bundle(
    world_of_scenes: Path, tmp_path: Path
) -> None:
    phases = [{"name": "all", "epochs": 6, "learning_rate": 0.003}]
    recipe = tiny_recipe(
        world_of_scenes, network=network_of(world_of_scenes, scene=True), loss=BOTH, phases=phases
    )
    lines: list[str] = []
    report = train(recipe, tmp_path / "run", say=lines.append)
    assert max(row["val_top1"] for row in report.history) > 0.9
    assert any("scene 291" in line for line in lines)
    run = RunFolder(tmp_path / "run")
    network = bare_network(recipe.network, run.read_cells())
    network.load_state_dict(read_tensors(run.weights("best_loss")).tensors)
    network.eval()
    colours = torch.tensor([[200.0, 40, 40], [40, 200, 40], [40, 40, 200]]).view(3, 3, 1, 1) / 255
    with torch.no_grad():
        said = network.classify(network.embed(colours.expand(3, 3, 32, 32)))
    assert said[:, -3:].argmax(dim=1).tolist() == [2, 2, 1]
    assert network.answer(said).probabilities is not None

    export(tmp_path / "run", tmp_path / "model", say=silent)
    graph = onnx.load(tmp_path / "model" / "model.onnx").graph
    assert not [item.name for item in graph.initializer if item.name.startswith("scene")]
    found = load_model(tmp_path / "model").predict(
        str(next((world_of_scenes / "images").glob("BR-test-*.png")))
    )
    assert found[0].country == "BR"


@pytest.mark.parametrize(
    ("scene", "loss"),
    [(True, {}), (False, BOTH), (True, {"name": "scene"}), (True, {"terms": [{"name": "scene"}]})],
)
def test_key_and_loss_belong_together(scene: bool, loss: dict[str, object], world: Path) -> None:
    values = {**tiny_values(world), "network": network_of(world, scene=scene), "loss": loss}
    with pytest.raises(RecipeError, match=r"needs 'network.scene: true' and the term 'scene' beside"):
        check_recipe(values, "r.yaml")
