"""Names of cells by a place in them, unique within a partition."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray


def node_names(tree: pl.DataFrame, leaf_nodes: NDArray[np.int64], named_at: NDArray[np.float64]) -> list[str]:
    """A name for every node of a cell tree.

    Convention:
        - ``tree`` has ``parent``, ``level`` and ``photos``, parents before children
        - ``leaf_nodes``: (K,) node of each cell; ``named_at``: (K, 2) a place in each cell, in degrees
        - a cell is called like its place, ``"London, GB"``; an inner node like the fullest cell below it,
          ``"around London, GB (level 4)"``
        - names are unique; cells come first, in their order: ``"London, GB"``, ``"London, GB (2)"``
    """
    from graticule.geo.places import place_names  # a gazetteer: only those who want names pay for it

    places = place_names(named_at)
    fullest = _fullest_cells(tree, leaf_nodes)
    inner = np.setdiff1d(np.arange(tree.height), leaf_nodes).tolist()
    levels = tree["level"].to_list()
    wanted = [*places, *(f"around {places[fullest[node]]} (level {levels[node]})" for node in inner)]
    by_node = dict(zip([*leaf_nodes.tolist(), *inner], unique_names(wanted), strict=True))
    return [by_node[node] for node in range(tree.height)]


def _fullest_cells(tree: pl.DataFrame, leaf_nodes: NDArray[np.int64]) -> list[int]:
    """For each node the cell with the most photos at or below it."""
    parents, photos = tree["parent"].fill_null(-1).to_list(), tree["photos"].to_list()
    fullest = [-1] * tree.height
    for cell, node in enumerate(leaf_nodes.tolist()):
        fullest[node] = cell
    node_of = leaf_nodes.tolist()
    for node in range(tree.height - 1, 0, -1):  # children come after their parents
        parent, cell = parents[node], fullest[node]
        if parent >= 0 and (fullest[parent] < 0 or photos[node_of[cell]] > photos[node_of[fullest[parent]]]):
            fullest[parent] = cell
    return fullest


def unique_names(names: Iterable[str]) -> list[str]:
    """The same names, told apart by a number from their second appearance on.

    Example:
        >>> unique_names(["London, GB", "Paris, FR", "London, GB", "London, GB"])
        ['London, GB', 'Paris, FR', 'London, GB (2)', 'London, GB (3)']
    """
    wanted = list(names)
    taken = set(wanted)
    seen: dict[str, int] = {}
    result = []
    for name in wanted:
        number = seen.get(name, 0) + 1
        unique = name
        if number > 1:
            while (unique := f"{name} ({number})") in taken:  # a place may really be called so
                number += 1
            taken.add(unique)
        seen[name] = number
        result.append(unique)
    return result
