"""What training minimises, by the name that recipes use; one file per family.

Goes in: what the network says of B photos, (B, K) scores or (B, 2) places in degrees, and where they were
taken. Comes out: (B,) losses, in the unit that the loss names (nats, km, ``unit_km``). Memory is O(B K).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graticule.photos.layouts.scene import SCENES
from graticule.training.losses.class_weights import class_weights, weighted
from graticule.training.losses.classification import cross_entropy, output_logarithm
from graticule.training.losses.distance import distance_weighted_log, squared_expected_distance
from graticule.training.losses.great_circle import great_circle
from graticule.training.losses.mixture import mixture_likelihood
from graticule.training.losses.offsets import cell_offset
from graticule.training.losses.scenes import scene, scenes_tensor
from graticule.training.losses.smoothing import cluster_smoothed, haversine_smoothed, neighbour_smoothed
from graticule.training.losses.targets import Loss, LossCells, Targets, places_tensor
from graticule.training.recipe.loss import PLACE_LOSSES, LossSection, LossTerm

LOSSES: Final[dict[str, Callable[[LossTerm, LossCells], Loss]]] = {
    "cross-entropy": cross_entropy,
    "output-logarithm": output_logarithm,
    "cluster-smoothed": cluster_smoothed,
    "neighbour-smoothed": neighbour_smoothed,
    "haversine-smoothed": haversine_smoothed,
    "squared-expected-distance": squared_expected_distance,
    "distance-weighted-log": distance_weighted_log,
    "great-circle": great_circle,
    "mixture-likelihood": mixture_likelihood,
    "cell-offset": cell_offset,
    "scene": scene,
}
"""Each loss by the name that recipes use; made from the keys of its term and the cells."""


def create_loss(section: LossSection, cells: LossCells | NDArray[np.float64]) -> Loss:
    """The loss of a recipe.

    Convention:
        - ``cells``: what is known of the K cells, or only their points (K, 2) in degrees

    Raises:
        RecipeError: the section does not fit the cells.
    """
    known = cells if isinstance(cells, LossCells) else LossCells(cells)
    scenes = len(SCENES) if any(term.name == "scene" for term in section.all_terms) else 0
    loss = _combined([(term.weight, _loss_of(term, known, scenes)) for term in section.all_terms])
    if section.class_weights is None:
        return loss
    return weighted(loss, class_weights(section.class_weights, known))


def _loss_of(term: LossTerm, cells: LossCells, scenes: int) -> Loss:
    """The loss of one term, which sees what is its own: scores of cells come first, scenes last."""
    made = LOSSES[term.name](term, cells)

    def loss(said: Tensor, targets: Targets) -> Tensor:
        end = said.shape[1] - scenes
        if term.name == "scene":
            return made(said[:, end:], targets)
        return made(said[:, : end if term.name in PLACE_LOSSES else cells.count], targets)

    return loss


def _combined(parts: Sequence[tuple[float, Loss]]) -> Loss:
    def loss(said: Tensor, targets: Targets) -> Tensor:
        (weight, first), *others = parts
        total = weight * first(said, targets)
        for weight, part in others:
            total = total + weight * part(said, targets)
        return total

    return loss


__all__ = ["LOSSES", "Loss", "LossCells", "Targets", "create_loss", "places_tensor", "scenes_tensor"]
