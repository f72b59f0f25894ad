"""Backbones by name: what can be built, and what is said when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from graticule.errors import RecipeError, TrainingError
from graticule.models.backbone import create_backbone, feature_count, pretrained_card, replace_by_identity


@pytest.mark.parametrize(
    ("name", "pooling", "features"),
    [
        ("test_resnet", "avg", 96),
        ("test_resnet", "max", 96),
        ("mobilenetv3_small_050", "avg", 1024),  # its head widens 288 channels after pooling
        ("test_vit", "token", 64),
    ],
)
def test_gives_one_row_of_features_per_image(name: str, pooling: str, features: int) -> None:
    network = create_backbone(name, pooling=pooling, size_px=64)
    assert feature_count(network, 64) == features
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, features)


def test_pooling_is_the_one_asked_for() -> None:
    torch.manual_seed(0)
    network = create_backbone("test_resnet", pooling="max").eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        features, pooled = network.forward_features(image), network(image)
    assert torch.allclose(pooled, features.amax(dim=(2, 3)))


def test_a_vit_is_built_for_the_size_of_the_recipe() -> None:
    network = create_backbone("test_vit", pooling="avg", size_px=96)
    assert network(torch.rand(1, 3, 96, 96)).shape == (1, 64)


def test_feature_count_leaves_the_network_as_it_was() -> None:
    network = create_backbone("test_resnet").train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    feature_count(network, 64)
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"timm has no network 'resnet5o'\. Nearest: .*resnet50"):
        create_backbone("resnet5o")


def test_an_unknown_tag_is_answered_with_the_tags() -> None:
    with pytest.raises(RecipeError, match=r"timm has no network 'resnet18\.a2'.*resnet18\.a1_in1k"):
        create_backbone("resnet18.a2", pretrained=True)


def test_a_pooling_that_the_network_has_not_is_refused_with_advice() -> None:
    with pytest.raises(RecipeError, match=r"'test_resnet' cannot be built with pooling 'token'") as caught:
        create_backbone("test_resnet", pooling="token")
    assert "avg, max" in str(caught.value)


def test_an_argument_that_the_network_has_not_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"kwargs \{'pad_typ': 'same'\}"):
        create_backbone("test_resnet", kwargs={"pad_typ": "same"})


def test_a_map_of_features_is_refused() -> None:
    network = create_backbone("test_resnet", kwargs={"global_pool": ""})
    with pytest.raises(RecipeError, match="expected one row per image"):
        feature_count(network, 64)


def test_modules_are_replaced_by_name() -> None:
    network = create_backbone("mobilenetv3_small_050", identity_modules=["blocks.0.0.bn1.act"])
    assert isinstance(network.blocks[0][0].bn1.act, torch.nn.Identity)
    with pytest.raises(RecipeError, match=r"no module 'blocks\.0\.0\.bn1\.akt'\. Did you mean"):
        replace_by_identity(network, "blocks.0.0.bn1.akt")


def test_pretrained_weights_that_cannot_be_had_say_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(TrainingError, match="pretrained weights of 'resnet18' cannot be had") as caught:
        create_backbone("resnet18", pretrained=True)
    assert "--set network.backbone.weights=none" in str(caught.value)
    assert "--set network.backbone.weights=FILE" in str(caught.value)


def test_pretrained_weights_come_from_a_hub_folder(tmp_path: Path) -> None:
    torch.manual_seed(1)
    published = timm.create_model("test_resnet", num_classes=7)
    card = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5]}
    timm.models.save_for_hf(
        published, tmp_path, model_config={"pretrained_cfg": published.pretrained_cfg | card}
    )
    network = create_backbone(f"local-dir:{tmp_path}", pretrained=True)
    assert torch.equal(network.conv1[0].weight, published.conv1[0].weight)
    assert tuple(pretrained_card(network)["mean"]) == (0.1, 0.2, 0.3)
