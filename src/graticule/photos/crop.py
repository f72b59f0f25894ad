"""The one evaluation transform: short side to a size, square from the middle.

Training's validation, export's parity check and prediction all use it, so that they see the same pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


def short_side_px(size_px: int, crop_fraction: float) -> int:
    """Length to which the short side is brought before the square is cut: what a decoder may scale to.

    Example:
        >>> short_side_px(224, 0.875)
        256
    """
    return round(size_px / crop_fraction)


def middle_box(
    width: float, height: float, *, crop_fraction: float = 1.0
) -> tuple[float, float, float, float]:
    """The square in the middle over ``crop_fraction`` of the short side: left, top, right, bottom in px.

    Example:
        >>> middle_box(40, 30)
        (5.0, 0.0, 35.0, 30.0)
    """
    side = min(width, height) * crop_fraction
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def centre_crop(image: Image.Image, *, size_px: int, crop_fraction: float = 1.0) -> NDArray[np.uint8]:
    """The middle square of a photo, scaled in one step.

    Convention:
        - ``image``: RGB of any size
        - ``crop_fraction``: share of the short side that the square covers, in (0, 1]
        - the result is uint8, shape ``(size_px, size_px, 3)``

    Source:
        Resize and centre crop as in timm's evaluation; done as one bilinear resampling of a box with
        an antialiasing filter, which differs from two steps only in where rounding happens.

    Example:
        >>> centre_crop(Image.new("RGB", (40, 30), "red"), size_px=8)[0, 0].tolist()
        [255, 0, 0]
    """
    box = middle_box(*image.size, crop_fraction=crop_fraction)
    cropped = image.resize((size_px, size_px), Image.Resampling.BILINEAR, box=box)
    return np.asarray(cropped, dtype=np.uint8)
