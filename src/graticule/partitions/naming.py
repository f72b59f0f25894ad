"""Names of cells by the place in their middle, unique within a partition."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def node_names(latlon: NDArray[np.float64], leaf_nodes: NDArray[np.int64]) -> list[str]:
    """A name for every node of a cell tree.

    Convention:
        - ``latlon``: (nodes, 2) mean places in degrees; ``leaf_nodes``: (K,) node of each cell
        - a cell is called like its place, ``"London, GB"``; an inner node ``"around London, GB"``
        - names are unique; cells come first, in their order: ``"London, GB"``, ``"London, GB (2)"``
    """
    from graticule.geo.places import place_names  # a gazetteer: only those who want names pay for it

    places = place_names(latlon)
    inner = np.ones(len(places), dtype=bool)
    inner[leaf_nodes] = False
    order = [*leaf_nodes.tolist(), *np.flatnonzero(inner).tolist()]
    names = unique_names(f"around {places[node]}" if inner[node] else places[node] for node in order)
    by_node = dict(zip(order, names, strict=True))
    return [by_node[node] for node in range(len(places))]


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
