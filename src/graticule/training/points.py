"""The place of an answer, chosen from the probabilities of the cells as prediction does it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graticule.inference.estimate import Estimate, chosen_cells, distances_km


class Points:
    """Chooses places.

    Convention:
        - ``centres``: (K, 2) degrees; ``estimate``: as in ``graticule.inference.estimate``

    Example:
        >>> points = Points(np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 9.0]]), "expected-distance")
        >>> points.of(np.array([[0.34, 0.3, 0.36]])).tolist()
        [[0.0, 1.0]]
    """

    def __init__(self, centres: NDArray[np.float64], estimate: Estimate) -> None:
        self.centres = centres
        self.estimate = estimate
        self.between_km = distances_km(centres) if estimate == "expected-distance" else None

    def of(
        self, probabilities: NDArray[np.floating] | None, position: NDArray[np.floating] | None = None
    ) -> NDArray[np.float64]:
        """(N, K) probabilities, or the network's own places (N, 2) in degrees -> (N, 2) degrees.

        Raises:
            ValueError: what the estimate needs is not there.
        """
        needed = position if self.estimate == "position" else probabilities
        if needed is None:
            raise ValueError(f"the estimate '{self.estimate}' needs what this network does not give")
        if self.estimate == "position":
            return needed.astype(np.float64)
        probabilities = needed
        chosen = chosen_cells(probabilities.astype(np.float64), self.estimate, self.between_km)
        return self.centres[chosen]
