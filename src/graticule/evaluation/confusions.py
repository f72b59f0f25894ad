"""What is taken for what: confusion matrices in an order that means something, and the pairs most confused.

In: the true and the answered class of each photo, cells or countries. Out: counts, row: the true class,
column: the answered one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.evaluation.protocols import Array
from graticule.geo.outlines import country_outlines
from graticule.geo.sphere import great_circle_km

if TYPE_CHECKING:
    from graticule.partitions import Partition

MOST_CLASSES: Final = 120
"""A matrix of more cannot be looked at: cells are taken together up the tree, countries by their photos."""

MOST_PAIRS: Final = 12

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of C classes, neighbours beside each other.

    Convention:
        - ``counts``: (C, C), row: the true class, column: the answered one
        - ``names``: (C,); ``centres``: (C, 2) in degrees; ``what``: one phrase for the classes
        - ``left_out``: photos of no class, or of a class that is not among them, or without an answer
    """

    counts: Ints
    names: list[str]
    centres: Array
    what: str
    left_out: int

    @property
    def accuracy(self) -> float:
        """Share of the counted photos on the diagonal; NaN without a photo."""
        total = int(self.counts.sum())
        return float(np.trace(self.counts)) / total if total else float("nan")

    def pairs(self, most: int = MOST_PAIRS) -> list[dict[str, Any]]:
        """The pairs confused most often, the most frequent first; of equals the farther apart."""
        rows, columns = np.nonzero(self.counts)
        wrong = rows != columns
        rows, columns = rows[wrong], columns[wrong]
        away = great_circle_km(self.centres[rows], self.centres[columns]) if len(rows) else np.empty(0)
        order = np.lexsort([-away, -self.counts[rows, columns]])[:most]
        totals = self.counts.sum(axis=1)
        return [
            {
                "true": self.names[rows[i]],
                "answered": self.names[columns[i]],
                "n": int(self.counts[rows[i], columns[i]]),
                "share": float(self.counts[rows[i], columns[i]] / totals[rows[i]]),
                "apart_km": float(away[i]),
            }
            for i in order
        ]

    def to_dict(self) -> dict[str, Any]:
        """For ``metrics.json``: without the matrix, which stands in a file of its own."""
        return {
            "classes": len(self.names),
            "what": self.what,
            "n": int(self.counts.sum()),
            "left_out": self.left_out,
            "accuracy": self.accuracy,
            "pairs": self.pairs(),
        }


def confusion_of_cells(true: Ints, answered: Ints, partition: Partition) -> Confusion:
    """The confusion of cells in the order of the tree; of many cells, of what they are part of.

    Convention:
        - ``true``, ``answered``: (N,) cells, -1 for none
    """
    group = _tree_groups(partition, MOST_CLASSES)
    used = np.unique(group, return_inverse=True)[1]
    count = int(used.max()) + 1
    counts, left_out = _counts(_lookup(used, true), _lookup(used, answered), count)
    weights = np.maximum(partition.photos, 1).astype(np.float64)
    # the largest cell of a group stands for it: a mean of far-off places may lie in none of them
    largest = np.zeros(count, dtype=np.int64)
    for cell in np.argsort(weights, kind="stable"):
        largest[used[cell]] = cell
    sizes = np.bincount(used)
    names = [
        partition.names[cell] + (f" and {size - 1} cells beside" if size > 1 else "")
        for cell, size in zip(largest, sizes, strict=True)
    ]
    what = "cells" if count == partition.count else f"{partition.count:,} cells, taken together up the tree"
    return Confusion(counts, names, partition.centres[largest], what, left_out)


def _tree_groups(partition: Partition, most: int) -> Ints:
    """A number for each cell, the same for cells that are taken together, rising along the tree's order."""
    if partition.count <= most:
        return np.arange(partition.count)
    paths = [partition.path(cell) for cell in range(partition.count)]
    groups = np.zeros(partition.count, dtype=np.int64)
    for depth in range(max(len(path) for path in paths)):
        nodes = [int(path[min(depth, len(path) - 1)]) for path in paths]
        place: dict[int, int] = {}
        numbers = np.array([place.setdefault(node, len(place)) for node in nodes], dtype=np.int64)
        if len(place) > most:
            break
        groups = numbers
    if groups.max() == 0:  # a tree of one step: as many cells in a row as it takes
        groups = np.arange(partition.count) * most // partition.count
    return groups


