"""What a network says of photos once it is trained: probabilities of cells, places, or both."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn


class Answer(NamedTuple):
    """The answer for B photos; at least one of the two.

    Convention:
        - ``probabilities``: (B, K) of the cells, or None when the head knows no cells
        - ``position``: (B, 2) (latitude, longitude) in **degrees**, or None when cells are all it says
    """

    probabilities: Tensor | None
    position: Tensor | None = None


class AnsweringHead(Protocol):
    """A head whose output is not simply one logit per cell says itself what it means."""

    def answer(self, raw: Tensor, logit_shift: Tensor) -> Answer:
        """The answer in what the head gave for training; ``logit_shift`` (K,) is added to cells' logits."""
        ...


def answer_of(head: nn.Module, raw: Tensor, logit_shift: Tensor) -> Answer:
    """The answer in ``raw``, what ``head`` gave: its own ``answer``, or the softmax of (B, K) logits."""
    own = getattr(head, "answer", None)
    if own is None:
        return Answer(torch.softmax(raw + logit_shift, dim=1))
    answer: Answer = own(raw, logit_shift)
    return answer
