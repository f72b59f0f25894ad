"""From the network's cell probabilities to an answer: calibrated, one point, one country, one region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from graticule.bundle.regions import RegionRule, cells_within, distances_km
from graticule.bundle.scaling import temper

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FROM_CELLS", "Estimate", "best_groups", "chosen_cells", "distances_km", "region", "temper"]

Estimate = Literal["best-cell", "expected-distance", "position"]
"""How the point is chosen: two ways from the cells, or the place that the network itself gives."""

FROM_CELLS: Final = ("best-cell", "expected-distance")


def chosen_cells(
    probabilities: NDArray[np.float64], estimate: Estimate, between_km: NDArray[np.float64] | None = None
) -> NDArray[np.intp]:
    """The cell whose centre is the point estimate of each photo.

    Convention:
        - ``probabilities``: (N, K); ``between_km``: (K, K) distances of the centres
        - ``estimate``: one of ``FROM_CELLS``
        - ``best-cell`` takes the most probable cell; ``expected-distance`` the one from which the
          probability-weighted mean distance to all centres is least (a median on the sphere)

    Example:
        >>> line_km = np.abs(np.subtract.outer([0.0, 1.0, 9.0], [0.0, 1.0, 9.0]))
        >>> shares = np.array([[0.34, 0.3, 0.36]])
        >>> int(chosen_cells(shares, "best-cell")[0])
        2
        >>> int(chosen_cells(shares, "expected-distance", line_km)[0])
        1
    """
    if estimate == "best-cell":
        best: NDArray[np.intp] = probabilities.argmax(axis=1)
        return best
    if between_km is None:
        raise ValueError("expected-distance needs the distances between the centres")
    nearest: NDArray[np.intp] = (probabilities @ between_km).argmin(axis=1)
    return nearest


def region(probabilities: NDArray[np.float64], mass: float) -> list[NDArray[np.intp]]:
    """The smallest sets of best cells that together reach a probability.

    Convention:
        - ``probabilities``: (N, K); ``mass``: share in [0, 1]; 1 or more gives all the cells
        - the result: for each photo the cells, best first; never empty

    Example:
        >>> [cells.tolist() for cells in region(np.array([[0.2, 0.5, 0.3]]), 0.6)]
        [[1, 2]]
    """
    return cells_within(probabilities, RegionRule().scores(probabilities), mass)


def best_groups(
    probabilities: NDArray[np.float64], groups: NDArray[np.intp], count: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The group of cells (a country, say) with the largest summed probability.

    Convention:
        - ``probabilities``: (N, K); ``groups``: (K,) group of each cell, -1 for none; ``count`` groups
        - the result: (N,) group, -1 when no cell has one, and (N,) its summed probability
    """
    if count == 0:
        return np.full(len(probabilities), -1), np.zeros(len(probabilities))
    member = np.zeros((len(groups), count))
    member[np.flatnonzero(groups >= 0), groups[groups >= 0]] = 1.0
    sums = probabilities @ member
    best = sums.argmax(axis=1)
    return best, sums[np.arange(len(sums)), best]
