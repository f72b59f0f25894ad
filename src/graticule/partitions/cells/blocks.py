"""Looks up the cells of many places, some at a time: what is in between stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.geo.sphere import check_latlon


def in_blocks(
    latlon: ArrayLike,
    find: Callable[[NDArray[np.float64]], NDArray[np.int64]],
    *,
    at_once: int,
) -> NDArray[np.int64]:
    """The cell (...) that ``find`` has for each place (..., 2) in **degrees**; it is given (n, 2) of them.

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.

    Example:
        >>> in_blocks([[1, 2], [3, 4], [5, 6]], lambda some: some[:, 1].astype(int), at_once=2).tolist()
        [2, 4, 6]
    """
    places = check_latlon(latlon)
    flat = places.reshape(-1, 2)
    cells = np.empty(len(flat), dtype=np.int64)
    for start in range(0, len(flat), at_once):
        some = slice(start, start + at_once)
        cells[some] = find(flat[some])
    return cells.reshape(places.shape[:-1])
