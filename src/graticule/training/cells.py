"""The cells that a run tells apart: built from its photos, from other places, or read from a file."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.errors import PartitionError
from graticule.geo.sphere import great_circle_km, group_means
from graticule.partitions import Partition, build_s2
from graticule.photos.places import read_places
from graticule.training.recipe import PartitionSection

Places = NDArray[np.float64]

DENSITY_SCALE_KM: Final = 100.0
"""Places count as near to each other over about this length, in km, where the densest is looked for."""

MOST_PLACES: Final = 2000
"""At most so many places of a cell, evenly spaced in the table, are compared with each other."""


def build_cells(section: PartitionSection, photos: Places) -> Partition:
    """The partition of a recipe.

    Convention:
        - ``photos``: (N, 2) places of the training photos, degrees

    Raises:
        MissingFileError, TableError: a file cannot be read.
        PartitionError: no cell is left, or the photos lie in none.
    """
    if section.file is not None:
        partition = Partition.read(section.file)
    else:
        sources = _sources(section, photos)
        partition = build_s2(
            sources[section.cells_from],
            max_photos=section.max_photos,
            min_photos=max(1, section.min_photos),
            start_level=section.start_level,
            end_level=section.end_level,
        )
        if section.centres_from != section.cells_from or section.point != "mean":
            partition = with_centres(partition, sources[section.centres_from], point=section.point)
    if partition.count < 2 or not (partition.encode(photos) >= 0).any():
        raise PartitionError(
            f"The partition has {partition.count} cells, and {int((partition.encode(photos) >= 0).sum())} of "
            f"{len(photos):,} training photos lie in them; a model needs at least two cells with photos.\n"
            "Cut finer:  --set partition.max_photos=50 --set partition.min_photos=5"
        )
    return partition


def with_centres(partition: Partition, places: Places, *, point: str = "mean") -> Partition:
    """The same cells, each standing for a point made from ``places``; cells without any keep theirs.

    Convention:
        - ``places``: (N, 2) degrees
        - ``point``: ``mean`` (on the sphere), or ``densest``: the place with most others around it
    """
    cells = partition.encode(places)
    inside = cells >= 0
    if point == "densest":
        centres = _densest(places[inside], cells[inside], partition.count)
    else:
        centres = group_means(places[inside], cells[inside], partition.count)
    centres = np.where(np.isfinite(centres), centres, partition.centres)
    columns = {}
    for axis, name in enumerate(("latitude", "longitude")):
        values = partition.tree[name].to_numpy().copy()
        values[partition.leaf_nodes] = centres[:, axis]
        columns[name] = pl.Series(name, values)
    kept = partition.tree.drop("name", "geometry", strict=False)  # names follow the points
    return dataclasses.replace(partition, tree=kept.with_columns(*columns.values()))


def prior_shift(
    partition: Partition, photos: Places, places: Places, *, strength: float
) -> NDArray[np.float64]:
    """What is added to the logits so that cells are as likely beforehand as places lie in them.

    Convention:
        - ``photos``, ``places``: (N, 2) and (M, 2) degrees
        - the result: (K,), strength * log(share of places / share of photos), both counted with half a
          photo more in every cell so that none is impossible

    Raises:
        PartitionError: no place lies in a cell.

    Source:
        M. Saerens, P. Latinne, C. Decaestecker, Neural Computation 14 (2002); counts smoothed after Jeffreys.
    """
    if not (partition.encode(places) >= 0).any():
        raise PartitionError(
            "None of the places of the recipe's 'prior' lies in a cell.\n"
            "Are its latitudes and longitudes in degrees, and not swapped?"
        )
    shares = []
    for latlon in (places, photos):
        cells = partition.encode(latlon)
        counts = np.bincount(cells[cells >= 0], minlength=partition.count) + 0.5
        shares.append(counts / counts.sum())
    shift: NDArray[np.float64] = strength * np.log(shares[0] / shares[1])
    return shift


def _sources(section: PartitionSection, photos: Places) -> dict[str, Places]:
    if section.places is None:
        return {"photos": photos}
    places = read_places(section.places).latlon
    return {"photos": photos, "places": places, "both": np.concatenate([photos, places])}


def _densest(places: Places, cells: NDArray[np.int64], count: int) -> Places:
    centres = np.full((count, 2), np.nan)
    for cell in np.unique(cells):
        members = places[cells == cell]
        members = members[:: -(-len(members) // MOST_PLACES)]
        between_km = great_circle_km(members[:, None], members[None, :])
        nearness = 1.0 / (1.0 + (between_km / DENSITY_SCALE_KM) ** 2)
        centres[cell] = members[int(nearness.sum(axis=1).argmax())]
    return centres
