"""Heads: from the features of a photo to a score per cell, whose softmax is the probability of the cell.

Goes in: features (B, D) and, for the heads on the tree, the tree of cells as plain arrays. Comes out: (B, K)
natural logarithms. See ``docs/training.md`` for which head is whose and how they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from torch import nn

from graticule.models.heads.conditional import ConditionalTree
from graticule.models.heads.flat import FlatHead
from graticule.models.heads.hierarchical import ALPHA, EPSILON, BranchAverage, BranchProduct
from graticule.models.heads.tree import CellTree


@dataclass(frozen=True)
class HeadSettings:
    """Which head, and its numbers.

    Convention:
        - ``name``: of ``HEADS``
        - ``epsilon``: of the HMC family: weight of connections that are not in the tree, in (0, 1)
        - ``alpha``: of hmc-smooth: weight of a level beside the one beneath it, in (0, 1]
        - ``hidden``: of heads that give places: widths of the layers before the last
        - ``components``: of von-mises-fisher: so many densities in the mixture
    """

    name: str = "mc"
    epsilon: float = EPSILON
    alpha: float = ALPHA
    hidden: tuple[int, ...] = (512, 128)
    components: int = 16


def create_head(settings: HeadSettings, features: int, tree: CellTree) -> nn.Module:
    """The head of ``settings`` on ``features`` numbers per photo and the cells of ``tree``."""
    return HEADS[settings.name](features, tree, settings)


def _product(features: int, tree: CellTree, settings: HeadSettings) -> nn.Module:
    return BranchProduct(features, tree, epsilon=settings.epsilon)


def _average(features: int, tree: CellTree, settings: HeadSettings) -> nn.Module:
    return BranchAverage(features, tree, epsilon=settings.epsilon, alpha=settings.alpha)


HEADS: Final[dict[str, Callable[[int, CellTree, HeadSettings], nn.Module]]] = {
    "mc": lambda features, tree, _: FlatHead(features, tree.count),
    "hmc": _product,
    "hmc-sol": _product,
    "hmc-smooth": _average,
    "htree": lambda features, tree, _: ConditionalTree(features, tree),
}
"""Each head of cells by the name that recipes use; made from number of features, tree and settings."""


__all__ = [
    "HEADS",
    "BranchAverage",
    "BranchProduct",
    "CellTree",
    "ConditionalTree",
    "FlatHead",
    "HeadSettings",
    "create_head",
]
