"""Several partitions at once: a classifier for each resolution, fused into one score per finest cell."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graticule.errors import RecipeError
from graticule.partitions import Partition
from graticule.partitions.partition import MultiPartition

MOST_OVERLAPS: Final = 8
"""So many cells of a coarser resolution are looked at for one fine cell, the largest overlaps."""

_NOTHING: Final = -1e4  # logarithm of a share of zero that keeps sums finite


class FusedHead(nn.Module):
    """The product of the probabilities that each resolution gives the ground of a cell.

    Convention:
        - scores (B, K) of the finest cells: the sum over the resolutions of log(sum over coarser cells of
          share of the fine cell in it times its probability), in nats, float32. Where cells nest, that is the
          logarithm of the product of the probabilities along the nesting
        - what of a fine cell lies in no cell of a resolution counts there as 1 / number of its cells
        - trained with ``output-logarithm`` it is the sum of the resolutions' cross-entropies (of cells that
          nest); with ``cross-entropy`` the fused probabilities themselves are trained

    Raises:
        RecipeError: ``partition`` has one resolution.

    Source:
        E. Müller-Budack, K. Pustu-Iren, R. Ewerth, "Geolocation Estimation of Photos using a Hierarchical
        Model and Scene Classification" (2018), section 3.3: equation 2, their f*.
    """

    def __init__(self, features: int, partition: Partition) -> None:
        super().__init__()
        if not isinstance(partition, MultiPartition):
            raise RecipeError(
                f"network.head: 'multi' needs a partition of several resolutions, but this one, of the "
                f"method '{partition.method}', has one.\nBuild them:  --set partition.method=multi"
            )
        self.sizes = [each.count for each in partition.resolutions.values()]
        self.linear = nn.Linear(features, sum(self.sizes))
        nn.init.normal_(self.linear.weight, std=0.01)  # small: all cells are nearly alike at the start
        nn.init.zeros_(self.linear.bias)
        *coarser, finest = partition.resolutions
        self.simple = []
        for number, name in enumerate(coarser):
            index, log_share = overlap_table(partition, finest, name)
            self.simple.append(index.shape[1] == 1 and bool((log_share == 0).all()))
            self.register_buffer(f"index_{number}", torch.from_numpy(index), persistent=False)
            shares = torch.from_numpy(log_share.astype(np.float32))
            self.register_buffer(f"log_share_{number}", shares, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, D) features -> (B, K) scores of the finest cells."""
        *coarser, finest = self.linear(features).float().split(self.sizes, dim=1)
        scores: Tensor = finest.log_softmax(dim=1)
        for number, logits in enumerate(coarser):
            logs = nn.functional.pad(
                logits.log_softmax(dim=1), (0, 1), value=-math.log(logits.shape[1])
            )  # (B, K_r + 1): the last stands for no cell
            index = self.get_buffer(f"index_{number}")  # (K, M)
            seen = logs[:, index.flatten()]
            if not self.simple[number]:
                seen = torch.unflatten(seen, 1, (index.shape[0], index.shape[1]))
                seen = (seen + self.get_buffer(f"log_share_{number}")).logsumexp(dim=2)
            scores = scores + seen
        return scores


def overlap_table(
    partition: MultiPartition, finer: str, coarser: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The cells of ``coarser`` that each cell of ``finer`` lies in, as a table.

    Convention:
        - (K, M) cells of ``coarser``, their number where there is none; (K, M) logarithms of the shares
    """
    count, others = partition.resolutions[finer].count, partition.resolutions[coarser].count
    cell, other, share = partition.overlaps(finer, coarser)  # largest share first
    rank = np.arange(len(cell)) - np.searchsorted(cell, cell)
    kept = rank < MOST_OVERLAPS
    cell, other, share, rank = cell[kept], other[kept], share[kept], rank[kept]
    rest = np.clip(1 - np.bincount(cell, weights=share, minlength=count), 0, 1)
    rest[rest < 1e-9] = 0.0
    width = int(rank.max(initial=-1)) + 1 + bool(rest.any())
    index = np.full((count, width), others, dtype=np.int64)
    log_share = np.full((count, width), _NOTHING)
    index[cell, rank], log_share[cell, rank] = other, np.log(share)
    open_cells = np.flatnonzero(rest)
    log_share[open_cells, -1] = np.log(rest[open_cells])
    return index, np.where(np.abs(log_share) < 1e-12, 0.0, log_share)
