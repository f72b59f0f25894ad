"""The tree of cells as plain arrays, and the order in which heads keep its nodes: level by level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graticule.errors import PartitionError

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CellTree:
    """What a head on the tree has to know of a partition; several roots, and leaves at any depth.

    Convention:
        - ``parents``: (M,) node above each node, smaller than the node itself; -1 for a root
        - ``leaves``: (K,) node of each cell

    Raises:
        PartitionError: the arrays are no such tree, or a cell has nodes beneath it.

    Example:
        >>> tree = CellTree(np.array([-1, -1, 0, 0]), np.array([2, 3, 1]))
        >>> tree.level_order().sizes
        (2, 2)
    """

    parents: Index
    leaves: Index

    @classmethod
    def flat(cls, cells: int) -> CellTree:
        """Cells side by side: each is a root."""
        return cls(np.full(cells, -1), np.arange(cells))

    def __post_init__(self) -> None:
        parents = np.asarray(self.parents, dtype=np.int64)
        leaves = np.asarray(self.leaves, dtype=np.int64)
        object.__setattr__(self, "parents", parents)
        object.__setattr__(self, "leaves", leaves)
        inside = len(leaves) > 0 and leaves.min() >= 0 and leaves.max() < len(parents)
        if not inside or (parents >= np.arange(len(parents))).any() or (parents < -1).any():
            raise PartitionError(
                f"These {len(parents)} parents and {len(leaves)} leaves are no tree of cells: every parent "
                "has to stand before its children (-1 for a root), and every cell at a node.\n"
                "Take both from one partition:  CellTree(partition.parents, partition.leaf_nodes)"
            )
        above = np.unique(parents[parents >= 0])
        wrong = np.flatnonzero(np.isin(leaves, above))
        if len(wrong) or len(np.unique(leaves)) < len(leaves):
            which = f"cell {wrong[0]} has nodes beneath it" if len(wrong) else "two cells share a node"
            raise PartitionError(
                f"A head on the tree needs cells that are its leaves, but {which}.\n"
                "Build the partition again, or take the flat head:  network.head: mc"
            )

    @property
    def count(self) -> int:
        """Number K of cells."""
        return len(self.leaves)

    def level_order(self) -> LevelOrder:
        """The nodes level by level, brothers and sisters side by side; nodes above no cell are left out."""
        parents, leaves = self.parents, self.leaves
        kept, level = _used(parents, leaves), _levels(parents)
        row = np.full(len(parents), -1, dtype=np.int64)
        nodes: list[Index] = []
        parent_rows: list[Index] = []
        filled = 0
        for number in range(int(level[kept].max()) + 1):
            found = np.flatnonzero(kept & (level == number))
            above = row[parents[found]] if number else np.zeros(len(found), dtype=np.int64)
            order = np.argsort(above, kind="stable")
            if number:
                parent_rows.append(above[order])
            nodes.append(found[order])
            row[nodes[-1]] = np.arange(filled, filled + len(found))
            filled += len(found)
        return LevelOrder(
            nodes=np.concatenate(nodes),
            sizes=tuple(len(part) for part in nodes),
            parents=np.concatenate([np.full(len(nodes[0]), -1, dtype=np.int64), *parent_rows]),
            leaf_rows=row[leaves],
            leaf_levels=level[leaves],
        )


@dataclass(frozen=True, eq=False)
class LevelOrder:
    """Rows 0..N-1 of the nodes of a tree, level by level.

    Convention:
        - ``nodes``: (N,) node of the tree that each row stands for
        - ``sizes``: number of nodes of each of the L levels
        - ``parents``: (N,) row above each row; -1 in level 0; never falling, so that siblings are neighbours
        - ``leaf_rows``: (K,) row of each cell; ``leaf_levels``: (K,) its level, 0..L-1
    """

    nodes: Index
    sizes: tuple[int, ...]
    parents: Index
    leaf_rows: Index
    leaf_levels: Index

    def families(self) -> list[Index]:
        """Rows of siblings, grouped by how many they are: of shape (families, members) each.

        The roots are one family. The rows of all groups together are each row once.
        """
        starts = np.flatnonzero(np.diff(self.parents, prepend=-2))
        members = np.diff(np.append(starts, len(self.parents)))
        return [starts[members == count][:, None] + np.arange(count) for count in np.unique(members).tolist()]


def _levels(parents: Index) -> Index:
    """Number of nodes above each node."""
    level = np.zeros(len(parents), dtype=np.int64)
    pointer = parents.copy()
    while (climbing := np.flatnonzero(pointer >= 0)).size:
        level[climbing] += 1
        pointer[climbing] = parents[pointer[climbing]]
    return level


def _used(parents: Index, leaves: Index) -> NDArray[np.bool_]:
    """Which nodes are a cell or stand above one."""
    used = np.zeros(len(parents), dtype=bool)
    front = leaves
    while len(front):
        used[front] = True
        above = np.unique(parents[front])
        front = above[(above >= 0) & ~used[np.maximum(above, 0)]]
    return used
