"""A mixture of von Mises-Fisher densities over the sphere: regression that can say how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from graticule.config import EARTH_RADIUS_KM
from graticule.models.answers import Answer
from graticule.models.heads.positions import degrees_of, perceptron, spread_vectors, vectors_of
from graticule.partitions import Partition
from graticule.partitions.sampling import points_in_cells

KAPPA_MAX: Final = 1e5
"""The sharpest density: two thirds of it lie within about 30 km."""

NUMBERS: Final = 5
"""What each component of a mixture is made of: a weight, a direction of three numbers, a concentration."""

_POINTS: Final = 32_768  # of all cells together, at most; and at most so many of one cell:
_POINTS_PER_CELL: Final = 16
_START_KAPPA: Final = 10.0
_SERIES: Final = 1e-2


class Mixture(NamedTuple):
    """Densities over the sphere for B photos.

    Convention:
        - ``log_weights`` (B, M), natural logarithms of shares that sum to 1
        - ``directions`` (B, M, 3), unit vectors
        - ``kappa`` (B, M), concentration in (0, 1e5]
    """

    log_weights: Tensor
    directions: Tensor
    kappa: Tensor

    def log_density(self, points: Tensor) -> Tensor:
        """(..., P, 3) unit vectors, the same P for all or B x P -> (B, P), per steradian, in nats."""
        if points.ndim == 2:
            points = points.unsqueeze(0)
        apart = sum(
            (self.directions[:, :, None, axis] - points[:, None, :, axis]).square() for axis in range(3)
        )
        assert isinstance(apart, Tensor)  # (B, M, P), squared chords
        each = log_normaliser(self.kappa)[..., None] - 0.5 * self.kappa[..., None] * apart
        return torch.logsumexp(self.log_weights[..., None] + each, dim=1)


def log_normaliser(kappa: Tensor) -> Tensor:
    """Logarithm of the density at the centre of a von Mises-Fisher distribution, per steradian.

    log(kappa / (2 pi (1 - exp(-2 kappa)))), with its series where kappa is small, so that neither value nor
    gradient is lost from 0 to 1e5 in float32.

    Example:
        >>> round(float(log_normaliser(torch.tensor(0.0)).exp() * 4 * math.pi), 6)  # even over the sphere
        1.0
    """
    small = kappa < _SERIES
    large = torch.where(small, torch.ones_like(kappa), kappa)
    exact = large.log() - torch.log(-torch.expm1(-2 * large))
    series = torch.log((1 + kappa + kappa.square() / 3) / 2)
    return torch.where(small, series, exact) - math.log(2 * math.pi)


def mixture_of(raw: Tensor) -> Mixture:
    """(B, M * 5) numbers without bounds -> the mixture.

    Convention:
        - of each component: logit of its weight, a vector of any length, logarithm of kappa before it is
          bent to stay below that of ``KAPPA_MAX``
    """
    parts = torch.unflatten(raw.float(), 1, (-1, NUMBERS))
    limit = math.log(KAPPA_MAX)
    log_kappa = limit - functional.softplus(limit - parts[..., 4])
    return Mixture(
        torch.log_softmax(parts[..., 0], dim=1),
        functional.normalize(parts[..., 1:4], dim=-1),
        log_kappa.exp(),
    )


class MixtureHead(nn.Module):
    """A von Mises-Fisher mixture for each photo, and the share of it over each cell.

    Convention:
        - raw (B, M * 5), see ``mixture_of``
        - probabilities: density times area, at up to 16 random points of each cell, brought to a sum of 1
          over the cells: what lies over no cell is given to them in proportion
        - position: the centre of the component where the density is highest

    Source:
        M. Izbicki et al., "Exploiting the Earth's Spherical Geometry to Geolocate Images" (ECML 2019).
    """

    gives: Final = ("probabilities", "position")
    points: Tensor
    log_areas: Tensor

    def __init__(
        self, features: int, partition: Partition, *, components: int = 16, hidden: Sequence[int] = (512, 128)
    ) -> None:
        super().__init__()
        self.layers = perceptron(features, hidden, components * NUMBERS)
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():  # at the start wide and spread over the Earth
            last.weight.mul_(0.1)
            start = torch.zeros(components, NUMBERS)
            start[:, 1:4], start[:, 4] = spread_vectors(components), math.log(_START_KAPPA)
            last.bias.copy_(start.flatten())
        each = max(1, min(_POINTS_PER_CELL, _POINTS // partition.count))
        places = torch.from_numpy(points_in_cells(partition, each))
        areas = torch.from_numpy(partition.areas_km2.copy()) / EARTH_RADIUS_KM**2 / each
        self.register_buffer("points", vectors_of(places).float())  # (K, P, 3)
        self.register_buffer("log_areas", areas.clamp(min=1e-30).log().float())  # steradians per point

    def forward(self, features: Tensor) -> Tensor:
        """(B, D) features -> (B, M * 5)."""
        raw: Tensor = self.layers(features)
        return raw.float()

    def answer(self, raw: Tensor, logit_shift: Tensor) -> Answer:
        """Shares of the cells, and the highest centre in degrees."""
        mixture = mixture_of(raw)
        cells, each, _ = self.points.shape
        density = torch.unflatten(mixture.log_density(self.points.flatten(0, 1)), 1, (cells, each))
        mass = torch.logsumexp(density, dim=2) + self.log_areas
        highest = mixture.log_density(mixture.directions).argmax(dim=1)  # (B,)
        chosen = mixture.directions.gather(1, highest[:, None, None].expand(-1, 1, 3)).squeeze(1)
        return Answer(torch.softmax(mass + logit_shift, dim=1), degrees_of(chosen))
