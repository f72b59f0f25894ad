"""The HMC family of S4: softmax within each level of the tree, combined along the branch of each cell.

With p the share of a node in its level's softmax and epsilon (0.01) in place of the zeros of S4's binary
matrices, the tensor of level i at cell k is T(i, k) = epsilon + (1 - epsilon) p(branch of k in level i), and
epsilon alone where the branch ends above level i. That is what multiplying by the matrices gives, so none is
built. The output is what the three heads make of the T of all levels.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from graticule.models.heads.branches import Branches, LevelTerm
from graticule.models.heads.tree import CellTree, LevelOrder

EPSILON = 0.01
"""Weight of all connections that are not in the tree (S4, Algorithm 2)."""

ALPHA = 0.9
"""How much a level weighs beside the one beneath it in HMC-smooth (S4, table 6.7)."""


class BranchProduct(nn.Module):
    """HMC and HMC-sol: the product of the levels' tensors, as its logarithm.

    S4 multiplies shares (HMC), or exponentiates the sum of their logarithms (HMC-sol) because long products
    of small shares lose precision. Both are the same number; here it never leaves log space, where neither
    problem exists, so the two names make the same head.

    Convention:
        - scores are the natural logarithm of the output, (B, K) float32; outputs do not sum to 1, and a
          softmax of the scores divides by their sum, as Keras' SparseCategoricalCrossentropy does

    Source:
        S4, equations 4.2 and 4.5.
    """

    offset: Tensor

    def __init__(self, features: int, tree: CellTree, *, epsilon: float = EPSILON) -> None:
        super().__init__()
        order = tree.level_order()
        self.nodes = order.nodes
        self.linear = _node_layer(features, order)
        self.branches = Branches(order)
        self.term = LevelTerm(epsilon / (1 - epsilon), logarithm=True)
        # T = (1 - epsilon) (p + odds): the factors before the bracket, and the levels beneath the cell
        inside, beneath = order.leaf_levels + 1, len(order.sizes) - 1 - order.leaf_levels
        offset = inside * math.log1p(-epsilon) + beneath * math.log(epsilon)
        self.register_buffer("offset", torch.from_numpy(offset).float()[:, None], persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, D) features -> (B, K) log outputs."""
        return self.combine(self.linear(features).t()).t()

    def combine(self, scores: Tensor) -> Tensor:
        """(N, B) scores of the nodes -> (K, B) log outputs."""
        sums = self.branches.level_sums(scores, self.term)
        return sums + self.offset.to(sums.dtype)


class BranchAverage(nn.Module):
    """HMC-smooth: the levels' tensors averaged; a level weighs ``alpha`` times the one beneath.

    Convention:
        - scores are the natural logarithm of the output, (B, K) float32; as of ``BranchProduct``
        - the weights are normalised over the levels of the cell's own branch, while the sum runs over all
          levels, as S4's does: a cell whose branch ends early has epsilon times the weights beneath it on top

    Source:
        S4, equation 4.7, and its addition to Algorithm 2.
    """

    share: Tensor
    extra: Tensor

    def __init__(
        self, features: int, tree: CellTree, *, epsilon: float = EPSILON, alpha: float = ALPHA
    ) -> None:
        super().__init__()
        order = tree.level_order()
        self.nodes = order.nodes
        self.linear = _node_layer(features, order)
        self.branches = Branches(order)
        self.term = LevelTerm(epsilon / (1 - epsilon), decay=alpha)
        levels = len(order.sizes)
        weights = alpha ** np.arange(levels - 1, -1, -1.0)  # of level 0..L-1
        upto = np.cumsum(weights)[order.leaf_levels]
        own = weights[order.leaf_levels]  # what the cell's node weighs; the sums of branches begin with 1
        share, extra = (1 - epsilon) * own / upto, epsilon * (weights.sum() - upto) / upto
        self.register_buffer("share", torch.from_numpy(share).float()[:, None], persistent=False)
        self.register_buffer("extra", torch.from_numpy(extra).float()[:, None], persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, D) features -> (B, K) log outputs."""
        return self.combine(self.linear(features).t()).t()

    def combine(self, scores: Tensor) -> Tensor:
        """(N, B) scores of the nodes -> (K, B) log outputs."""
        sums = self.branches.level_sums(scores, self.term)
        return torch.addcmul(self.extra.to(sums.dtype), sums, self.share.to(sums.dtype)).log()


def _node_layer(features: int, order: LevelOrder) -> nn.Linear:
    """One linear layer for the nodes of all levels: side by side they are S4's prediction layers."""
    layer = nn.Linear(features, len(order.nodes))
    nn.init.normal_(layer.weight, std=0.01)  # small: the nodes of a level are nearly alike at the start
    nn.init.zeros_(layer.bias)
    return layer
