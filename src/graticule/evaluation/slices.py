"""The same figures by what a photo shows and by how well its surroundings are known.

By scene, by distance from the nearest training place, by the number of photos of the true cell. In: the
comparison of N photos. Out: rows for ``metrics.json``: shares in [0, 1], lengths in km.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from graticule.config import EARTH_RADIUS_KM
from graticule.evaluation.metrics import NO_CELL, median_km
from graticule.evaluation.protocols import Array, Protocol
from graticule.evaluation.training_places import TrainingPlaces
from graticule.geo.sphere import unit_vectors

LIMITS_KM: Final = (25, 200, 750, 2500)

DISTANCES_KM: Final = (1.0, 10.0, 50.0, 200.0, 1000.0)
"""Edges between the classes of distance from the nearest training place."""

PHOTOS: Final = (1, 5, 10, 20, 50, 100, 500)
"""Edges between the classes of photos per cell: a class begins at each."""


def slice_rows(
    index: NDArray[np.int64], names: Sequence[str], errors_km: Array, protocol: Protocol
) -> list[dict[str, Any]]:
    """One row for each slice that has a photo; the rows' ``n`` add up to the photos that are in a slice.

    Convention:
        - ``index``: (N,) number of the slice in ``names``, -1 for none
        - ``errors_km``: (N,), infinite without an answer, which counts as wrong

    Example:
        >>> errors = np.array([10.0, 300.0, np.inf])
        >>> rows = slice_rows(np.array([1, 1, 0]), ["urban", "natural"], errors, Protocol("graticule"))
        >>> [(row["name"], row["n"], row["within_km"]["200"]) for row in rows]
        [('urban', 1, 0.0), ('natural', 2, 0.5)]
    """
    rows = []
    for number, name in enumerate(names):
        mine = errors_km[index == number]
        if not len(mine):
            continue
        rows.append(
            {
                "name": name,
                "n": len(mine),
                "n_answered": int(np.isfinite(mine).sum()),
                "median_km": median_km(mine),
                "within_km": {
                    f"{limit}": float(protocol.is_within(mine, limit).mean()) for limit in LIMITS_KM
                },
                "geoscore": float(protocol.geoscore(mine).mean()),
            }
        )
    return rows


def by_scene(frame: pl.DataFrame, errors_km: Array, protocol: Protocol) -> list[dict[str, Any]]:
    """By the scene that the truth states; no row where it states none."""
    if "true_scene" not in frame.columns or frame["true_scene"].null_count() == frame.height:
        return []
    scenes = frame["true_scene"].fill_null("not stated")
    names = sorted(scenes.unique())
    place = {name: number for number, name in enumerate(names)}
    index = np.array([place[scene] for scene in scenes], dtype=np.int64)
    return slice_rows(index, names, errors_km, protocol)


def by_training_distance(
    latlon: Array, training: TrainingPlaces, errors_km: Array, protocol: Protocol
) -> list[dict[str, Any]]:
    """By distance from the true place to the nearest training place; none where those are the test's own.

    Convention:
        - ``latlon``: (N, 2) true places in degrees
    """
    if training.is_in_sample:
        return []
    tree = cKDTree(unit_vectors(training.latlon))
    chord = tree.query(unit_vectors(latlon))[0]
    away_km = 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chord / 2, 1.0))
    edges = np.array(DISTANCES_KM)
    names = [f"up to {edges[0]:g} km"]
    names += [f"{low:g} to {high:g} km" for low, high in pairwise(edges)]
    names.append(f"farther than {edges[-1]:,.0f} km")
    return slice_rows(np.searchsorted(edges, away_km), names, errors_km, protocol)


def by_cell_photos(
    cells: NDArray[np.int64], photos: NDArray[np.int64], errors_km: Array, protocol: Protocol
) -> list[dict[str, Any]]:
    """By how many photos the true cell had when the cells were built; those outside all cells are a row.

    Convention:
        - ``cells``: (N,) true cell, -1 for none; ``photos``: (K,) of each cell
    """
    edges = np.array(PHOTOS)
    names = ["outside all cells", "none"]
    names += [f"{low}" if high == low + 1 else f"{low} to {high - 1}" for low, high in pairwise(PHOTOS)]
    names.append(f"{PHOTOS[-1]} and more")
    index = 1 + np.searchsorted(edges, photos[np.maximum(cells, 0)], side="right")
    return slice_rows(np.where(cells == NO_CELL, 0, index), names, errors_km, protocol)
