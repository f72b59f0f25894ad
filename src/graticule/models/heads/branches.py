"""Softmax within levels, and sums along branches: linear in the nodes, forward and backward.

Values of nodes are (N, B): a row per node in ``LevelOrder``, a column per photo. A level is a block of rows,
and both directions are copies and additions of whole rows. The gradients are written out, because autograd
would keep and fill one more array of all nodes for every step and level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from graticule.models.heads.tree import LevelOrder


@dataclass(frozen=True)
class LevelTerm:
    """What a level adds to its branches: of the share p of a node, p + ``odds`` or its logarithm.

    Convention:
        - ``decay``: what each level counts beside the one beneath it
    """

    odds: float
    decay: float = 1.0
    logarithm: bool = False


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which rows belong together.

    Convention:
        - ``sizes``: rows of each level; ``parents``: for each row below level 0 its parent's, counted from
          where the parent's level begins
        - ``leaves``: (K,) row of each cell; ``cells``: (N,) cell of each row, K for none
    """

    sizes: tuple[int, ...]
    parents: Tensor
    leaves: Tensor
    cells: Tensor

    def levels(self, values: Tensor) -> list[Tensor]:
        """The rows of each level, views of ``values``."""
        return list(torch.split_with_sizes(values, self.sizes))

    def parent_rows(self) -> list[Tensor]:
        """For each level but the first, the row of each parent in the level above."""
        return list(torch.split_with_sizes(self.parents, self.sizes[1:]))


class Branches(nn.Module):
    """The branches of a tree on the device of the network; holds nothing that is learned or saved.

    Convention:
        - values of nodes are (N, B), of cells (K, B)
    """

    parents: Tensor
    leaves: Tensor
    cells: Tensor

    def __init__(self, order: LevelOrder) -> None:
        super().__init__()
        self.sizes = order.sizes
        sizes = torch.tensor(order.sizes)
        first_rows = torch.repeat_interleave(sizes.cumsum(0) - sizes, sizes)  # (N,) of the level of each row
        parents, leaves = torch.from_numpy(order.parents)[order.sizes[0] :], torch.from_numpy(order.leaf_rows)
        cells = torch.full((len(order.nodes),), len(leaves)).index_copy_(0, leaves, torch.arange(len(leaves)))
        self.register_buffer("parents", parents - first_rows[parents], persistent=False)
        self.register_buffer("leaves", leaves, persistent=False)
        self.register_buffer("cells", cells, persistent=False)

    def level_sums(self, scores: Tensor, term: LevelTerm) -> Tensor:
        """(N, B) scores -> (K, B): the terms of their softmax within each level, summed over every branch.

        In float32 at least, whatever the scores are in.
        """
        scores = scores if scores.dtype == torch.float64 else scores.float()
        rows = self._rows()
        if _needs_gradient(scores):
            sums: Tensor = _LevelSums.apply(scores, rows, term)
            return sums
        values = torch.cat([level.softmax(0) for level in rows.levels(scores)]) + term.odds
        return _downwards(values.log() if term.logarithm else values, rows, term.decay)

    def sums(self, values: Tensor) -> Tensor:
        """(N, B) values -> (K, B): their sum over the branch of every cell."""
        rows = self._rows()
        if _needs_gradient(values):
            sums: Tensor = _BranchSums.apply(values, rows)
            return sums
        return _downwards(values, rows)

    def _rows(self) -> _Rows:
        return _Rows(self.sizes, self.parents, self.leaves, self.cells)


def _needs_gradient(values: Tensor) -> bool:
    """Whether to take the written-out gradients, which are no operations of an exported graph."""
    return values.requires_grad and torch.is_grad_enabled() and not torch.compiler.is_exporting()


def _downwards(values: Tensor, rows: _Rows, decay: float = 1.0) -> Tensor:
    """(N, B) values -> (K, B): the value of each cell's node, plus ``decay`` times the sum above it."""
    first, *levels = rows.levels(values)
    sums = [first]
    for level, parents in zip(levels, rows.parent_rows(), strict=True):
        sums.append(torch.add(level, sums[-1].index_select(0, parents), alpha=decay))
    return torch.cat(sums).index_select(0, rows.leaves)


def _upwards(gradient: Tensor, rows: _Rows, decay: float = 1.0) -> Tensor:
    """(K, B) gradients of cells -> (N, B) of the values of the nodes above them."""
    of_cells = torch.cat([gradient, gradient.new_zeros(1, gradient.shape[1])])
    result = of_cells.index_select(0, rows.cells)
    levels, parents = rows.levels(result), rows.parent_rows()
    for number in range(len(levels) - 1, 0, -1):
        levels[number - 1].index_add_(0, parents[number - 1], levels[number], alpha=decay)
    return result


class _BranchSums(torch.autograd.Function):
    """``_downwards`` with ``_upwards`` as its gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rows: _Rows) -> Tensor:
        ctx.rows = rows
        return _downwards(values, rows)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return _upwards(gradient, ctx.rows), None


class _LevelSums(torch.autograd.Function):
    """Softmax of each level, its terms, and their sums, in as few arrays as will do."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, rows: _Rows, term: LevelTerm) -> Tensor:
        shares = torch.empty(scores.shape, dtype=scores.dtype, device=scores.device)
        for level, target in zip(rows.levels(scores), rows.levels(shares), strict=True):
            torch.softmax(level, 0, out=target)
        sums = shares + term.odds
        slopes = shares  # of the term by its score, before the level's mean is taken off
        if term.logarithm:
            slopes, sums = sums, sums.log()
            torch.div(shares, slopes, out=slopes)
        levels = rows.levels(sums)
        for number, parents in enumerate(rows.parent_rows(), start=1):
            levels[number].add_(levels[number - 1].index_select(0, parents), alpha=term.decay)
        ctx.rows, ctx.decay = rows, term.decay
        ctx.save_for_backward(shares, slopes)
        return sums.index_select(0, rows.leaves)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        shares, slopes = ctx.saved_tensors
        result = _upwards(gradient, ctx.rows, ctx.decay).mul_(slopes)
        for level, share in zip(ctx.rows.levels(result), ctx.rows.levels(shares), strict=True):
            level.addcmul_(share, level.sum(0), value=-1)
        return result, None, None
