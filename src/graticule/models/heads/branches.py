"""Softmax within levels, and sums along branches: linear in the nodes, forward and backward.

Values of nodes are (N, B): a row per node in ``LevelOrder``, a column per photo. A level is a block of rows
and a photo's values of neighbouring nodes are one vector wide, so that both directions are copies and
additions of whole rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graticule.models.heads.tree import LevelOrder


class Branches(nn.Module):
    """The branches of a tree on the device of the network; holds nothing that is learned or saved.

    Convention:
        - values of nodes are (N, B), of cells (K, B)
    """

    parent_rows: Tensor
    leaf_rows: Tensor

    def __init__(self, order: LevelOrder) -> None:
        super().__init__()
        self.sizes = order.sizes
        sizes = torch.tensor(order.sizes)
        first_rows = torch.repeat_interleave(sizes.cumsum(0) - sizes, sizes)  # (N,) of the level of each row
        parents = torch.from_numpy(order.parents)[order.sizes[0] :]
        self.register_buffer("parent_rows", parents - first_rows[parents], persistent=False)
        self.register_buffer("leaf_rows", torch.from_numpy(order.leaf_rows), persistent=False)

    def softmax(self, scores: Tensor) -> Tensor:
        """(N, B) scores -> shares (N, B) that sum to 1 in every level; float32 at least."""
        scores = scores if scores.dtype == torch.float64 else scores.float()
        if torch.compiler.is_exporting() or not scores.requires_grad:
            return torch.cat([level.softmax(0) for level in torch.split_with_sizes(scores, self.sizes)])
        shares: Tensor = _LevelSoftmax.apply(scores, self.sizes)
        return shares

    def sums(self, values: Tensor, *, decay: float = 1.0) -> Tensor:
        """(N, B) values -> (K, B): the value of each cell's node, plus ``decay`` times that of the one above.

        With a ``decay`` below 1 the node two levels up counts ``decay`` squared, and so on.
        """
        settings = (self.sizes, self.parent_rows, self.leaf_rows, decay)
        if torch.compiler.is_exporting() or not values.requires_grad:
            return _sums(values, *settings)
        sums: Tensor = _BranchSums.apply(values, *settings)
        return sums


def _sums(
    values: Tensor, sizes: tuple[int, ...], parent_rows: Tensor, leaf_rows: Tensor, decay: float
) -> Tensor:
    levels = torch.split_with_sizes(values, sizes)
    sums = [levels[0]]
    for level, rows in zip(levels[1:], torch.split_with_sizes(parent_rows, sizes[1:]), strict=True):
        above = sums[-1].index_select(0, rows)
        sums.append(torch.add(level, above, alpha=decay))
    return torch.cat(sums).index_select(0, leaf_rows)


class _BranchSums(torch.autograd.Function):
    """``_sums``, whose gradient is summed upwards level by level in one array."""

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, sizes: tuple[int, ...], parent_rows: Tensor, leaf_rows: Tensor, decay: float
    ) -> Tensor:
        ctx.sizes, ctx.decay, ctx.nodes = sizes, decay, len(values)
        ctx.save_for_backward(parent_rows, leaf_rows)
        return _sums(values, sizes, parent_rows, leaf_rows, decay)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        parent_rows, leaf_rows = ctx.saved_tensors
        result = gradient.new_zeros(ctx.nodes, gradient.shape[1]).index_copy_(0, leaf_rows, gradient)
        levels = torch.split_with_sizes(result, ctx.sizes)
        rows = torch.split_with_sizes(parent_rows, ctx.sizes[1:])
        for number in range(len(levels) - 1, 0, -1):
            levels[number - 1].index_add_(0, rows[number - 1], levels[number], alpha=ctx.decay)
        return result, None, None, None, None


class _LevelSoftmax(torch.autograd.Function):
    """Softmax of each block of rows, written into one array."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, sizes: tuple[int, ...]) -> Tensor:
        shares = torch.empty(scores.shape, dtype=scores.dtype, device=scores.device)
        for level, target in zip(
            torch.split_with_sizes(scores, sizes), torch.split_with_sizes(shares, sizes), strict=True
        ):
            torch.softmax(level, 0, out=target)
        ctx.sizes = sizes
        ctx.save_for_backward(shares)
        return shares

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (shares,) = ctx.saved_tensors
        result = gradient * shares
        for level, share in zip(
            torch.split_with_sizes(result, ctx.sizes), torch.split_with_sizes(shares, ctx.sizes), strict=True
        ):
            level.addcmul_(share, level.sum(0), value=-1)
        return result, None
