"""The loss of a place inside a cell, in units of length."""

from __future__ import annotations

import torch
from torch import Tensor

from graticule.models.heads.offsets import place_in
from graticule.models.heads.positions import vectors_of
from graticule.training.losses.great_circle import between_km
from graticule.training.losses.targets import Loss, LossCells, Targets
from graticule.training.recipe.loss import LossTerm


def cell_offset(term: LossTerm, cells: LossCells) -> Loss:
    """Distance of the photo from the place given for its own cell, by the great circle in ``unit_km``.

    The right cell's place is taken whatever cell the network thinks likeliest, so the offsets learn also
    while the cells are still wrong.

    Source:
        G. Astruc et al., "OpenStreetView-5M" (CVPR 2024): cell and offset are trained together.
    """

    def loss(said: Tensor, targets: Targets) -> Tensor:
        place = place_in(said, targets.cells.clamp(min=0), cells.count)
        off = between_km(vectors_of(place), targets.places) / term.unit_km
        return torch.where(targets.cells >= 0, off, torch.nan)

    return loss
