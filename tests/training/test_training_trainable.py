"""What trains, in which mode, in which groups of which optimiser."""

from __future__ import annotations

import pytest
import torch

from graticule.models import BackboneSettings, InputSettings, NetworkSettings, PlaceNetwork, create_network
from graticule.training.recipe import PhaseSection
from graticule.training.trainable import create_optimizer, embedding_trains, set_modes, set_trainable


@pytest.fixture
def network() -> PlaceNetwork:
    return create_network(
        NetworkSettings(BackboneSettings("test_resnet"), input=InputSettings(size_px=32)), 3
    )


def phase(**changes: object) -> PhaseSection:
    return PhaseSection.model_validate({"name": "p", "epochs": 10, "learning_rate": 0.1, **changes})


def test_norms_and_biases_are_not_decayed(network: PlaceNetwork) -> None:
    part = phase(weight_decay=0.3, backbone_learning_rate=0.01)
    set_trainable(network, part)
    groups = create_optimizer(network, part).param_groups
    assert {(group["peak"], group["weight_decay"]) for group in groups} == {
        (0.01, 0.3),
        (0.01, 0.0),
        (0.1, 0.3),
        (0.1, 0.0),
    }
    for group in groups:
        assert all((p.ndim > 1) == (group["weight_decay"] > 0) for p in group["params"])
    assert sum(len(group["params"]) for group in groups) == len(list(network.parameters()))


def test_the_head_alone_trains_and_the_words_say_so(network: PlaceNetwork) -> None:
    words = set_trainable(network, phase(trainable="head"))
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert trained == {"head.linear.weight", "head.linear.bias"}
    assert "trains head (291 of 291)" in words
    assert not embedding_trains(network)
    words = set_trainable(network, phase())
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert embedding_trains(network)
    total = sum(parameter.numel() for parameter in network.parameters())
    assert f"of {total:,}" in words


def test_the_last_stages_train_and_the_norms_before_them_stand_still(network: PlaceNetwork) -> None:
    part = phase(trainable_stages=1)
    words = set_trainable(network, part)
    assert "layer4" in words
    free = {name.split(".")[1] for name, p in network.backbone.named_parameters() if p.requires_grad}
    assert {name.split(".")[0] for name, p in network.backbone.named_parameters() if p.requires_grad} == {
        "layer4"
    }
    assert free
    set_modes(network, part)
    before = {name: value.clone() for name, value in network.backbone.named_buffers()}
    network.embed(torch.rand(4, 3, 32, 32))
    moved = {
        name.split(".")[0]
        for name, value in network.backbone.named_buffers()
        if not torch.equal(before[name], value)
    }
    assert moved == {"layer4"}


def test_optimisers_by_name(network: PlaceNetwork) -> None:
    part = phase(optimizer="sgd", momentum=0.8, weight_decay=0.1)
    set_trainable(network, part)
    sgd = create_optimizer(network, part)
    assert type(sgd) is torch.optim.SGD
    assert {group["momentum"] for group in sgd.param_groups} == {0.8}
    adam = create_optimizer(network, phase(optimizer="adam", betas=(0.8, 0.9)))
    assert type(adam) is torch.optim.Adam
    assert {group["betas"] for group in adam.param_groups} == {(0.8, 0.9)}
    assert type(create_optimizer(network, phase())) is torch.optim.AdamW


def test_what_timm_spares_is_not_decayed() -> None:
    network = create_network(
        NetworkSettings(BackboneSettings("test_vit"), pooling="token", input=InputSettings(size_px=160)), 3
    )
    set_trainable(network, phase())
    groups = create_optimizer(network, phase(weight_decay=0.3)).param_groups
    spared = {id(p) for group in groups if not group["weight_decay"] for p in group["params"]}
    assert id(network.backbone.pos_embed) in spared
    assert id(network.backbone.patch_embed.proj.weight) not in spared


def test_what_stands_still_keeps_its_batch_norm_still(network: PlaceNetwork) -> None:
    def moves(part: PhaseSection) -> bool:
        set_trainable(network, part)
        set_modes(network, part)
        before = {name: value.clone() for name, value in network.named_buffers()}
        network.embed(torch.rand(4, 3, 32, 32))
        return any(not torch.equal(before[name], value) for name, value in network.named_buffers())

    assert not moves(phase(trainable="head"))
    assert not moves(phase(batch_norm="frozen"))
    assert moves(phase())
    assert network.dropout.training
