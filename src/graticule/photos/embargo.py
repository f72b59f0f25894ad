"""Leaves out the photos that lie too near to those of another split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graticule.photos.neighbours import Lattice, nearest_elsewhere

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def in_embargo(latlon: Floats, part: Ints, embargo_km: float) -> NDArray[np.bool_]:
    """Which photos have to go so that no two of different splits lie within the embargo.

    First go strays: photos with another split's within the embargo, and more of another split's than of
    their own around them. Of what still is too near, the later split stays: test, then val, then train.

    Convention:
        - ``latlon``: (N, 2) in (latitude, longitude) degrees; ``part``: (N,) 0 train, 1 val, 2 test
        - what stays is **further** apart than ``embargo_km``

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.

    Example:
        >>> places = np.array([[0, 0.0], [0, 0.01], [0, 5.0]])
        >>> in_embargo(places, np.array([0, 2, 0]), embargo_km=2).tolist()
        [True, False, False]
    """
    goes = np.zeros(len(part), dtype=np.bool_)
    near = _is_near(latlon, part, embargo_km)
    if not near.any():
        return goes
    around = Lattice.of(latlon, embargo_km).counts_around(part, int(part.max()) + 1)
    goes |= near & (around[np.arange(len(part)), part] < around.max(axis=1))
    for later in range(int(part.max()), 0, -1):
        rows = np.flatnonzero(~goes & (part <= later))
        # all that is kept of later splits has been told apart from these already
        near = _is_near(latlon[rows], (part[rows] == later).astype(np.int64), embargo_km)
        goes[rows[near & (part[rows] < later)]] = True
    return goes


def _is_near(latlon: Floats, part: Ints, embargo_km: float) -> NDArray[np.bool_]:
    distance_km, _ = nearest_elsewhere(latlon, part, within_km=embargo_km)
    return np.isfinite(distance_km)
