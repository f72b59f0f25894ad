"""Cross-entropies toward several cells, of which some are less wrong than others. In nats."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from graticule.errors import RecipeError
from graticule.geo.sphere import unit_vectors
from graticule.partitions import Partition
from graticule.partitions.outlines.kmeans import spherical_kmeans
from graticule.training.losses.classification import at
from graticule.training.losses.great_circle import distances_km
from graticule.training.losses.targets import Loss, LossCells, Targets
from graticule.training.recipe.loss import LossTerm


def cluster_smoothed(term: LossTerm, cells: LossCells) -> Loss:
    """The right cell is the target to ``correct_share``, the others of its cluster share the rest equally.

    A cell that is alone in its cluster is the whole target.

    Source:
        S0, "Label Smoothing": clusters of countries by climate and geography, k = 15 or 30, p = 0.9 or 0.8.
    """
    cluster_of = torch.from_numpy(clusters_of(term, cells))
    sizes = torch.bincount(cluster_of)
    rest = (1 - term.correct_share) / (sizes - 1).clamp(min=1)

    def loss(scores: Tensor, targets: Targets) -> Tensor:
        clusters = cluster_of.to(scores.device)
        logs = scores.log_softmax(dim=1)
        sums = logs.new_zeros(len(logs), len(sizes)).index_add_(1, clusters, logs)  # (B, clusters)
        own = clusters[targets.cells.clamp(min=0)]
        right = at(logs, targets.cells)
        others = sums.gather(1, own[:, None])[:, 0] - right
        share, several = rest.to(logs)[own], sizes.to(own.device)[own] > 1
        smoothed = -(term.correct_share * right + share * others)
        return torch.where(targets.cells >= 0, torch.where(several, smoothed, -right), torch.nan)

    return loss


def neighbour_smoothed(term: LossTerm, cells: LossCells) -> Loss:
    """The right cell is the target to ``correct_share``, its ``neighbours`` nearest cells share the rest.

    Nearest by the great circle between the points of the cells.

    Source:
        S0, "Future work": smoothing only toward the 2 or 3 closest neighbours.
    """
    nearest = torch.from_numpy(nearest_cells(cells.centres, term.neighbours))  # (K, n)
    rest = (1 - term.correct_share) / nearest.shape[1]

    def loss(scores: Tensor, targets: Targets) -> Tensor:
        logs = scores.log_softmax(dim=1)
        beside = nearest.to(scores.device)[targets.cells.clamp(min=0)]  # (B, n)
        losses = -(term.correct_share * at(logs, targets.cells) + rest * logs.gather(1, beside).sum(dim=1))
        return torch.where(targets.cells >= 0, losses, torch.nan)

    return loss


def haversine_smoothed(term: LossTerm, cells: LossCells) -> Loss:
    """All cells are the target, each by exp(-distance of its point from the photo / ``smoothing_km``).

    Source:
        L. Haas et al., "PIGEON: Predicting Image Geolocations" (2023), equation 2.
    """

    def loss(scores: Tensor, targets: Targets) -> Tensor:
        distance_km = distances_km(targets.places, cells.points)  # (B, K)
        nearness = torch.softmax(-distance_km / term.smoothing_km, dim=1)
        return functional.cross_entropy(scores, nearness, reduction="none")

    return loss


def clusters_of(term: LossTerm, cells: LossCells) -> NDArray[np.int64]:
    """The cluster 0.. of each cell: so many by k-means on the sphere, or those of a partition file.

    A cell is of the cluster that its point lies in; one that lies in none is a cluster of its own.

    Raises:
        RecipeError: neither is given, or more clusters than cells.
        MissingFileError, PartitionError: the partition cannot be read.
    """
    if term.clusters is None:
        raise RecipeError(
            "The loss 'cluster-smoothed' needs clusters: so many by place, or a partition of them.\n"
            "Say which:  --set loss.clusters=15   or   --set loss.clusters=clusters.parquet"
        )
    if not isinstance(term.clusters, int):
        found = Partition.read(term.clusters).encode(cells.centres)
        alone = np.flatnonzero(found < 0)
        found[alone] = found.max(initial=-1) + 1 + np.arange(len(alone))
        return np.unique(found, return_inverse=True)[1].astype(np.int64)
    if term.clusters > cells.count:
        raise RecipeError(
            f"The loss 'cluster-smoothed' is to have {term.clusters} clusters of {cells.count} cells.\n"
            f"Take fewer:  --set loss.clusters={max(1, cells.count // 4)}"
        )
    return spherical_kmeans(unit_vectors(cells.centres), term.clusters).labels.astype(np.int64)


def nearest_cells(centres: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """(K, count) the nearest other cells of each, nearest first; fewer columns where there are fewer."""
    from scipy.spatial import cKDTree

    vectors = unit_vectors(centres)
    wanted = min(count + 1, len(vectors))
    _, found = cKDTree(vectors).query(vectors, k=wanted)
    found = found.reshape(len(vectors), wanted)
    # itself to the end, wherever it is among cells with one and the same point
    itself = found == np.arange(len(vectors))[:, None]
    order = np.argsort(itself, axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)[:, : wanted - 1].astype(np.int64)
