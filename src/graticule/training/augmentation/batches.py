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

ON_A_CPU: Final = 2
"""So many photos at a time stay in a core's cache; bench/augmentation.py measures it."""

Step = Callable[[Tensor, Tensor, AugmentationSection], Tensor]
"""(image, seeds, settings) -> image: (B, 3, H, W) RGB in [0, 1], (B,) int64."""


def vary_batch(image: Tensor, seeds: Tensor, settings: AugmentationSection) -> Tensor:
    """All steps of the policy, in order.

    Convention:
        - ``image``: (B, 3, H, W) RGB in [0, 1]; the result likewise
        - ``seeds``: (B,) of the photos in this epoch; a photo becomes the same in whatever batch it comes
    """
    steps = [STEPS[name] for name in POLICIES[settings.policy].steps]
    if not steps:
        return image
    many = len(image) if image.device.type != "cpu" else ON_A_CPU
    varied = []
    for part, own in zip(torch.split(image, many), torch.split(seeds, many), strict=True):
        for step in steps:
            part = step(part, own, settings)
        varied.append(part)
    return torch.cat(varied).contiguous(memory_format=torch.channels_last)


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
    if not bool(changes.any()):
        return image
    image = quarter_turns(image, torch.where(which == 0, 1 + (third * 3).long(), 0))
    for axis, chosen in ((-1, third < 0.5), (-2, third >= 0.5)):
        flipped = (which == 1) & chosen
        image[flipped] = image[flipped].flip(axis)
    coloured = which == 2
    image[coloured] = jitter(image[coloured], _jitter_factors(seeds).to(image.device)[coloured])
    return image


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
