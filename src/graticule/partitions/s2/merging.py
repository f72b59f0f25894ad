"""Gives S2 cells with too few photos, and empty ones, to a neighbour in the tree, so that no region is lost.

S4 wished for it: "Inevitably ... a set of world regions remain uncovered". With it the cells cover the Earth.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graticule.geo import s2
from graticule.geo.sphere import unit_vectors

FACES: Final = ("1", "3", "5", "7", "9", "b")
"""Tokens of the cells of level 0, one for each face of the cube."""

Ids = NDArray[np.uint64]
Array = NDArray[np.float64]
Counts = NDArray[np.int64]


class Nodes(NamedTuple):
    """S2 cells, ascending, with their photos (N,) and the sums (N, 3) of the photos' unit vectors."""

    ids: Ids
    photos: Counts
    sums: Array

    def at(self, rows: NDArray[np.bool_] | Counts) -> Nodes:
        """Those of ``rows``, a mask or indices."""
        return Nodes(self.ids[rows], self.photos[rows], self.sums[rows])

    def joined(self, other: Nodes) -> Nodes:
        """These and the others, ascending."""
        ids = np.concatenate([self.ids, other.ids])
        order = np.argsort(ids)
        photos, sums = np.concatenate([self.photos, other.photos]), np.concatenate([self.sums, other.sums])
        return Nodes(ids[order], photos[order], sums[order])


class Merged(NamedTuple):
    """The cells that are left, with what was given to them.

    Convention:
        - ``cells``: by the S2 cell that each goes by, ascending (a parent stands for children that were all
          too small); photos and sums with those of the annexes
        - ``annexes``: further S2 cells that belong to each; with them the cells cover the Earth
    """

    cells: Nodes
    annexes: list[list[int]]


def merge_small_cells(leaves: Nodes, min_photos: int) -> Merged | None:
    """The leaves of at least ``min_photos``, with all else given to them; None when none would be left.

    From the deepest level up, at every parent: children with too few photos (or none) go to the nearest cell
    left among their siblings and what lies below these. When no sibling is left, the parent becomes a cell if
    it holds enough in all, and else is too small itself. A face of the cube where no cell is left goes to the
    nearest anywhere. Near is from the mean of the photos (of an empty cell, its centre) to the mean of the
    photos, whatever else was given to a cell before.

    Convention:
        - ``leaves``: disjoint cells with photos, of any levels
    """
    levels = s2.level(leaves.ids)
    left = small = leaves.at(np.zeros(len(levels), dtype=np.bool_))
    kept = small.ids  # cells of the level with something left in them, beside `small` with nothing
    gifts: list[tuple[Nodes, Ids]] = []
    for level in range(int(levels.max()), -1, -1):
        arrived = leaves.at(levels == level)
        enough = arrived.photos >= min_photos
        left, small = left.joined(arrived.at(enough)), small.joined(arrived.at(~enough))
        kept = np.concatenate([kept, arrived.ids[enough]])
        parents = np.unique(_parents(kept, level))
        alone = ~np.isin(_parents(small.ids, level), parents)
        gone = small.at(~alone).joined(_empty(parents, level, np.concatenate([kept, small.ids])))
        gifts.append((gone, _receivers(gone, level, left)))
        if level:
            whole = _added_up(small.at(alone), level)
            enough = whole.photos >= min_photos
            left, small = left.joined(whole.at(enough)), whole.at(~enough)
            kept = np.concatenate([parents, whole.ids[enough]])
    return _with_gifts(left, gifts) if len(left.ids) else None


def _parents(ids: Ids, level: int) -> Ids:
    """The parents of cells of one level; 0, which is no cell, stands for the whole Earth above the faces."""
    return s2.parent(ids, level - 1) if level else np.zeros_like(ids)


def _empty(parents: Ids, level: int, known: Ids) -> Nodes:
    """The children of the parents that are not known, without photos; their sums point at their centre."""
    children = s2.children(parents).reshape(-1) if level else s2.from_token(FACES)[: 6 * len(parents)]
    ids = np.setdiff1d(children, known)
    return Nodes(ids, np.zeros(len(ids), dtype=np.int64), unit_vectors(s2.centre(ids)))


def _receivers(gone: Nodes, level: int, left: Nodes) -> Ids:
    """For each cell the nearest of those left that have the same parent, children's children included."""
    parents = _parents(gone.ids, level)
    first, last = np.zeros(len(parents), dtype=np.int64), np.full(len(parents), len(left.ids))
    if level:
        first = np.searchsorted(left.ids, s2.range_min(parents))
        last = np.searchsorted(left.ids, s2.range_max(parents), side="right")
    means = left.sums / np.linalg.norm(left.sums, axis=1, keepdims=True)
    nearest = [
        begin + int(np.argmax(means[begin:end] @ direction))
        for begin, end, direction in zip(first.tolist(), last.tolist(), gone.sums, strict=True)
    ]
    return left.ids[nearest] if nearest else left.ids[:0]


def _added_up(small: Nodes, level: int) -> Nodes:
    """The parents of the cells, with all their photos."""
    ids, row = np.unique(_parents(small.ids, level), return_inverse=True)
    photos, sums = np.zeros(len(ids), dtype=np.int64), np.zeros((len(ids), 3))
    np.add.at(photos, row, small.photos)
    np.add.at(sums, row, small.sums)
    return Nodes(ids, photos, sums)


def _with_gifts(left: Nodes, gifts: list[tuple[Nodes, Ids]]) -> Merged:
    photos, sums = left.photos.copy(), left.sums.copy()
    annexes: list[list[int]] = [[] for _ in left.ids]
    for gone, receivers in gifts:
        row = np.searchsorted(left.ids, receivers)
        np.add.at(photos, row, gone.photos)
        np.add.at(sums, row, gone.sums * (gone.photos > 0)[:, None])
        for cell, given in zip(row.tolist(), gone.ids.tolist(), strict=True):
            annexes[cell].append(given)
    return Merged(Nodes(left.ids, photos, sums), [sorted(given) for given in annexes])
