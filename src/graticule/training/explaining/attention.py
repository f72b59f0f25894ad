"""Where a vision transformer looks: the attention of its layers, and what of it speaks for a target.

In: a network and one picture. Out: maps (h, w) over its patches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graticule.errors import ExplanationError
from graticule.models import PlaceNetwork

Map = NDArray[np.float32]


def last_layer(layers: list[Tensor], row: Tensor) -> Tensor:
    """The attention (N,) of the last layer, mean of its heads, as S2 drew it (Figure 9)."""
    return row @ layers[-1].mean(dim=0)


def rollout(layers: list[Tensor], row: Tensor) -> Tensor:
    """The attention (N,) through all layers, half of each left to what passes beside it.

    Source:
        S. Abnar, W. Zuidema, "Quantifying Attention Flow in Transformers" (2020), 3.
    """
    through = torch.eye(len(row))
    for layer in layers:
        through = (layer.mean(dim=0) + torch.eye(len(row))) / 2 @ through
    return row @ through


def gradient_weighted(layers: list[Tensor], gradients: list[Tensor], row: Tensor) -> Tensor:
    """What of the attention (N,) speaks for the target: each layer times its gradient, negative parts cut.

    Source:
        H. Chefer et al., "Generic Attention-model Explainability" (2021), equations 5 and 6.
    """
    start = torch.eye(len(row))
    through = start
    for layer, gradient in zip(layers, gradients, strict=True):
        through = through + (layer * gradient).clamp(min=0).mean(dim=0) @ through
    return row @ (through - start)


def on_grid(tokens: Tensor, prefix: int) -> Map:
    """(N,) tokens, the first ``prefix`` of them no patches, -> (h, w)."""
    patches = tokens[prefix:]
    side = math.isqrt(len(patches))
    found: Map = patches.reshape(side, side).numpy().astype(np.float32)
    return found


class Attention:
    """The attention layers of a network.

    Raises:
        ExplanationError: it has none that look at all patches of the picture.
    """

    def __init__(self, network: PlaceNetwork) -> None:
        self._network = network
        body: Any = network.backbone
        self.prefix = int(getattr(body, "num_prefix_tokens", 0))
        self._takes_token = getattr(body, "global_pool", "") == "token" and self.prefix > 0
        self._layers: list[Any] = [
            module
            for module in body.modules()
            if hasattr(module, "fused_attn") and isinstance(getattr(module, "attn_drop", None), nn.Module)
        ]
        if not self._layers:
            raise ExplanationError(
                "This network has no attention layers.\nThese methods work:  gradcam, occlusion, "
                "integrated-gradients"
            )

    def row(self, tokens: int) -> Tensor:
        """Whose attention is shown, weights (N,): the class token's, or that of all patches alike."""
        row = torch.zeros(tokens)
        if self._takes_token:
            row[0] = 1.0
        else:
            row[self.prefix :] = 1.0 / (tokens - self.prefix)
        return row

    def look(self, image: Tensor, weights: Tensor) -> tuple[float, list[Tensor], list[Tensor]]:
        """The explained number in nats, and of each layer the attention (heads, N, N) and its gradient."""
        with self._captured() as seen, torch.enable_grad():
            number = explained_number(self._network, image.requires_grad_(), weights[None])[0]
            gradients = torch.autograd.grad(number, seen)
        self._check(seen)
        layers = [layer[0].detach() for layer in seen]
        return float(number.detach()), layers, [gradient[0] for gradient in gradients]

    def _check(self, seen: list[Tensor]) -> None:
        """Each (1, heads, N, N) of the same N: of the one picture, not of several windows of it."""
        tokens = seen[0].shape[-1]
        patches = tokens - self.prefix
        shapes = {(layer.shape[0], *layer.shape[2:]) for layer in seen}
        if shapes != {(1, tokens, tokens)} or math.isqrt(patches) ** 2 != patches:
            raise ExplanationError(
                "The attention layers of this network look at windows of the picture, or at coarser and "
                "coarser ones, which do not add up to one map.\n"
                "These methods work:  occlusion, integrated-gradients"
            )

    @contextmanager
    def _captured(self) -> Iterator[list[Tensor]]:
        """Attention as it is computed, layer by layer; the fused kernel, which never shows it, is off."""
        seen: list[Tensor] = []
        before = [layer.fused_attn for layer in self._layers]
        hooks = [
            layer.attn_drop.register_forward_hook(lambda _module, _given, found: seen.append(found))
            for layer in self._layers
        ]
        try:
            for layer in self._layers:
                layer.fused_attn = False
            yield seen
        finally:
            for layer, was, hook in zip(self._layers, before, hooks, strict=True):
                layer.fused_attn = was
                hook.remove()


def explained_number(network: PlaceNetwork, image: Tensor, weights: Tensor) -> Tensor:
    """The number that is explained (B,), in nats, as ``graticule.explanations.targets.log_probability``."""
    shares: Tensor = network(image)[network.output_names.index("probabilities")]
    least = torch.finfo(shares.dtype).tiny
    speaking = (shares * weights.clamp(min=0)).sum(dim=1).clamp(min=least).log()
    against = (shares * (-weights).clamp(min=0)).sum(dim=1).clamp(min=least).log()
    some = (weights < 0).any(dim=1)
    number: Tensor = speaking - torch.where(some, against, torch.zeros_like(against))
    return number
