"""The stages of a backbone, from its stem to its last: what "train the last n of them" means."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from timm.models import group_parameters
from torch import nn

from graticule.errors import RecipeError


@dataclass(frozen=True)
class Stage:
    """One step of a backbone.

    Convention:
        - ``name``: the modules in it, such as ``layer4``, ``blocks.11+norm``
        - ``parameters``: the names of its parameters; ``count``: how many numbers those are
    """

    name: str
    parameters: tuple[str, ...]
    count: int


def backbone_stages(backbone: nn.Module) -> list[Stage]:
    """The stages of a timm network, stem first, as timm groups its layers; together all its parameters.

    Convention:
        - a ResNet has five (stem, layer1 to layer4); a vision transformer one for each block and one for
          what lies before; a last norm belongs to the stage before it

    Raises:
        RecipeError: timm does not say in which order the layers of this network come.

    Example:
        >>> import timm
        >>> [stage.name for stage in backbone_stages(timm.create_model("test_resnet", num_classes=0))]
        ['conv1+bn1', 'layer1', 'layer2', 'layer3', 'layer4']
    """
    matcher: Any = getattr(backbone, "group_matcher", None)
    if matcher is None:
        raise RecipeError(
            f"The layers of the backbone {type(backbone).__name__} have no known order, so it has no "
            "stages.\nTrain it as a whole: leave 'trainable_stages' out."
        )
    sizes = {name: parameter.numel() for name, parameter in backbone.named_parameters()}
    flat = {name for name, parameter in backbone.named_parameters() if parameter.ndim <= 1}
    groups: list[list[str]] = []
    for names in group_parameters(backbone, matcher(coarse=True)).values():
        known = [name for name in names if name in sizes]
        if groups and flat.issuperset(known):  # a last norm is no stage of its own
            groups[-1] += known
        else:
            groups.append(known)
    return [Stage(_label(names), tuple(names), sum(sizes[name] for name in names)) for names in groups]


def last_stages(backbone: nn.Module, count: int) -> list[Stage]:
    """The last ``count`` stages of ``backbone``.

    Raises:
        RecipeError: it has fewer, or they are not known.
    """
    stages = backbone_stages(backbone)
    if not 0 <= count <= len(stages):
        names = ", ".join(stage.name for stage in stages)
        raise RecipeError(
            f"trainable_stages: {count} of a backbone with {len(stages)} stages ({names}).\n"
            f"Give a number from 0 (none of it trains) to {len(stages)} (all of it)."
        )
    return stages[len(stages) - count :]


def set_stages(backbone: nn.Module, count: int) -> list[Stage]:
    """Let the last ``count`` stages of ``backbone`` learn and no others; those are returned.

    Raises:
        RecipeError: as ``last_stages``.
    """
    chosen = last_stages(backbone, count)
    free: Collection[str] = {name for stage in chosen for name in stage.parameters}
    for name, parameter in backbone.named_parameters():
        parameter.requires_grad_(name in free)
    return chosen


def _label(names: list[str]) -> str:
    """Such as ``layer4`` or ``blocks.6+conv_head+bn2``."""
    by_first: dict[str, list[list[str]]] = {}
    for name in names:
        steps = name.split(".")
        by_first.setdefault(steps[0], []).append(steps)
    modules = [_common(paths) for paths in by_first.values()]
    return "+".join(modules if len(modules) <= 3 else [*modules[:2], "..."])


def _common(paths: list[list[str]]) -> str:
    """The module that all of these lie in, to the first number: ``blocks.6``, ``layer4``."""
    shared = []
    for steps in zip(*(path[: max(1, len(path) - 1)] for path in paths), strict=False):
        if len(set(steps)) > 1:
            break
        shared.append(steps[0])
        if steps[0][-1].isdigit():
            break
    return ".".join(shared)
