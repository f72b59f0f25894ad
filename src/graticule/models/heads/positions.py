"""Places as tensors: unit vectors, degrees, and the head that gives one place per photo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

import torch
from torch import Tensor, nn

from graticule.models.answers import Answer

DEGREES: Final = (90.0, 180.0)
"""What 1 stands for in latitude and in longitude."""


def vectors_of(latlon: Tensor) -> Tensor:
    """(..., 2) (latitude, longitude) in degrees -> (..., 3) unit vectors."""
    latitude, longitude = torch.deg2rad(latlon).unbind(-1)
    level = torch.cos(latitude)
    return torch.stack([level * torch.cos(longitude), level * torch.sin(longitude), torch.sin(latitude)], -1)


def degrees_of(vectors: Tensor) -> Tensor:
    """(..., 3) vectors of any length -> (..., 2) (latitude, longitude) in degrees."""
    x, y, z = vectors.unbind(-1)
    level = (x.square() + y.square()).sqrt()  # torch.hypot has no counterpart in ONNX
    return torch.rad2deg(torch.stack([torch.atan2(z, level), torch.atan2(y, x)], -1))


def place_vectors(raw: Tensor) -> Tensor:
    """What a ``PointHead`` gave for training -> (B, 3) unit vectors.

    Convention:
        - ``raw`` (B, 2): (latitude, longitude) in degrees; (B, 3): a vector of any length
    """
    if raw.shape[-1] == 2:
        return vectors_of(raw)
    return nn.functional.normalize(raw, dim=-1)


def perceptron(features: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    widths = [features, *hidden]
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(widths):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))


class PointHead(nn.Module):
    """One place per photo, without cells and without a word on how sure it is.

    Convention:
        - ``form`` ``degrees``: raw (B, 2) in degrees: tanh in [-1, 1], times 90 and 180; to get across the
          antimeridian or over a pole it has to go all the way round
        - ``form`` ``sphere``: raw (B, 3), a vector whose direction is the place; it has no seam
        - ``hidden``: widths of the layers before the last

    Source:
        S3 (2024), 3.1: "three fully connected layers" with ReLU, tanh behind the last; their widths are not
        given there.
    """

    gives: Final = ("position",)

    def __init__(
        self, features: int, *, form: Literal["degrees", "sphere"], hidden: Sequence[int] = (512, 128)
    ) -> None:
        super().__init__()
        self.form = form
        self.layers = perceptron(features, hidden, 2 if form == "degrees" else 3)

    def forward(self, features: Tensor) -> Tensor:
        """(B, D) features -> (B, 2) degrees, or (B, 3)."""
        raw: Tensor = self.layers(features)
        raw = raw.float()  # half precision knows places to 0.1 degrees only
        return torch.tanh(raw) * raw.new_tensor(DEGREES) if self.form == "degrees" else raw

    def answer(self, raw: Tensor, logit_shift: Tensor) -> Answer:  # noqa: ARG002 -- there are no cells
        """The place in degrees."""
        return Answer(None, raw if self.form == "degrees" else degrees_of(raw))


def spread_vectors(count: int) -> Tensor:
    """(count, 3) unit vectors spread evenly over the sphere.

    Source:
        A. Gonzalez, "Measurement of areas on a sphere using Fibonacci lattices" (2010).
    """
    number = torch.arange(count, dtype=torch.float64) + 0.5
    height = 1 - 2 * number / count
    turn = number * math.pi * (3 - math.sqrt(5))
    aside = (1 - height**2).sqrt()
    return torch.stack([aside * turn.cos(), aside * turn.sin(), height], dim=1).float()
