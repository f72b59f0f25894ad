"""How training photos are varied: a random crop for each photo, colour and flips for a batch of tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

JITTER: Final = 0.3
"""Brightness, contrast and saturation are scaled by a factor from [1 - JITTER, 1 + JITTER]."""

ASPECTS: Final = (3 / 4, 4 / 3)
"""Range of width over height of a random crop (Szegedy et al., 2015)."""

_GREY: Final = (0.299, 0.587, 0.114)  # luma weights of ITU-R BT.601


@dataclass(frozen=True)
class Policy:
    """A named way to vary photos: which of the steps it has."""

    crop: bool
    jitter: bool = False
    flip: bool = False


POLICIES: Final = {
    "none": Policy(crop=False),
    "crop": Policy(crop=True),
    "crop-flip": Policy(crop=True, flip=True),
    "crop-jitter": Policy(
        crop=True, jitter=True
    ),  # no flips: they put cars on the other side of the road (S2)
    "crop-jitter-flip": Policy(crop=True, jitter=True, flip=True),
}
"""The policies by the name that recipes use."""


def random_crop(image: Image.Image, *, size_px: int, min_area: float, seed: int) -> NDArray[np.uint8]:
    """A random part of the photo, brought to a square.

    Convention:
        - ``image``: RGB; ``min_area``: smallest share of its area that is kept
        - the result is uint8, shape ``(size_px, size_px, 3)``; the same seed gives the same part

    Source:
        C. Szegedy et al., "Going deeper with convolutions" (2015): area and aspect drawn at random.
    """
    generator = np.random.default_rng(seed)
    width, height = image.size
    for _ in range(10):
        area = width * height * generator.uniform(min_area, 1.0)
        aspect = math.exp(generator.uniform(math.log(ASPECTS[0]), math.log(ASPECTS[1])))
        wide, high = math.sqrt(area * aspect), math.sqrt(area / aspect)
        if wide <= width and high <= height:
            break
    else:  # a very long photo: the largest square
        wide = high = float(min(width, height))
    left, top = generator.uniform(0, width - wide), generator.uniform(0, height - high)
    part = image.resize(
        (size_px, size_px), Image.Resampling.BILINEAR, box=(left, top, left + wide, top + high)
    )
    return np.asarray(part, dtype=np.uint8)


def vary_batch(image: Tensor, policy: Policy, generator: torch.Generator) -> Tensor:
    """Flip and colour a batch, each photo by its own draw.

    Convention:
        - ``image``: (B, 3, H, W) RGB in [0, 1]; the result likewise
    """
    if policy.flip:
        flipped = torch.rand(len(image), generator=generator) < 0.5
        image = torch.where(flipped.view(-1, 1, 1, 1).to(image.device), image.flip(-1), image)
    if policy.jitter:
        image = _jitter(image, generator)
    return image


def mix(count: int, alpha: float, generator: torch.Generator) -> tuple[Tensor, float]:
    """A partner for each of ``count`` photos, and the share that a photo keeps of itself.

    Source:
        H. Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018).
    """
    seed = int(torch.randint(2**62, (1,), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    return torch.randperm(count, generator=generator), share


def _jitter(image: Tensor, generator: torch.Generator) -> Tensor:
    draws = 1 + JITTER * (2 * torch.rand(3, len(image), 1, 1, 1, generator=generator) - 1)
    brightness, contrast, saturation = draws.to(image.device)
    weights = torch.tensor(_GREY, device=image.device).view(1, 3, 1, 1)
    image = image * brightness
    middle = (image * weights).sum(dim=1, keepdim=True).mean(dim=(2, 3), keepdim=True)  # (B, 1, 1, 1)
    image = middle + (image - middle) * contrast
    grey = (image * weights).sum(dim=1, keepdim=True)  # (B, 1, H, W)
    coloured: Tensor = (grey + (image - grey) * saturation).clamp(0, 1)
    return coloured
