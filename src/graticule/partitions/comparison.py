"""The figures that tell which of several partitions to take, all measured on the same photos."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.config import THRESHOLDS_KM
from graticule.geo.sphere import great_circle_km, unit_vectors
from graticule.partitions.agreement import agreement
from graticule.partitions.neighbours import neighbours
from graticule.partitions.partition import Partition
from graticule.partitions.places import checked_places
from graticule.partitions.summary import median_radius_km

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One partition on some photos.

    Convention:
        - ``photos``: how many there are; ``dropped_photos`` of them lie in no cell
        - ``photos_per_cell``: ``min``, ``median``, ``max``; ``empty_cells`` have none of these photos
        - ``gini``: inequality of the cells' photos, 0 (all hold as many) to 1; ``effective_cells``: exp of
          the entropy of their shares, the number of cells of equal size that would be as hard to tell apart
        - ``median_radius_km``: of discs with the areas of the cells
        - ``floor_median_km``, ``floor_mean_km``, ``floor_within_km``: what a classifier that always names the
          right cell would score, from the photo to the centre of its cell; for a photo in no cell, to the
          nearest centre, as no answer could do better. Shares in [0, 1] by threshold in km
        - ``neighbours``: of a cell, ``min``, ``median``, ``max``
        - ``ari``, ``nmi``: agreement with the first partition compared, over the photos in a cell of both;
          None where there is none, or nothing to compare with
    """

    name: str
    method: str
    cells: int
    photos: int
    dropped_photos: int
    photos_per_cell: dict[str, float]
    empty_cells: int
    gini: float
    effective_cells: float
    median_radius_km: float
    floor_median_km: float
    floor_mean_km: float
    floor_within_km: dict[str, float]
    neighbours: dict[str, float]
    ari: float | None = None
    nmi: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return dataclasses.asdict(self)


def compare(
    name: str, partition: Partition, latlon: ArrayLike, weights: ArrayLike | None = None
) -> Comparison:
    """The figures of ``partition`` on the photos at ``latlon``.

    Convention:
        - ``name`` is what the partition is called in the result
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees**; ``weights``: (N,) photos at each

    Raises:
        CoordinateError, TableError, UsageError: as ``build_s2``, on the places.

    Example:
        >>> from graticule.partitions import build_s2
        >>> places = [[48.86, 2.35], [48.87, 2.36], [39.9, 116.4]]
        >>> figures = compare("a", build_s2(places, max_photos=2, min_photos=1), places)
        >>> figures.cells, round(figures.gini, 3), round(figures.effective_cells, 2)
        (2, 0.167, 1.89)
    """
    places, photos = checked_places(latlon, weights)
    if photos is None:
        photos = np.ones(len(places), dtype=np.int64)
    cells = partition.encode(places)
    covered = cells >= 0
    counts = np.zeros(partition.count, dtype=np.int64)
    np.add.at(counts, cells[covered], photos[covered])
    floor_km = floor_distances_km(partition, places, cells)
    total = int(photos.sum())
    return Comparison(
        name=name,
        method=partition.method,
        cells=partition.count,
        photos=total,
        dropped_photos=total - int(counts.sum()),
        photos_per_cell=_spread(counts),
        empty_cells=int(np.count_nonzero(counts == 0)),
        gini=gini(counts),
        effective_cells=effective_number(counts),
        median_radius_km=median_radius_km(partition),
        floor_median_km=_weighted_median(floor_km, photos),
        floor_mean_km=float(np.average(floor_km, weights=photos)),
        floor_within_km={
            str(limit): float(photos[floor_km <= limit].sum() / total) for limit in THRESHOLDS_KM
        },
        neighbours=_spread(np.bincount(neighbours(partition).reshape(-1), minlength=partition.count)),
    )


def compare_all(
    partitions: Iterable[tuple[str, Partition]], latlon: ArrayLike, weights: ArrayLike | None = None
) -> list[Comparison]:
    """The figures of several partitions on the same photos, and how far each agrees with the first.

    Convention:
        - ``partitions``: each with its name; ``latlon``, ``weights`` as ``compare``

    Raises:
        CoordinateError, TableError, UsageError: as ``compare``.
    """
    places, photos = checked_places(latlon, weights)
    found = []
    first: NDArray[np.int64] | None = None
    for name, partition in partitions:
        cells = partition.encode(places)
        figures = compare(name, partition, places, photos)
        first = cells if first is None else first
        both = (cells >= 0) & (first >= 0) & (True if photos is None else photos > 0)
        if both.any():
            same = agreement(first[both], cells[both], None if photos is None else photos[both])
            figures = dataclasses.replace(figures, ari=same.ari, nmi=same.nmi)
        found.append(figures)
    return found


def floor_distances_km(partition: Partition, latlon: ArrayLike, cells: ArrayLike | None = None) -> Array:
    """How far each photo is from the centre of its cell, or from the nearest centre where it has none.

    Convention:
        - ``latlon``: (N, 2) in **degrees**; ``cells``: (N,) as ``partition.encode`` gives them, if known
        - the result, in **km**, has shape ``(N,)``
    """
    places = np.asarray(latlon, dtype=np.float64)
    found = partition.encode(places) if cells is None else np.array(cells)
    lost = np.flatnonzero(found < 0)
    if len(lost):
        from scipy.spatial import cKDTree

        found[lost] = cKDTree(unit_vectors(partition.centres)).query(unit_vectors(places[lost]))[1]
    return great_circle_km(places, partition.centres[found])


def gini(counts: ArrayLike) -> float:
    """Gini's coefficient of how numbers are spread: 0 when all are equal, near 1 when one has everything.

    Source:
        C. Gini, "Variabilità e mutabilità" (1912): half the mean difference of all pairs over the mean.

    Example:
        >>> gini([1, 1, 1]), round(gini([0, 0, 3]), 6)
        (0.0, 0.666667)
    """
    ascending = np.sort(np.asarray(counts, dtype=np.float64))
    rank = np.arange(1, len(ascending) + 1)
    total = ascending.sum()
    if not total:
        return 0.0
    return float(
        2 * (rank * ascending).sum() / (len(ascending) * total) - (len(ascending) + 1) / len(ascending)
    )


def effective_number(counts: ArrayLike) -> float:
    """The number of equal groups with the same entropy as these: exp(-sum p ln p).

    Source:
        M. O. Hill, "Diversity and evenness", Ecology 54 (1973), number of order 1.

    Example:
        >>> round(effective_number([5, 5, 0]), 6), round(effective_number([98, 1, 1]), 2)
        (2.0, 1.12)
    """
    given = np.asarray(counts, dtype=np.float64)
    share = given[given > 0] / max(given.sum(), 1.0)
    return float(np.exp(-(share * np.log(share)).sum()))


def _spread(numbers: NDArray[np.int64]) -> dict[str, float]:
    return {"min": int(numbers.min()), "median": float(np.median(numbers)), "max": int(numbers.max())}


def _weighted_median(values: Array, weights: NDArray[np.int64]) -> float:
    """The value below which half of the photos lie; of an even number, the mean of the middle two."""
    order = np.argsort(values)
    before = np.cumsum(weights[order])
    half = before[-1] / 2
    low, high = np.searchsorted(before, half), np.searchsorted(before, half, side="right")
    return float((values[order[low]] + values[order[high]]) / 2)
