"""The multi-class head: cells side by side, without the tree above them."""

from __future__ import annotations

from torch import Tensor, nn


class FlatHead(nn.Module):
    """Multi-class head (MC): one linear layer over the leaves; which cells lie together is not used.

    Source:
        MC of the hierarchical cell classifiers (S4): the baseline beside its HMC family.
    """

    def __init__(self, features: int, cells: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, cells)
        nn.init.normal_(self.linear.weight, std=0.01)  # small: all cells are nearly alike at the start
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, D) features -> (B, K) logits."""
        scores: Tensor = self.linear(features)
        return scores
