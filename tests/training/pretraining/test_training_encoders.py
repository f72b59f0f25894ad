"""Training from what ``graticule pretrain`` made, and pre-training from public weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import timm
import torch
import yaml
from safetensors.torch import save_file

from graticule.errors import MissingFileError, RecipeError, TrainingError
from graticule.models import read_tensors
from graticule.models.mae import MaeSettings, create_autoencoder
from graticule.models.weights import read_about
from graticule.training.encoders import with_encoder
from graticule.training.experiments.definition import read_experiment
from graticule.training.experiments.running import Course, run_experiment
from graticule.training.pretraining.run import pretrain
from graticule.training.recipe import PretrainingRecipe
from graticule.training.recipe.files import read_pretraining, read_recipe
from graticule.training.run_folder import RunFolder
from graticule.training.train import train
from tiny_world import tiny_recipe, tiny_values

NAME = "blocks.3.attn.qkv.weight"


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def encoder(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of an autoencoder that was pre-trained for three steps."""
    values = {
        "photos": {"table": str(world)},
        "network": {
            "autoencoder": "tiny",
            "image_size_px": 48,
            "mean": [0.4, 0.4, 0.4],
            "std": [0.2, 0.2, 0.2],
        },
        "phases": [{"name": "restore", "epochs": 1, "learning_rate": 0.001}],
        "probe": None,
        "reconstructions": 0,
        "batch_size": 16,
        "workers": 0,
    }
    run = tmp_path_factory.mktemp("encoder") / "mae"
    return pretrain(PretrainingRecipe.model_validate(values), run, say=silent).run


def test_a_recipe_takes_the_network_of_its_weights(world: Path, encoder: Path, tmp_path: Path) -> None:
    section = tiny_values(world)["network"]
    assert isinstance(section, dict)
    network = {**section, "backbone": {"name": "test_resnet", "weights": str(encoder)}, "image_size_px": 32}
    phases = [{"name": "all", "epochs": 1, "learning_rate": 1e-12}]
    said: list[str] = []
    run = RunFolder(tmp_path / "run")
    train(tiny_recipe(world, network=network, phases=phases), run.path, say=said.append)
    line = next(line for line in said if line.startswith("Backbone: "))
    assert "the encoder that 'mae' pre-trained, vit_tiny_patch16_224, in place of 'test_resnet'" in line
    recipe = run.read_recipe()
    assert (recipe.network.backbone.name, recipe.network.image_size_px) == ("vit_tiny_patch16_224", 32)
    assert recipe.network.mean == (0.4, 0.4, 0.4)
    ours = read_tensors(run.path).tensors[f"backbone.{NAME}"]
    assert torch.allclose(ours, read_tensors(encoder).tensors[f"encoder.{NAME}"])


def test_the_image_size_comes_along_where_none_is_stated(world: Path, encoder: Path) -> None:
    said: list[str] = []
    words = [f"network.backbone.weights={encoder}", f"photos.table={world}"]
    recipe = with_encoder(
        read_recipe("municipality_vit", [*words, "network.image_size_px=null"]), said.append
    )
    assert recipe.network.image_size_px == 48
    assert recipe.network.pooling == "token"
    assert said[0].count("in place of 'vit_base_patch16_224.orig_in21k_ft_in1k'") == 1
    kept = with_encoder(read_recipe("quick"), said.append)
    assert kept == read_recipe("quick")
    assert len(said) == 1


def test_a_network_of_the_same_name_keeps_its_keys(encoder: Path) -> None:
    backbone = f"{{name: vit_tiny_patch16_224, weights: '{encoder}', kwargs: {{drop_path_rate: 0.1}}}}"
    said: list[str] = []
    recipe = with_encoder(read_recipe("municipality_vit", [f"network.backbone={backbone}"]), said.append)
    assert recipe.network.backbone.kwargs == {"drop_path_rate": 0.1}
    assert recipe.network.image_size_px == 224  # the recipe's
    assert "in place of" not in said[0]


