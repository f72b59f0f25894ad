"""Distances on the sphere in torch, in km, with gradients that are finite everywhere."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from graticule.config import EARTH_RADIUS_KM
from graticule.models.heads.positions import place_vectors
from graticule.training.losses.targets import Loss, LossCells, Targets
from graticule.training.recipe.loss import LossTerm

_KINK: Final = 1e-14
"""Added under both roots: identical places are 1.3 m apart, and the gradient is finite there, at antipodes
too. A distance has a kink at both, and the root of zero no derivative."""


def distances_km(places: Tensor, points: Tensor) -> Tensor:
    """(B, 3) and (K, 3) unit vectors -> (B, K) great-circle distances in km; not for gradients.

    Memory is that of the result: no matrix of all cells against all cells.
    """
    chords = torch.cdist(places, points.to(places), compute_mode="donot_use_mm_for_euclid_dist")
    return 2 * EARTH_RADIUS_KM * torch.asin((chords / 2).clamp(max=1.0))


def great_circle_km(places_deg: Tensor, vectors: Tensor) -> Tensor:
    """(B, 2) degrees and (B, 3) unit vectors -> (B,) great-circle distances in km.

    Convention:
        - places are (latitude, longitude); any longitude will do, 180 is next to -180

    Source:
        S3, 4.2.2: 2 R atan2(sqrt(a), sqrt(1 - a)) with the haversine a. Here a is a quarter of the squared
        chord and 1 - a that of the chord to the antipode, so that neither cancels.
    """
    return between_km(place_vectors(places_deg), vectors)


def between_km(found: Tensor, vectors: Tensor) -> Tensor:
    """(B, 3) and (B, 3) unit vectors -> (B,) great-circle distances in km."""
    haversine = (found - vectors).square().sum(dim=1) / 4
    of_antipode = (found + vectors).square().sum(dim=1) / 4
    return 2 * EARTH_RADIUS_KM * torch.atan2((haversine + _KINK).sqrt(), (of_antipode + _KINK).sqrt())


def great_circle(term: LossTerm, cells: LossCells) -> Loss:  # noqa: ARG001
    """Distance of the place that the network gives from the photo's, in units of ``unit_km``.

    Of the head ``unit-sphere``, which gives a vector (B, 3), it is the distance of its direction.

    Source:
        S3, 4.2.2, with ``unit_km`` 1.
    """

    def loss(said: Tensor, targets: Targets) -> Tensor:
        return between_km(place_vectors(said), targets.places) / term.unit_km

    return loss
