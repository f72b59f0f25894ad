"""A map from a tenth of its places: an even grid first, then around where it says most, linear in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.intp]
    Look = Callable[[Places], NDArray[np.float64]]

COST: Final = 0.1
"""Share of the places that are looked at."""

_EVEN: Final = 0.8  # of those, on the even grid; the rest where these say most
_LEAST: Final = 4  # the corners


def coarse_budget(count: int) -> int:
    """How many of ``count`` x ``count`` places are looked at.

    Example:
        >>> coarse_budget(25)
        62
    """
    return int(COST * count * count)


def can_be_coarse(count: int) -> bool:
    """Whether a tenth of the places holds at least the four corners."""
    return coarse_budget(count) >= _LEAST


def coarse_to_fine(look: Look, count: int) -> NDArray[np.float64]:
    """The values (count, count) from a tenth of them.

    Convention:
        - ``look``: values (n,) at places (n, 2) in (row, column); called twice

    Example:
        >>> slope = coarse_to_fine(lambda places: places.sum(axis=1) * 1.0, 20)
        >>> float(abs(slope - np.add.outer(np.arange(20), np.arange(20))).max().round(9))
        0.0
    """
    from scipy.interpolate import griddata

    budget = coarse_budget(count)
    side = max(2, int((_EVEN * budget) ** 0.5))
    along = np.unique(np.linspace(0, count - 1, side).round().astype(np.intp))
    places = np.stack(np.meshgrid(along, along, indexing="ij"), axis=-1).reshape(-1, 2)
    values = look(places)
    step = max(1, round((count - 1) / max(1, side - 1) / 2))
    chosen = list(_between(places, values, step, count))[: max(0, budget - len(places))]
    if chosen:
        finer = np.array(chosen, dtype=np.intp)
        values, places = np.append(values, look(finer)), np.concatenate([places, finer])
    rows, columns = np.mgrid[:count, :count]
    found: NDArray[np.float64] = griddata(places, values, (rows, columns), method="linear")
    return found


def _between(
    places: NDArray[np.intp], values: NDArray[np.float64], step: int, count: int
) -> Iterator[tuple[int, int]]:
    """Places half-way to the neighbours of those that say most, each once."""
    known = {tuple(place) for place in places.tolist()}
    for number in np.argsort(-np.abs(values), kind="stable"):
        row, column = places[number].tolist()
        for down, right in ((0, step), (step, 0), (0, -step), (-step, 0)):
            place = (row + down, column + right)
            if place not in known and min(place) >= 0 and max(place) < count:
                known.add(place)
                yield place
