"""HTree: probabilities on the tree that sum to 1, each node's given the one above it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from graticule.models.heads.branches import Branches
from graticule.models.heads.tree import CellTree


class ConditionalTree(nn.Module):
    """HTree: the children of a node share its probability by a softmax among themselves, the roots share 1.

    Not of S4: there the nodes of a whole level compete, and the outputs are not probabilities. Here they are,
    of inner nodes as well: the probability of a node is the sum over the cells beneath it.

    Convention:
        - scores are log-probabilities, (B, K) float32
        - ``nodes``: (N,) node of the tree that each row of the linear layer scores

    Source:
        F. Morin, Y. Bengio, "Hierarchical Probabilistic Neural Network Language Model" (2005).
    """

    level_rows: Tensor

    def __init__(self, features: int, tree: CellTree) -> None:
        super().__init__()
        order = tree.level_order()
        families = order.families()
        self.shapes = tuple(rows.shape for rows in families)
        rows = np.concatenate([group.reshape(-1) for group in families])  # families of one size together
        self.nodes = order.nodes[rows]
        self.linear = nn.Linear(features, len(rows))
        nn.init.normal_(self.linear.weight, std=0.01)  # small: siblings are nearly alike at the start
        nn.init.zeros_(self.linear.bias)
        self.branches = Branches(order)
        self.register_buffer("level_rows", torch.from_numpy(np.argsort(rows)), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, D) features -> (B, K) log-probabilities."""
        return self.combine(self.linear(features).t()).t()

    def combine(self, scores: Tensor) -> Tensor:
        """(N, B) scores of the nodes -> (K, B) log-probabilities."""
        scores = scores if scores.dtype == torch.float64 else scores.float()
        parts = torch.split_with_sizes(scores, [families * members for families, members in self.shapes])
        logs = [
            part.reshape(families, members, -1).log_softmax(1).reshape(families * members, -1)
            for part, (families, members) in zip(parts, self.shapes, strict=True)
        ]
        return self.branches.sums(torch.cat(logs).index_select(0, self.level_rows))
