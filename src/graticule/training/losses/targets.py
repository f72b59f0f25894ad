"""What losses are told: where the photos were taken, and what is known of the cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graticule.geo.sphere import unit_vectors


class Targets(NamedTuple):
    """Where B photos were taken, and of what.

    Convention:
        - ``cells`` (B,), -1 for none; ``places`` (B, 3) unit vectors
        - ``scenes`` (B,) numbers of scenes, -1 for unknown; None where nobody asks
    """

    cells: Tensor
    places: Tensor
    scenes: Tensor | None = None

    def at(self, rows: Tensor) -> Targets:
        """The targets of these rows."""
        scenes = None if self.scenes is None else self.scenes[rows]
        return Targets(self.cells[rows], self.places[rows], scenes)


Loss = Callable[[Tensor, Targets], Tensor]
"""What the network says, and the targets -> the loss (B,) of each photo; NaN where it says nothing.

(B, K) scores of cells, whose softmax are probabilities, or (B, 2) places in degrees, as the loss says.
"""


@dataclass(frozen=True, eq=False)
class LossCells:
    """What losses know of the K cells.

    Convention:
        - ``centres``: (K, 2) degrees, the points of the cells
        - ``photos``: (K,) number of training photos in each cell; None where nobody counted
    """

    centres: NDArray[np.float64]
    photos: NDArray[np.int64] | None = None

    @property
    def count(self) -> int:
        """Number K of cells."""
        return len(self.centres)

    @cached_property
    def points(self) -> Tensor:
        """(K, 3) unit vectors of the centres, float32."""
        return places_tensor(self.centres)


def places_tensor(latlon: NDArray[np.float64]) -> Tensor:
    """(N, 2) degrees -> (N, 3) unit vectors, float32."""
    return torch.from_numpy(unit_vectors(latlon).astype(np.float32))
