"""Names of cells by a place in them, unique within a partition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.geo.sphere import great_circle_km, latlon_of

Array = NDArray[np.float64]
Encode = Callable[[Array], NDArray[np.int64]]


def cell_names(centres: Array, inside: Array, encode: Encode) -> list[str]:
    """What each cell is called: like the place that stands for it, ``"London, GB"``.

    Where that place is in no country and near no town, or lies outside the cell, as the middle of two coasts
    does, the cell is called like the town in it that is nearest to that place.

    Convention:
        - ``centres``: (K, 2) degrees, the place that stands for each cell
        - ``inside``: (K, 2) a place in each cell, which names a cell without towns
        - ``encode`` gives the cell of places; names may be equal
    """
    from graticule.geo.places import OPEN_SEA, place_names  # a gazetteer: only those who want names pay

    names = place_names(centres)
    at_sea = np.array([name == OPEN_SEA for name in names])
    lost = np.flatnonzero(at_sea | (encode(centres) != np.arange(len(centres))))
    if len(lost):
        instead = place_names(_towns_in(lost, centres, inside, encode))
        for cell, name in zip(lost.tolist(), instead, strict=True):
            names[cell] = names[cell] if name == OPEN_SEA else name
    return names


def _towns_in(cells: NDArray[np.intp], centres: Array, inside: Array, encode: Encode) -> Array:
    """The town (n, 2) in each of the cells nearest to its centre; a place in the cell where there is none."""
    from graticule.geo.towns import gazetteer

    towns = latlon_of(gazetteer().vectors)
    cell_of_town = encode(towns)
    order = np.argsort(cell_of_town, kind="stable")
    starts = np.searchsorted(cell_of_town[order], cells).tolist()
    ends = np.searchsorted(cell_of_town[order], cells, side="right").tolist()
    found = inside[cells].copy()
    for row, cell in enumerate(cells.tolist()):
        mine = towns[order[starts[row] : ends[row]]]
        if len(mine):
            found[row] = mine[np.argmin(great_circle_km(mine, centres[cell]))]
    return found


def node_names(tree: pl.DataFrame, leaf_nodes: NDArray[np.int64], places: Sequence[str]) -> list[str]:
    """A name for every node of a cell tree.

    Convention:
        - ``tree`` has ``parent``, ``level`` and ``photos``, parents before children
        - ``leaf_nodes``: (K,) node of each cell; ``places``: (K,) the name of each, see ``cell_names``
        - an inner node is called like the fullest cell below it, ``"around London, GB (level 4)"``
        - names are unique; cells come first, in their order: ``"London, GB"``, ``"London, GB (2)"``
    """
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