def confusion_of_countries(
    true: Sequence[str | None],
    answered: Sequence[str | None],
    centres: dict[str, Array],
    continents: dict[str, str],
) -> Confusion:
    """The confusion of countries, by continent and then from west to east.

    Convention:
        - ``true``, ``answered``: (N,) codes or None; ``centres``: code -> (latitude, longitude) in degrees
        - past 120 countries those with the most photos
    """
    known = [code for code in true if code in centres] + [code for code in answered if code in centres]
    often: dict[str, int] = {}
    for code in known:
        if code is not None:
            often[code] = often.get(code, 0) + 1
    kept = sorted(sorted(often, key=lambda code: (-often[code], code))[:MOST_CLASSES])
    ordered = sorted(kept, key=lambda code: (continents.get(code, ""), float(centres[code][1])))
    place = {code: number for number, code in enumerate(ordered)}
    rows = np.array([place.get(code or "", -1) for code in true], dtype=np.int64)
    columns = np.array([place.get(code or "", -1) for code in answered], dtype=np.int64)
    counts, left_out = _counts(rows, columns, len(ordered))
    where = np.array([centres[code] for code in ordered], dtype=np.float64).reshape(-1, 2)
    return Confusion(counts, ordered, where, "countries", left_out)


def country_centres(codes: set[str]) -> dict[str, Array]:
    """A place inside the largest part of each country with an outline, (latitude, longitude) in degrees."""
    outlines = country_outlines()
    found = {}
    for code in codes & set(outlines.codes):
        parts = shapely.get_parts(outlines.polygons[outlines.codes.index(code)])
        point = shapely.point_on_surface(parts[int(shapely.area(parts).argmax())])
        found[code] = np.array([shapely.get_y(point), shapely.get_x(point)])
    return found


def _lookup(groups: Ints, cells: Ints) -> Ints:
    found: Ints = np.where(cells >= 0, groups[np.maximum(cells, 0)], -1)
    return found


def _counts(rows: Ints, columns: Ints, count: int) -> tuple[Ints, int]:
    kept = (rows >= 0) & (columns >= 0)
    counts = np.zeros((count, count), dtype=np.int64)
    np.add.at(counts, (rows[kept], columns[kept]), 1)
    return counts, int((~kept).sum())


def flows(confusion: Confusion, most: int = 40) -> list[dict[str, Any]]:
    """Where errors go: from the true class to the answered one, the most frequent first."""
    rows, columns = np.nonzero(confusion.counts)
    wrong = rows != columns
    rows, columns = rows[wrong], columns[wrong]
    order = np.argsort(-confusion.counts[rows, columns], kind="stable")[:most]
    return [
        {
            "true": confusion.names[rows[i]],
            "answered": confusion.names[columns[i]],
            "from": confusion.centres[rows[i]].tolist(),
            "to": confusion.centres[columns[i]].tolist(),
            "n": int(confusion.counts[rows[i], columns[i]]),
        }
        for i in order
    ]


def tree_of(confusion: Confusion, most: int = 40) -> tuple[list[int], Array] | None:
    """The classes joined by how they are confused: which ones, and SciPy's linkage of them.

    Convention:
        - the ``most`` classes with the most photos; two are as near as they are confused on average
          (average linkage, as ``partition --method confusion`` joins them); classes never confused join
          by distance on Earth
        - None where fewer than three classes have photos

    Source:
        R. Sokal, C. Michener, "A statistical method for evaluating systematic relationships" (1958).
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    totals = confusion.counts.sum(axis=1)
    kept = np.flatnonzero(totals > 0)
    kept = np.sort(kept[np.argsort(-totals[kept], kind="stable")][:most])
    if len(kept) < 3:
        return None
    part = confusion.counts[np.ix_(kept, kept)].astype(np.float64)
    shares = part / totals[kept][:, None]
    apart = 1 - (shares + shares.T) / 2
    away = great_circle_km(confusion.centres[kept][:, None], confusion.centres[kept][None])
    apart = np.clip(apart, 0, 1) + 1e-3 * away / 20_040
    np.fill_diagonal(apart, 0.0)
    return kept.tolist(), linkage(squareform(apart, checks=False), method="average")
