"""The steps that vary a batch of photos at once, each photo by its own draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from graticule.training.augmentation.colours import jitter
from graticule.training.augmentation.draws import uniforms
from graticule.training.augmentation.geometry import quarter_turns, rotate
from graticule.training.augmentation.policies import POLICIES
from graticule.training.augmentation.randaugment import randaugment
from graticule.training.recipe import AugmentationSection

JITTER: Final = 0.3
"""Brightness, contrast and saturation are scaled by a factor from [1 - JITTER, 1 + JITTER]."""

Step = Callable[[Tensor, Tensor, AugmentationSection], Tensor]
"""(image, seeds, settings) -> image: (B, 3, H, W) RGB in [0, 1], (B,) int64."""


def vary_batch(image: Tensor, seeds: Tensor, settings: AugmentationSection) -> Tensor:
    """All steps of the policy, in order.

    Convention:
        - ``image``: (B, 3, H, W) RGB in [0, 1]; the result likewise
        - ``seeds``: (B,) of the photos in this epoch; a photo becomes the same in whatever batch it comes
    """
    for name in POLICIES[settings.policy].steps:
        image = STEPS[name](image, seeds, settings)
    return image


def _flip(image: Tensor, seeds: Tensor, settings: AugmentationSection) -> Tensor:  # noqa: ARG001
    flipped = uniforms(seeds, 1, stream=1)[:, 0] < 0.5
    return torch.where(flipped.view(-1, 1, 1, 1).to(image.device), image.flip(-1), image)


def _jitter(image: Tensor, seeds: Tensor, settings: AugmentationSection) -> Tensor:  # noqa: ARG001
    return jitter(image, _jitter_factors(seeds).to(image.device))


def _rotate(image: Tensor, seeds: Tensor, settings: AugmentationSection) -> Tensor:
    angle_deg = settings.rotation_deg * (2 * uniforms(seeds, 1, stream=3)[:, 0] - 1)
    return rotate(image, angle_deg.to(image.device))


def _one_of_three(image: Tensor, seeds: Tensor, settings: AugmentationSection) -> Tensor:  # noqa: ARG001
    """For every second photo one of: turned by a multiple of 90 degrees, flipped along an axis, coloured.

    Source:
        S4, 6.1, "Data Augmentation".
    """
    draws = uniforms(seeds, 3, stream=4)
    changes = draws[:, 0] < 0.5
    which = torch.where(changes, (draws[:, 1] * 3).long(), -1).to(image.device)
    third = draws[:, 2].to(image.device)
    turns = torch.where(which == 0, 1 + (third * 3).long(), 0)
    image = quarter_turns(image, turns)
    for axis, chosen in ((-1, third < 0.5), (-2, third >= 0.5)):
        flipped = ((which == 1) & chosen).view(-1, 1, 1, 1)
        image = torch.where(flipped, image.flip(axis), image)
    coloured = jitter(image, _jitter_factors(seeds).to(image.device))
    return torch.where((which == 2).view(-1, 1, 1, 1), coloured, image)


def _randaugment(image: Tensor, seeds: Tensor, settings: AugmentationSection) -> Tensor:
    return randaugment(
        image, seeds, layers=settings.randaugment_layers, magnitude=settings.randaugment_magnitude
    )


def _jitter_factors(seeds: Tensor) -> Tensor:
    return 1 + JITTER * (2 * uniforms(seeds, 3, stream=2) - 1)


STEPS: Final[dict[str, Step]] = {
    "flip": _flip,
    "jitter": _jitter,
    "rotate": _rotate,
    "randaugment": _randaugment,
    "rotate90-flip-colour": _one_of_three,
}
