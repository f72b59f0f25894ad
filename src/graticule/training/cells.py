"""The cells that a run tells apart: built from its photos, from other places, or read from a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.errors import PartitionError
from graticule.geo.sphere import great_circle_km, group_means
from graticule.partitions import Partition
from graticule.partitions.methods import METHODS, build_partition, respelled, spelled
from graticule.partitions.partition import MultiPartition
from graticule.photos.places import read_places
from graticule.training.recipe.partition import PartitionSection, recipe_key

Places = NDArray[np.float64]
Say = Callable[[str], None]

DENSITY_SCALE_KM: Final = 100.0
"""Places count as near to each other over about this length, in km, where the densest is looked for."""

MOST_PLACES: Final = 2000
"""At most so many places of a cell, evenly spaced in the table, are compared with each other."""

_CALLED_BY_PLACE: Final = ("s2", "kd", "quadtree")  # the others call cells by their outlines or members


def build_cells(section: PartitionSection, photos: Places, say: Say | None = None) -> Partition:
    """The partition of a recipe.

    Convention:
        - ``photos``: (N, 2) places of the training photos, degrees
        - ``say``: called with each sentence on what was repaired, merged or left out

    Raises:
        MissingFileError, TableError: a file cannot be read.
        PartitionError: no cell is left, or the photos lie in none.
    """
    if section.file is not None:
        partition = Partition.read(section.file)
    else:
        sources = _sources(section, photos)
        partition = _built(section, sources[section.cells_from], say)
        if section.centres_from != section.cells_from or section.point != "mean":
            partition = with_centres(partition, sources[section.centres_from], point=section.point)
    if partition.count < 2 or not (partition.encode(photos) >= 0).any():
        raise PartitionError(
            f"The partition has {partition.count} cells, and {int((partition.encode(photos) >= 0).sum())} of "
            f"{len(photos):,} training photos lie in them; a model needs at least two cells with photos.\n"
            f"{_finer(section)}"
        )
    return partition


def _built(section: PartitionSection, places: Places, say: Say | None) -> Partition:
    """The cells by the method of the recipe; its errors name keys of the recipe."""
    options = section.options()
    if "min_photos" in options:
        options["min_photos"] = max(1, options["min_photos"])
    with spelled(recipe_key):
        built = build_partition(section.method, places, None, options)
    if say is not None:
        for remark in built.remarks:
            say(respelled(remark, recipe_key))
    return built.partition


def _finer(section: PartitionSection) -> str:
    """What to type for more cells."""
    if section.file is not None:
        return "Give another partition as partition.file, or build one:  --set partition.file=null"
    takes = METHODS[section.method].takes
    smaller = {"max_photos": 50, "min_photos": 5, "cells": 129, "groups": 15}
    words = [recipe_key(name, str(number)) for name, number in smaller.items() if name in takes]
    return f"Cut finer:  {' '.join(words)}"


def with_centres(partition: Partition, places: Places, *, point: str = "mean") -> Partition:
    """The same cells, each standing for a point made from ``places``; cells without any keep theirs.

    Convention:
        - ``places``: (N, 2) degrees
        - ``point``: ``mean`` (on the sphere), or ``densest``: the place with most others around it
    """
    if isinstance(partition, MultiPartition):
        moved = {
            name: with_centres(each, places, point=point) for name, each in partition.resolutions.items()
        }
        return MultiPartition.of(moved, partition.shares)
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
    kept = partition.tree
    if partition.method in _CALLED_BY_PLACE:
        kept = kept.drop("name", "geometry", strict=False)  # names follow the points
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
