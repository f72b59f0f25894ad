"""Cross-entropies: the right cell, and no other, is the target. In nats."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from graticule.training.losses.targets import Loss, LossCells, Targets
from graticule.training.recipe.loss import LossTerm


def cross_entropy(term: LossTerm, cells: LossCells) -> Loss:  # noqa: ARG001
    """-log p(cell of the photo), p the softmax of the scores; ``label_smoothing`` spreads over all cells.

    Of heads on the tree, whose scores are log outputs, the softmax divides the output by its sum.

    Source:
        S4, 6.1.2: Keras' SparseCategoricalCrossentropy on the combined output, which normalises it so.
    """

    def loss(scores: Tensor, targets: Targets) -> Tensor:
        losses = functional.cross_entropy(
            scores, targets.cells, label_smoothing=term.label_smoothing, ignore_index=-1, reduction="none"
        )
        return torch.where(targets.cells >= 0, losses, torch.nan)

    return loss


def output_logarithm(term: LossTerm, cells: LossCells) -> Loss:  # noqa: ARG001
    """-log of the output at the cell of the photo as it is, of a head on the tree: nothing is normalised.

    Of hmc that is the sum of the losses of the levels along the branch.

    Source:
        S4, equation 6.1 by the letter.
    """

    def loss(scores: Tensor, targets: Targets) -> Tensor:
        return torch.where(targets.cells >= 0, -at(scores, targets.cells), torch.nan)

    return loss


def at(values: Tensor, cells: Tensor) -> Tensor:
    """(B, K) values -> (B,) of these cells; of cell 0 where the cell is -1."""
    return values.gather(1, cells.clamp(min=0)[:, None])[:, 0]
