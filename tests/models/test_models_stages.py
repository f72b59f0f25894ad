"""The stages of backbones: which modules, in which order, and what a number of them lets learn."""

from __future__ import annotations

import pytest
import timm
from torch import nn

from graticule.errors import RecipeError
from graticule.models.stages import backbone_stages, last_stages, set_stages

NETWORKS = ("test_resnet", "test_vit", "test_efficientnet", "mobilenetv3_small_050", "convnext_atto", "vgg11")


@pytest.fixture(scope="module", params=NETWORKS)
def backbone(request: pytest.FixtureRequest) -> nn.Module:
    network: nn.Module = timm.create_model(request.param, num_classes=0)
    return network


def test_stages_hold_every_parameter_once(backbone: nn.Module) -> None:
    stages = backbone_stages(backbone)
    names = [name for stage in stages for name in stage.parameters]
    assert sorted(names) == sorted(name for name, _ in backbone.named_parameters())
    assert sum(stage.count for stage in stages) == sum(p.numel() for p in backbone.parameters())
    assert len({stage.name for stage in stages}) == len(stages)


def test_a_resnet_has_a_stem_and_four_layers_as_torchvision_names_them() -> None:
    stages = backbone_stages(timm.create_model("resnet18", num_classes=0))
    assert [stage.name for stage in stages] == ["conv1+bn1", "layer1", "layer2", "layer3", "layer4"]
    assert stages[-1].count == 8_393_728  # counted from the shapes of its five 3 x 3 and 1 x 1 convolutions


def test_no_stage_is_only_a_norm() -> None:
    convnext = timm.create_model("convnext_atto", num_classes=0)
    assert "head.norm.weight" in backbone_stages(convnext)[-1].parameters
    assert len(backbone_stages(convnext)) == 5


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_last_stages_learn_and_no_others(backbone: nn.Module, count: int) -> None:
    stages = backbone_stages(backbone)
    learning = {name for stage in set_stages(backbone, count) for name in stage.parameters}
    expected = {name for stage in stages[len(stages) - count :] for name in stage.parameters}
    assert learning == expected
    assert {name for name, p in backbone.named_parameters() if p.requires_grad} == expected


def test_too_many_stages_are_refused_with_their_names() -> None:
    network = timm.create_model("test_resnet", num_classes=0)
    with pytest.raises(
        RecipeError, match=r"(?s)6 of a backbone with 5 stages \(conv1\+bn1, layer1.*from 0 .* to 5"
    ):
        last_stages(network, 6)


def test_a_module_that_timm_does_not_know_has_no_stages() -> None:
    with pytest.raises(RecipeError, match=r"The layers of the backbone Linear have no known order"):
        backbone_stages(nn.Linear(2, 2))
