"""The whole network: what it sees, what it gives, and what the export will add."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from graticule.errors import RecipeError
from graticule.models import BackboneSettings, InputSettings, NetworkSettings, Preprocessing, create_network


def test_shapes_and_probabilities() -> None:
    network = create_network(
        NetworkSettings(BackboneSettings("test_resnet"), dropout=0.5, input=InputSettings(size_px=32)), 5
    ).eval()
    probabilities, embedding = network(torch.rand(3, 3, 32, 32))
    assert probabilities.shape == (3, 5)
    assert embedding.shape == (3, 96)
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(3))


def test_at_the_start_all_cells_are_nearly_alike() -> None:
    network = create_network(
        NetworkSettings(BackboneSettings("test_resnet"), input=InputSettings(size_px=32)), 5
    ).eval()
    probabilities, _ = network(torch.rand(3, 3, 32, 32))
    assert probabilities.detach().numpy() == pytest.approx(0.2, abs=0.05)


def test_normalisation_is_inside() -> None:
    torch.manual_seed(0)
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    network = create_network(
        NetworkSettings(BackboneSettings("test_resnet"), input=InputSettings(size_px=32, mean=mean, std=std)),
        2,
    ).eval()
    image = torch.rand(1, 3, 32, 32)
    channels = [(image[:, i] - mean[i]) / std[i] for i in range(3)]
    with torch.no_grad():
        expected = network.backbone(torch.stack(channels, dim=1))
        assert torch.allclose(network.embed(image), expected, atol=1e-6)


def test_the_shift_corrects_probabilities_and_not_the_logits_of_training() -> None:
    network = create_network(
        NetworkSettings(BackboneSettings("test_resnet"), input=InputSettings(size_px=32)), 2
    ).eval()
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        before, features = network(image)
        logits = network.classify(features)
        network.logit_shift.copy_(torch.tensor([3.0, 1.0]).log())
        after, _ = network(image)
        assert torch.equal(network.classify(features), logits)
    odds = (before[0, 0] / before[0, 1]).item()
    assert (after[0, 0] / after[0, 1]).item() == pytest.approx(3 * odds, rel=1e-5)


def test_feature_norm_brings_features_to_mean_0_and_deviation_1() -> None:
    network = create_network(
        NetworkSettings(BackboneSettings("test_resnet"), feature_norm=True, input=InputSettings(size_px=32)),
        2,
    )
    seen: list[torch.Tensor] = []
    network.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network.classify(torch.rand(64, 96) * 5 + 2)
    assert seen[0].mean(dim=0).abs().max() < 1e-5
    assert seen[0].std(dim=0, correction=0).detach().numpy() == pytest.approx(1.0, abs=1e-2)
    assert not list(network.feature_norm.parameters())


def test_preprocessing_is_the_backbones_unless_said() -> None:
    card = {"input_size": (3, 160, 160), "crop_pct": 0.95, "mean": (0.1, 0.2, 0.3), "std": (1, 1, 1)}
    assert Preprocessing.of_card(card) == Preprocessing(160, 0.95, (0.1, 0.2, 0.3), (1.0, 1.0, 1.0))
    said = Preprocessing.of_card(card, size_px=64, crop=1.0, mean=(0.5, 0.5, 0.5))
    assert said == Preprocessing(64, 1.0, (0.5, 0.5, 0.5), (1.0, 1.0, 1.0))


def test_identity_modules_reach_the_backbone() -> None:
    network = create_network(
        NetworkSettings(
            BackboneSettings("test_resnet", identity_modules=["layer1.0.act1"]),
            input=InputSettings(size_px=32),
        ),
        2,
    )
    assert isinstance(network.backbone.get_submodule("layer1.0.act1"), nn.Identity)


def test_dense_layers_lie_between_pooling_and_head() -> None:
    settings = NetworkSettings(
        BackboneSettings("test_resnet"), dense=(7, 6), dropout_after=0.5, input=InputSettings(size_px=32)
    )
    network = create_network(settings, 5).eval()
    assert list(network.parts()) == ["backbone", "dense", "head"]
    features = torch.randn(4, 96)
    first, _, second, _, _ = network.dense.children()
    with torch.no_grad():
        expected = network.head(torch.relu(second(torch.relu(first(features)))))
        assert torch.allclose(network.classify(features), expected)
    assert network.chosen_parts("head") == ["dense", "head"]
    assert network.embedding_parts() == ("backbone",)


def test_the_last_stages_of_the_backbone_learn_and_the_norms_of_the_others_stand_still() -> None:
    settings = NetworkSettings(BackboneSettings("test_resnet"), input=InputSettings(size_px=32))
    network = create_network(settings, 5)
    words = network.set_trainable("all", stages=1)
    network.set_modes()
    assert "its last 1 stages: layer4" in words
    kept = network.backbone.get_buffer("bn1.running_mean").clone()
    moved = network.backbone.get_buffer("layer4.0.bn1.running_mean").clone()
    network.classify(network.embed(torch.rand(4, 3, 32, 32)))
    assert torch.equal(network.backbone.get_buffer("bn1.running_mean"), kept)
    assert not torch.equal(network.backbone.get_buffer("layer4.0.bn1.running_mean"), moved)
    assert network.set_trainable("all", stages=0) == "head (485 of 485): 485 of 373,173 parameters"


def test_an_unknown_part_is_named_with_those_there_are() -> None:
    network = create_network(
        NetworkSettings(BackboneSettings("test_resnet"), input=InputSettings(size_px=32)), 5
    )
    with pytest.raises(RecipeError, match=r"has no part 'cnn'. It has: backbone, head"):
        network.set_trainable(["cnn", "head"])
