"""Changes of colour on batches of photos.

Everywhere ``image`` is (B, 3, H, W) RGB in [0, 1], the factors are (B,), and the result is like ``image``.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import equalize as equalize_uint8

_LUMA: Final = (0.299, 0.587, 0.114)  # of red, green, blue: ITU-R BT.601


def grey(image: Tensor) -> Tensor:
    """(B, 1, H, W): brightness as the eye weighs the colours."""
    weights = torch.tensor(_LUMA, device=image.device, dtype=image.dtype).view(1, 3, 1, 1)
    return (image * weights).sum(dim=1, keepdim=True)


def contrast(image: Tensor, factor: Tensor) -> Tensor:
    """Away from (above 1) or toward (below 1) the photo's mean brightness; not clamped."""
    middle = grey(image).mean(dim=(2, 3), keepdim=True)  # (B, 1, 1, 1)
    return middle + (image - middle) * _wide(factor)


def saturation(image: Tensor, factor: Tensor) -> Tensor:
    """1 leaves the colours, 0 makes the photo grey; not clamped."""
    grey_image = grey(image)
    return grey_image + (image - grey_image) * _wide(factor)


def jitter(image: Tensor, factors: Tensor) -> Tensor:
    """Brightness, contrast and saturation, each times its factor; ``factors`` (B, 3)."""
    brightness, of_contrast, of_saturation = factors.unbind(dim=1)
    image = contrast(image * _wide(brightness), of_contrast)
    return saturation(image, of_saturation).clamp(0, 1)


def auto_contrast(image: Tensor) -> Tensor:
    """Each channel stretched over the whole of [0, 1]; a channel of one value is left."""
    low, high = image.amin(dim=(2, 3), keepdim=True), image.amax(dim=(2, 3), keepdim=True)
    return torch.where(high > low, (image - low) / (high - low).clamp(min=1e-6), image)


def equalise(image: Tensor) -> Tensor:
    """Histogram equalisation of each channel, on 256 values."""
    levels: Tensor = equalize_uint8((image * 255).round().to(torch.uint8))
    return levels.to(image.dtype) / 255


def solarise(image: Tensor, addition: Tensor, threshold: Tensor) -> Tensor:
    """Brightened by ``addition``, then inverted above ``threshold``."""
    brighter = (image + _wide(addition)).clamp(0, 1)
    return torch.where(brighter < _wide(threshold), brighter, 1 - brighter)


def _wide(factor: Tensor) -> Tensor:
    return factor.view(-1, 1, 1, 1)
