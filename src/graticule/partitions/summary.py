"""The figures by which one partition is judged against another."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from graticule.config import EARTH_RADIUS_KM
from graticule.partitions.partition import Partition


@dataclasses.dataclass(frozen=True)
class Summary:
    """How many cells, how full and how large.

    Convention:
        - ``cells_by_level``: number of cells at each depth of the tree
        - ``photos`` went in, ``dropped_photos`` of them lie in cells that were dropped
        - ``photos_per_cell`` holds ``min``, ``median``, ``max``
        - ``median_radius_km``: of discs with the areas of the cells
    """

    cells: int
    nodes: int
    cells_by_level: dict[int, int]
    photos: int
    dropped_photos: int
    dropped_cells: int
    photos_per_cell: dict[str, float]
    median_radius_km: float

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return dataclasses.asdict(self)


def summarise(partition: Partition) -> Summary:
    """The figures of ``partition``.

    Example:
        >>> from graticule.partitions import build_s2
        >>> figures = summarise(build_s2([[48.86, 2.35]] * 3, max_photos=5, min_photos=1))
        >>> figures.cells, figures.nodes, figures.cells_by_level, round(figures.median_radius_km)
        (1, 3, {2: 1}, 1283)
    """
    levels, counts = np.unique(partition.levels[partition.leaf_nodes], return_counts=True)
    return Summary(
        cells=partition.count,
        nodes=partition.tree.height,
        cells_by_level=dict(zip(levels.tolist(), counts.tolist(), strict=True)),
        photos=partition.source.photos,
        dropped_photos=partition.source.dropped_photos,
        dropped_cells=partition.source.dropped_cells,
        photos_per_cell={
            "min": int(partition.photos.min()),
            "median": float(np.median(partition.photos)),
            "max": int(partition.photos.max()),
        },
        median_radius_km=median_radius_km(partition),
    )


def median_radius_km(partition: Partition) -> float:
    """The median radius, in **km**, of discs on the sphere with the areas of the cells."""
    # A cap of area A has the radius 2 R asin(sqrt(A / 4 pi R^2)).
    shares = np.sqrt(partition.areas_km2 / (4 * np.pi * EARTH_RADIUS_KM**2))
    return float(np.median(2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(shares, 1.0))))
