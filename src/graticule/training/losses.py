"""What training minimises, by the name that recipes use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from graticule.config import EARTH_RADIUS_KM
from graticule.geo.sphere import unit_vectors
from graticule.training.recipe import LossSection


class Targets(NamedTuple):
    """Where B photos were taken: ``cells`` (B,), ``places`` (B, 3) unit vectors."""

    cells: Tensor
    places: Tensor


Loss = Callable[[Tensor, Targets], Tensor]
"""(B, K) logits and the targets -> the loss (B,) of each photo, in nats; NaN where it says nothing."""


def create_loss(section: LossSection, centres: NDArray[np.float64]) -> Loss:
    """The loss of a recipe; ``centres``: (K, 2) degrees, the points of the cells."""
    return LOSSES[section.name](section, centres)


def places_tensor(latlon: NDArray[np.float64]) -> Tensor:
    """(N, 2) degrees -> (N, 3) unit vectors, float32."""
    return torch.from_numpy(unit_vectors(latlon).astype(np.float32))


def _cross_entropy(section: LossSection, centres: NDArray[np.float64]) -> Loss:  # noqa: ARG001
    def loss(logits: Tensor, targets: Targets) -> Tensor:
        losses = functional.cross_entropy(
            logits, targets.cells, label_smoothing=section.label_smoothing, ignore_index=-1, reduction="none"
        )
        return torch.where(targets.cells >= 0, losses, torch.nan)

    return loss


def _haversine_smoothed(section: LossSection, centres: NDArray[np.float64]) -> Loss:
    """Cross-entropy toward all cells, each by exp(-distance of its point from the photo / smoothing_km).

    Source:
        L. Haas et al., "PIGEON: Predicting Image Geolocations" (2023), equation 2.
    """
    points = places_tensor(centres)

    def loss(logits: Tensor, targets: Targets) -> Tensor:
        chords = torch.cdist(
            targets.places, points.to(targets.places), compute_mode="donot_use_mm_for_euclid_dist"
        )
        distance_km = 2 * EARTH_RADIUS_KM * torch.asin((chords / 2).clamp(max=1.0))  # (B, K)
        nearness = torch.softmax(-distance_km / section.smoothing_km, dim=1)
        return functional.cross_entropy(logits, nearness, reduction="none")

    return loss


LOSSES: Final[dict[str, Callable[[LossSection, NDArray[np.float64]], Loss]]] = {
    "cross-entropy": _cross_entropy,
    "haversine-smoothed": _haversine_smoothed,
}
