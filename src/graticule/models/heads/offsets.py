"""Hybrid: which cell, and where inside it."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graticule.models.answers import Answer
from graticule.partitions import Partition

REACH: Final = 1.2
"""An offset may leave the box of its cell by a fifth: edges bulge, and a tanh never gets to 1."""


_POLE_DEG: Final = 90 - 1e-9


class OffsetHead(nn.Module):
    """Scores of cells, and a place inside each cell as an offset from its centre.

    Convention:
        - raw (B, 3 K): logits of the cells, then latitude and longitude in degrees of the place in each,
          cell by cell; longitudes may lie beyond 180
        - an offset of 1 reaches the edge of the cell's box on that side: the four sides have lengths of
          their own, since a centre is the mean of photos
        - probabilities: of the cells; position: the place in the best of them

    Source:
        G. Astruc et al., "OpenStreetView-5M: The Many Roads to Global Visual Geolocation" (CVPR 2024), their
        hybrid head, with tanh times 1.2.
    """

    gives: Final = ("probabilities", "position")

    def __init__(self, features: int, partition: Partition) -> None:
        super().__init__()
        self.linear = nn.Linear(features, partition.count)
        self.offsets = nn.Linear(features, 2 * partition.count)
        for layer in (self.linear, self.offsets):  # at the start the centres, and all cells nearly alike
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        sides = sides_of(partition)
        # One-dimensional, so that storing weights as float16 leaves degrees alone.
        for name, values in zip(("north", "east", "south", "west"), sides.T, strict=True):
            self.register_buffer(name, torch.from_numpy(values.copy()).float())
        for axis, name in enumerate(("latitude", "longitude")):
            values = partition.centres[:, axis].copy()
            self.register_buffer(name, torch.from_numpy(values).float())

    def forward(self, features: Tensor) -> Tensor:
        """(B, D) features -> (B, 3 K)."""
        logits = self.linear(features).float()
        up, right = (REACH * torch.tanh(self.offsets(features).float())).chunk(2, dim=1)  # (B, K) each
        side = self.get_buffer
        latitude = side("latitude") + up * torch.where(up > 0, side("north"), side("south"))
        longitude = side("longitude") + right * torch.where(right > 0, side("east"), side("west"))
        places = torch.stack([latitude.clamp(-90, 90), longitude], dim=2)
        return torch.cat([logits, places.flatten(1)], dim=1)

    def answer(self, raw: Tensor, logit_shift: Tensor) -> Answer:
        """Probabilities of the cells, and the place in the best one."""
        cells = self.linear.out_features
        shares = torch.softmax(raw[:, :cells] + logit_shift, dim=1)
        place = place_in(raw, shares.argmax(dim=1), cells)
        longitude = torch.remainder(place[:, 1] + 180, 360) - 180
        return Answer(shares, torch.stack([place[:, 0], longitude], dim=1))


def place_in(raw: Tensor, cell: Tensor, cells: int) -> Tensor:
    """(B, 3 K) raw and (B,) cells -> (B, 2) the place in that cell, degrees."""
    at = cells + 2 * cell[:, None]
    return raw.gather(1, torch.cat([at, at + 1], dim=1))


def sides_of(partition: Partition) -> NDArray[np.float64]:
    """(K, 4) degrees from the centre of each cell to the north, east, south and west edge of its box.

    A cell that holds a pole reaches to it, and all the way round.
    """
    centres = partition.centres
    sides = np.zeros((partition.count, 4))
    for owner, ring in zip(*reversed(partition.parts()), strict=True):
        latitude, longitude = centres[owner]
        up = ring[:, 0] - latitude
        right = (ring[:, 1] - longitude + 180) % 360 - 180
        right = np.where(np.abs(ring[:, 0]) > _POLE_DEG, 0.0, right)  # a corner at a pole has any longitude
        steps = (np.diff(np.append(ring[:, 1], ring[0, 1])) + 180) % 360 - 180
        if abs(steps.sum()) > 180:  # the ring goes round a pole
            pole = 0 if ring[:, 0].mean() > 0 else 2
            sides[owner, pole] = 90 - latitude if pole == 0 else 90 + latitude
            sides[owner, [1, 3]] = 180
        found = [up.max(), right.max(), -up.min(), -right.min()]
        sides[owner] = np.maximum(sides[owner], found)
    return sides
