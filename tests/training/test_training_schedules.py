"""What trains, at which rate, in which mode."""

from __future__ import annotations

import pytest
import torch

from graticule.models import BackboneSettings, InputSettings, NetworkSettings, create_network
from graticule.training.recipe import PhaseSection
from graticule.training.schedules import create_optimizer, rate_factor, set_modes, set_trainable


@pytest.fixture
def network() -> torch.nn.Module:
    return create_network(
        NetworkSettings(BackboneSettings("test_resnet"), input=InputSettings(size_px=32)), 3
    )


def phase(**changes: object) -> PhaseSection:
    return PhaseSection.model_validate({"name": "p", "epochs": 10, "learning_rate": 0.1, **changes})


def test_warm_up_rises_in_a_line_then_the_cosine_falls() -> None:
    part = phase(warmup_epochs=2)
    assert [rate_factor(part, done) for done in (0, 1, 2)] == pytest.approx([0, 0.5, 1])
    assert rate_factor(part, 6) == pytest.approx(0.5)
    assert rate_factor(part, 10) == pytest.approx(0, abs=1e-12)
    assert rate_factor(phase(schedule="constant", warmup_epochs=2), 9) == 1


def test_norms_and_biases_are_not_decayed(network: torch.nn.Module) -> None:
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


def test_the_head_alone_trains_and_the_words_say_so(network: torch.nn.Module) -> None:
    words = set_trainable(network, phase(trainable="head"))
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert trained == {"head.linear.weight", "head.linear.bias"}
    assert "trains the head (291 parameters)" in words
    words = set_trainable(network, phase())
    assert all(parameter.requires_grad for parameter in network.parameters())
    total = sum(parameter.numel() for parameter in network.parameters())
    assert f"of {total:,}" in words


def test_what_stands_still_keeps_its_batch_norm_still(network: torch.nn.Module) -> None:
    def moves(part: PhaseSection) -> bool:
        set_modes(network, part)
        before = {name: value.clone() for name, value in network.named_buffers()}
        network.embed(torch.rand(4, 3, 32, 32))
        return any(not torch.equal(before[name], value) for name, value in network.named_buffers())

    assert not moves(phase(trainable="head"))
    assert not moves(phase(batch_norm="frozen"))
    assert moves(phase())
    assert network.dropout.training
