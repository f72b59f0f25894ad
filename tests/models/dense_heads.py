"""S4's heads as its text has them: binary matrices, one per level, and shares multiplied through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graticule.models.heads import CellTree


def random_tree(rng: np.random.Generator, *, roots: int = 3, cells: int = 20) -> CellTree:
    """A forest whose leaves lie at different depths: leaves are split at random until there are enough.

    Families have one to four members, cells are numbered at random, and some nodes stand above no cell.
    """
    parents, leaves = [-1] * roots, list(range(roots))
    while len(leaves) < cells:
        node = leaves.pop(int(rng.integers(len(leaves))))
        for _ in range(int(rng.integers(1, 5))):
            leaves.append(len(parents))
            parents.append(node)
    rng.shuffle(leaves)
    return CellTree(np.array(parents), np.array(leaves[: max(1, len(leaves) - 2)]))


def deep_tree(depth: int) -> CellTree:
    """A branch ``depth`` nodes deep, with a second leaf beside every node of it."""
    parents, leaves, top = [], [], -1
    for _ in range(depth):
        parents += [top, top]
        leaves.append(len(parents) - 1)
        top = len(parents) - 2
    return CellTree(np.array(parents), np.array([*leaves, top]))


@dataclass(frozen=True)
class DenseTree:
    """What Algorithm 2 makes of a tree.

    Convention:
        - ``matrices``: per level (nodes of the level, K), 1 on the branch of each cell and epsilon elsewhere
        - ``branches``: per cell its nodes from the root down
        - ``place``: level of each node that stands above a cell, and its number there
    """

    matrices: list[Tensor]
    branches: list[list[int]]
    place: dict[int, tuple[int, int]]


def dense_tree(tree: CellTree, *, epsilon: float = 0.01) -> DenseTree:
    """Algorithm 2, line by line."""
    branches = []
    for leaf in tree.leaves.tolist():
        branch, cell = [], leaf
        while cell >= 0:
            branch.insert(0, cell)
            cell = int(tree.parents[cell])
        branches.append(branch)
    levels: list[list[int]] = []
    for branch in branches:
        for level, node in enumerate(branch):
            if level == len(levels):
                levels.append([])
            if node not in levels[level]:
                levels[level].append(node)
    levels = [sorted(level) for level in levels]
    matrices = []
    for number, level in enumerate(levels):
        rows = []
        for branch in branches:
            row = [epsilon] * len(level)
            if number < len(branch):
                row[level.index(branch[number])] = 1.0
            rows.append(row)
        matrices.append(torch.tensor(rows, dtype=torch.float64).t())
    place = {node: (i, j) for i, level in enumerate(levels) for j, node in enumerate(level)}
    return DenseTree(matrices, branches, place)


def levels_of(dense: DenseTree, nodes: np.ndarray, scores: Tensor) -> list[Tensor]:
    """Scores (B, N), of these nodes of the tree, as S4's prediction layers: (B, nodes of the level) each."""
    columns: list[list[int]] = [[0] * len(matrix) for matrix in dense.matrices]
    for column, node in enumerate(nodes.tolist()):
        level, number = dense.place[node]
        columns[level][number] = column
    return [scores[:, index] for index in columns]


def dense_output(dense: DenseTree, layers: list[Tensor], name: str, *, alpha: float = 0.9) -> Tensor:
    """(B, K) the output of S4's head ``name``: equations 4.1, and 4.2, 4.5 or 4.7."""
    tensors = [layer.softmax(1) @ matrix for layer, matrix in zip(layers, dense.matrices, strict=True)]
    depth = len(tensors)
    if name == "hmc":
        output = torch.ones_like(tensors[0])
        for tensor in tensors:
            output = output * tensor
        return output
    if name == "hmc-sol":
        total = torch.zeros_like(tensors[0])
        for tensor in tensors:
            total = total + torch.log(tensor)
        return torch.exp(total)
    factors = []
    for branch in dense.branches:
        norm_factor = 0.0
        for i in range(len(branch)):
            norm_factor = norm_factor + alpha ** (depth - i - 1)
        factors.append(1 / norm_factor)
    total = torch.zeros_like(tensors[0])
    for i, tensor in enumerate(tensors):
        total = total + tensor * alpha ** (depth - i - 1)
    return total * torch.tensor(factors, dtype=total.dtype)
