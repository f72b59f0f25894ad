"""RandAugment without flips, on batches, with the steps and ranges of the implementation that S2 used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor

from graticule.training.augmentation.colours import auto_contrast, contrast, equalise, saturation, solarise
from graticule.training.augmentation.draws import normals, uniforms
from graticule.training.augmentation.geometry import shear, translate

SPREAD: Final = 0.15
"""Standard deviation of a photo's magnitude around the one that is asked for."""

RATE: Final = 10 / 11
"""Probability that a layer does anything."""

MOST_ADDED: Final = 110 / 255
"""Solarising brightens by at most so much, before it inverts."""


class Strength(NamedTuple):
    """How strongly B photos are changed.

    Convention:
        - ``magnitude``: in [0, 1]; ``around``, ``other``: (B,) drawn around it, clamped to [0, 1]
        - ``signed``: (B,) uniform in [-1, 1]
    """

    magnitude: float
    around: Tensor
    other: Tensor
    signed: Tensor


def randaugment(image: Tensor, seeds: Tensor, *, layers: int, magnitude: float) -> Tensor:
    """``layers`` steps drawn from ten for each photo.

    Convention:
        - ``image``: (B, 3, H, H) RGB in [0, 1]; ``seeds``: (B,); ``magnitude``: in [0, 1]

    Source:
        E. D. Cubuk et al., "RandAugment" (2019); steps and ranges as in KerasCV, whose magnitude lies in
        [0, 1]; S2, 3.2, takes two layers of 0.15.
    """
    for layer in range(layers):
        draws = uniforms(seeds, 3, stream=100 + 2 * layer)
        drawn = (magnitude + SPREAD * normals(seeds, 2, stream=101 + 2 * layer)).clamp(0, 1).to(image.device)
        which = torch.where(draws[:, 1] < RATE, (draws[:, 0] * len(CHANGES)).long(), -1).to(image.device)
        signed = (2 * draws[:, 2] - 1).to(image.device)
        changed = image.clone()
        for number, change in enumerate(CHANGES.values()):
            rows = (which == number).nonzero()[:, 0]
            if len(rows):
                strength = Strength(magnitude, drawn[rows, 0], drawn[rows, 1], signed[rows])
                changed[rows] = change(image[rows], strength).clamp(0, 1)
        image = changed
    return image


def _solarise(image: Tensor, strength: Strength) -> Tensor:
    threshold = (1 - strength.magnitude + (strength.other - strength.magnitude)).clamp(0, 1)
    return solarise(image, MOST_ADDED * strength.around, threshold)


def _sheared(image: Tensor, strength: Strength, *, across: bool) -> Tensor:
    amount = strength.around * torch.where(strength.signed < 0, -1.0, 1.0)
    none = torch.zeros_like(amount)
    return shear(image, amount, none) if across else shear(image, none, amount)


def _moved(image: Tensor, strength: Strength, *, across: bool) -> Tensor:
    amount = strength.magnitude * strength.signed
    none = torch.zeros_like(amount)
    return translate(image, amount, none) if across else translate(image, none, amount)


CHANGES: Final[dict[str, Callable[[Tensor, Strength], Tensor]]] = {
    "auto-contrast": lambda image, _: auto_contrast(image),
    "equalise": lambda image, _: equalise(image),
    "solarise": _solarise,
    "colour": lambda image, strength: saturation(image, 1 - strength.around),
    "contrast": lambda image, strength: contrast(image, 1 + strength.magnitude * strength.signed),
    "brightness": lambda image, strength: image + (strength.magnitude * strength.signed).view(-1, 1, 1, 1),
    "shear-across": lambda image, strength: _sheared(image, strength, across=True),
    "shear-down": lambda image, strength: _sheared(image, strength, across=False),
    "move-across": lambda image, strength: _moved(image, strength, across=True),
    "move-down": lambda image, strength: _moved(image, strength, across=False),
}
