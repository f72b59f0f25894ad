"""What training minimises, by the name that recipes use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from torch import Tensor
from torch.nn import functional

from graticule.training.recipe import LossSection

Loss = Callable[[Tensor, Tensor], Tensor]
"""(B, K) logits and (B,) cells -> the mean loss, in nats for cross-entropy."""


def create_loss(section: LossSection) -> Loss:
    """The loss of a recipe."""
    return LOSSES[section.name](section)


def _cross_entropy(section: LossSection) -> Loss:
    def loss(logits: Tensor, cells: Tensor) -> Tensor:
        return functional.cross_entropy(logits, cells, label_smoothing=section.label_smoothing)

    return loss


LOSSES: Final[dict[str, Callable[[LossSection], Loss]]] = {"cross-entropy": _cross_entropy}
