"""S2's losses of distance: how far the cells are that the network thinks likely.

Distances are between the points of cells, from that of the photo's cell, by the great circle in km and then
divided by ``unit_km``; S2 does not say its unit. With 1 km the squares of thousands swamp a cross-entropy.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graticule.training.losses.great_circle import distances_km
from graticule.training.losses.targets import Loss, LossCells, Targets
from graticule.training.recipe.loss import LossTerm


def squared_expected_distance(term: LossTerm, cells: LossCells) -> Loss:
    """(sum of p(cell) times its distance)^2, in ``unit_km`` squared.

    Source:
        S2, equation 1; equation 2 is its sum with the cross-entropy.
    """

    def loss(scores: Tensor, targets: Targets) -> Tensor:
        expected = (scores.softmax(dim=1) * _from_truth(term, cells, targets)).sum(dim=1)
        return torch.where(targets.cells >= 0, expected.square(), torch.nan)

    return loss


def distance_weighted_log(term: LossTerm, cells: LossCells) -> Loss:
    """Sum of -log(1 - p(cell)) times its distance, in nats times ``unit_km``.

    Source:
        S2, equation 3.
    """

    def loss(scores: Tensor, targets: Targets) -> Tensor:
        losses = -(log_of_the_rest(scores) * _from_truth(term, cells, targets)).sum(dim=1)
        return torch.where(targets.cells >= 0, losses, torch.nan)

    return loss


def log_of_the_rest(scores: Tensor) -> Tensor:
    """(B, K) scores -> log(1 - p) of each cell, finite however sure the network is.

    Of the likeliest cell it is summed over the others, as 1 - p would be zero by rounding; of all others p is
    at most one half.
    """
    logs = scores.log_softmax(dim=1)
    likeliest = torch.zeros_like(logs, dtype=torch.bool).scatter_(1, logs.argmax(dim=1, keepdim=True), True)
    others = logs.masked_fill(likeliest, -torch.inf).logsumexp(dim=1, keepdim=True)  # (B, 1)
    return torch.where(likeliest, others, torch.log1p(-logs.exp().masked_fill(likeliest, 0.0)))


def _from_truth(term: LossTerm, cells: LossCells, targets: Targets) -> Tensor:
    """(B, K) distance of every cell from the photo's own; its row alone, never that of all cells."""
    points = cells.points.to(targets.places)
    return distances_km(points[targets.cells.clamp(min=0)], points) / term.unit_km
