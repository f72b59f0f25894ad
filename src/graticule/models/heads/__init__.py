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


Cells = CellTree | int
"""The cells as a tree, or their number K when they lie side by side."""


def create_head(settings: HeadSettings, features: int, cells: Cells) -> nn.Module:
    """The head of ``settings`` on ``features`` numbers per photo."""
    return HEADS[settings.name](features, cells, settings)


def _flat(features: int, cells: Cells, settings: HeadSettings = HeadSettings()) -> nn.Module:  # noqa: ARG001
    return FlatHead(features, _tree(cells).count)


def _product(features: int, cells: Cells, settings: HeadSettings = HeadSettings()) -> nn.Module:
    return BranchProduct(features, _tree(cells), epsilon=settings.epsilon)


def _average(features: int, cells: Cells, settings: HeadSettings = HeadSettings()) -> nn.Module:
    return BranchAverage(features, _tree(cells), epsilon=settings.epsilon, alpha=settings.alpha)


def _conditional(features: int, cells: Cells, settings: HeadSettings = HeadSettings()) -> nn.Module:  # noqa: ARG001
    return ConditionalTree(features, _tree(cells))


def _tree(cells: Cells) -> CellTree:
    return CellTree.flat(cells) if isinstance(cells, int) else cells


HEADS: Final[dict[str, Callable[..., nn.Module]]] = {
    "mc": _flat,
    "hmc": _product,
    "hmc-sol": _product,
    "hmc-smooth": _average,
    "htree": _conditional,
}
"""Each head by the name that recipes use; made from the number of features, the cells and the settings."""


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
