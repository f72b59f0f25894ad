"""Blurs parts of a photo so that their details are gone, not only hard to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter

from graticule.photos.crop import middle_box

if TYPE_CHECKING:
    from numpy.typing import NDArray

RADIUS: Final = 1 / 16
"""Radius of the blur, a share of the side of the square that the network sees."""


def without_details(image: Image.Image, side_px: float) -> Image.Image:
    """The whole photo blurred; ``side_px``: the side of the network's square in its pixels."""
    return image.filter(ImageFilter.GaussianBlur(max(1.0, side_px * RADIUS)))


def blurred(image: Image.Image, mask: NDArray[np.bool_], *, crop_fraction: float) -> Image.Image:
    """The photo with the masked part of its middle square blurred.

    What shows there is the photo scaled down to the size of the mask, blurred, and scaled up: the details
    are in no pixel of the file any more.

    Convention:
        - ``image``: upright RGB; ``mask``: (S, S) of the square that the network sees

    Example:
        >>> half = np.zeros((8, 8), dtype=np.bool_)
        >>> half[:, :4] = True
        >>> photo = Image.new("RGB", (8, 8))
        >>> photo.putpixel((1, 1), (255, 255, 255))
        >>> photo.putpixel((6, 6), (255, 255, 255))
        >>> done = blurred(photo, half, crop_fraction=1.0)
        >>> done.getpixel((1, 1)) == (255, 255, 255), done.getpixel((6, 6))
        (False, (255, 255, 255))
    """
    left, top, right, bottom = (
        round(value) for value in middle_box(*image.size, crop_fraction=crop_fraction)
    )
    shape = (max(1, right - left), max(1, bottom - top))
    small_mask = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
    covered = Image.new("L", image.size)
    covered.paste(small_mask.resize(shape, Image.Resampling.NEAREST), (left, top))
    scale = min(1.0, len(mask) / shape[0])
    small_size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = without_details(image.resize(small_size, Image.Resampling.BOX), shape[0] * scale)
    return Image.composite(small.resize(image.size, Image.Resampling.BILINEAR), image, covered)
