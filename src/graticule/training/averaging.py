"""A moving average of a network's weights, which is what validation and export then use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class AveragedWeights:
    """The average of all floating-point tensors of ``network``; whole numbers are those of the last step.

    Convention:
        - ``decay``: share kept at each step, at first (1 + steps) / (10 + steps) when that is less
        - ``state``: as ``state_dict`` gave it, to go on from
    """

    def __init__(self, network: nn.Module, decay: float, state: Mapping[str, Any] | None = None) -> None:
        self.network = network
        self.decay = decay
        self.steps = int(state["steps"]) if state else 0
        given: Mapping[str, Tensor] = state["tensors"] if state else network.state_dict()
        self.tensors = {name: tensor.detach().clone() for name, tensor in given.items()}

    @torch.no_grad()
    def update(self) -> None:
        """One step further."""
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        for name, value in self.network.state_dict().items():
            average = self.tensors[name] = self.tensors[name].to(value.device)
            if value.is_floating_point():
                average.lerp_(value, share)
            else:
                average.copy_(value)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network has the average inside, and its own weights again afterwards."""
        own = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        self.network.load_state_dict(self.tensors)
        try:
            yield
        finally:
            self.network.load_state_dict(own)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"steps": self.steps, "tensors": self.tensors}