def test_an_encoder_brings_its_patches(world: Path, tmp_path: Path) -> None:
    words = ["photos.synthetic=null", f"photos.table={world}", "probe=null", "reconstructions=0", "workers=0"]
    recipe = read_pretraining("mae_tiny", [*words, "network.image_size_px=32", "phases.0.epochs=1"])
    assert recipe.network.patch_px == 8
    run = pretrain(recipe, tmp_path / "mae", say=silent).run
    words = [f"network.backbone.weights={run}", f"photos.table={world}", "network.image_size_px=40"]
    with_patches = with_encoder(read_recipe("municipality_vit", words), silent)
    assert with_patches.network.backbone.kwargs == {"patch_size": 8}
    assert with_patches.network.image_size_px == 40
    with pytest.raises(RecipeError, match=r"the 8 px patches of(.|\n)*network\.image_size_px=96"):
        with_encoder(read_recipe("municipality_vit", [*words, "network.image_size_px=100"]), silent)
    phases = [{"name": "head", "epochs": 1, "trainable": "head", "learning_rate": 0.01}]
    network = {"backbone": {"name": "test_resnet", "weights": str(run)}, "image_size_px": 32}
    train(tiny_recipe(world, network=network, phases=phases), tmp_path / "run", say=silent)
    ours = read_tensors(RunFolder(tmp_path / "run").path).tensors["backbone.patch_embed.proj.weight"]
    assert ours.shape == (192, 3, 8, 8)
    assert torch.equal(ours, read_tensors(run).tensors["encoder.patch_embed.proj.weight"])


def test_what_does_not_fit_is_told(encoder: Path, tmp_path: Path) -> None:
    words = f"network.backbone.weights={encoder}"
    with pytest.raises(RecipeError, match=r"is a vision transformer itself(.|\n)*network\.transformer=null"):
        with_encoder(read_recipe("s2_cnn_vit", [words]), silent)
    with pytest.raises(RecipeError, match=r"100 px cannot be cut into(.|\n)*network\.image_size_px=96"):
        with_encoder(read_recipe("municipality_vit", [words, "network.image_size_px=100"]), silent)
    with pytest.raises(
        TrainingError, match=r"Set network\.autoencoder and network\.patch_px to those that they are of"
    ):
        create_autoencoder(MaeSettings("small", size_px=32, weights=str(encoder)))
    with pytest.raises(MissingFileError, match=r"--set network\.weights=none"):
        create_autoencoder(MaeSettings("tiny", weights=str(tmp_path / "absent")))
    (tmp_path / "broken.safetensors").write_bytes(b"?")
    with pytest.raises(TrainingError, match=r"is not a readable \.safetensors file"):
        read_about(tmp_path / "broken.safetensors")
    assert read_about(tmp_path / "absent") == read_about("pretrained") == read_about(tmp_path) == {}


def test_public_weights_fill_the_encoder_tensor_by_tensor(tmp_path: Path) -> None:
    torch.manual_seed(5)
    public = timm.create_model("vit_tiny_patch16_224", img_size=64)  # with its classifier, as published
    save_file(public.state_dict(), tmp_path / "model.safetensors")
    network = create_autoencoder(MaeSettings("tiny", size_px=64, weights=str(tmp_path)))
    theirs = {name: value for name, value in public.state_dict().items() if not name.startswith("head.")}
    ours = network.encoder.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    photos = torch.rand(2, 3, 64, 64)
    public.eval()
    network.eval()
    tokens = network.encoder.forward_features(network.normalise(photos))
    assert torch.allclose(tokens, public.forward_features(network.normalise(photos)), atol=1e-6)


@pytest.mark.slow
def test_an_experiment_pretrains_once_for_a_row(world: Path, tmp_path: Path) -> None:
    small = {"autoencoder": "tiny", "image_size_px": 32}
    before = {
        "network": small,
        "phases": [{"name": "restore", "epochs": 1, "learning_rate": 0.001}],
        "probe": None,
        "reconstructions": 0,
        "batch_size": 16,
    }
    phases = [{"name": "all", "epochs": 1, "learning_rate": 0.001}]
    (tmp_path / "before.yaml").write_text(yaml.safe_dump(before))
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(tiny_values(world, phases=phases)))
    experiment = {
        "recipe": str(tmp_path / "mine.yaml"),
        "seeds": [0],
        "columns": {"top-1": "top1"},
        "rows": {
            "plain": {},
            "halves": {
                "set": {"photos.half": "last"},
                "pretraining": {"recipe": str(tmp_path / "before.yaml"), "set": {"photos.half": "first"}},
            },
        },
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(experiment, sort_keys=False))
    said: list[str] = []
    course = Course(read_experiment(tmp_path / "study.yaml"), tmp_path / "out", (0,))
    plain, halves = run_experiment(course, say=said.append)
    assert plain.measured is not None
    assert halves.measured is not None
    assert any("the encoder that" in line and "in place of 'test_resnet'" in line for line in said)
    counts = [json.loads(path.read_text()) for path in (tmp_path / "out").rglob("photos.json")]
    learned = sorted(each["train"] + each["dropped"].get("in no cell", 0) for each in counts)
    assert len(learned) == 3  # one run of pretrain, two of train
    assert learned[2] == 40
    assert learned[0] + learned[1] == 40  # the halves make one whole
