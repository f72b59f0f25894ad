"""Backbones: any network of timm by name, with errors that say what to type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch
from torch import nn

from graticule.config import nearest
from graticule.errors import RecipeError, TrainingError


def create_backbone(
    name: str,
    *,
    pooling: str | None = "avg",
    size_px: int | None = None,
    kwargs: Mapping[str, Any] | None = None,
    identity_modules: Sequence[str] = (),
    pretrained: bool = False,
) -> nn.Module:
    """A timm network that gives its pooled features, (B, 3, H, W) -> (B, D).

    Convention:
        - ``name``: a timm name, with or without tag, or ``local-dir:FOLDER``, ``hf-hub:OWNER/NAME``
        - ``pooling``: ``avg``, ``max`` or ``token``; None: as the network has it
        - ``size_px``: told to networks that are built for one image size
        - ``identity_modules``: dotted names of modules that are replaced by nothing
        - ``pretrained``: with the weights that timm knows for the name; they are downloaded

    Raises:
        RecipeError: no such network, an argument that it does not take, or no such module in it.
        TrainingError: the weights cannot be had.
    """
    chosen = {} if pooling is None else {"global_pool": pooling}
    arguments = {"num_classes": 0, **chosen, **(kwargs or {})}
    if size_px is not None and _is_built_for_one_size(name) and "img_size" not in arguments:
        arguments["img_size"] = size_px
    _check_name(name)
    try:
        network: nn.Module = timm.create_model(name, pretrained=pretrained, **arguments)
    except (TypeError, AssertionError, AttributeError) as error:
        raise RecipeError(
            f"The backbone '{name}' cannot be built with pooling '{pooling}' and kwargs "
            f"{dict(kwargs or {})}: "
            f"{_first_line(error)}.\n"
            "Set network.pooling to one that it has (convolutional networks: avg, max; ViTs: avg, token), "
            "and network.backbone.kwargs to arguments that it takes."
        ) from error
    except Exception as error:
        if "retrained tag" in str(error):
            raise _unknown_name(name) from error
        if not pretrained:
            raise
        raise TrainingError(
            f"The pretrained weights of '{name}' cannot be had: {_first_line(error)}.\n"
            "timm downloads them. Without a network, start elsewhere:\n"
            "  --set network.backbone.weights=none            random weights\n"
            "  --set network.backbone.weights=FILE            a .safetensors file, a run folder or a bundle"
        ) from error
    for module in identity_modules:
        replace_by_identity(network, module)
    return network


def replace_by_identity(network: nn.Module, name: str) -> None:
    """Replace the module of that dotted name by one that does nothing.

    Raises:
        RecipeError: there is no such module; the message names the nearest.
    """
    known = {path for path, _ in network.named_modules() if path}
    if name not in known:
        close = nearest(name, known)
        advice = f" Did you mean '{close}'?" if close else ""
        raise RecipeError(f"network.backbone.identity_modules: the network has no module '{name}'.{advice}")
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())


def pretrained_card(network: nn.Module) -> dict[str, Any]:
    """Timm's card of a network: input size, crop, mean and standard deviation, licence."""
    card: Any = network.pretrained_cfg  # timm sets it on every model
    return dict(card)


def feature_count(network: nn.Module, size_px: int) -> int:
    """D, the number of features after pooling, found by looking at one grey image.

    Raises:
        RecipeError: the network gives a map instead of one row of features per image.
    """
    was_training = network.training
    network.eval()
    with torch.no_grad():
        features = network(torch.zeros(1, 3, size_px, size_px))
    network.train(was_training)
    if features.ndim != 2:
        raise RecipeError(
            f"The backbone gives features of shape {tuple(features.shape)}, expected one row per image.\n"
            "Set network.pooling (avg, max or token) instead of a pooling in network.backbone.kwargs."
        )
    return int(features.shape[1])


def _check_name(name: str) -> None:
    if ":" not in name and not timm.is_model(name):
        raise _unknown_name(name)


def _unknown_name(name: str) -> RecipeError:
    architecture = name.partition(".")[0]
    known = timm.list_models()
    if architecture in known:
        tags = timm.list_models(f"{architecture}.*", pretrained=True)
        close = [architecture, *tags]
    else:
        close = [
            found
            for found in (nearest(architecture, known), *timm.list_models(f"*{architecture}*")[:3])
            if found
        ]
    advice = f" Nearest: {', '.join(dict.fromkeys(close))}." if close else ""
    return RecipeError(
        f"timm has no network '{name}'.{advice}\n"
        'List them:  python -c "import timm; print(*timm.list_models(), sep=chr(10))"'
    )


def _is_built_for_one_size(name: str) -> bool:
    if ":" in name or not timm.is_model(name):
        return False
    card = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return bool(card is not None and card.fixed_input_size)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")
