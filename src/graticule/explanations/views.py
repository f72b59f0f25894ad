"""A photo as the network sees it, and the same part of it large enough for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from graticule.errors import PhotoError
from graticule.explanations.squares import square_of
from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.inference import Model

PICTURE_PX: Final = 672
"""Side of the picture that maps are laid over, at most: three times what most networks see."""


@dataclass(frozen=True, eq=False)
class View:
    """One photo, ready to be explained.

    Convention:
        - ``square``: (S, S, 3) uint8 RGB, exactly the pixels that a prediction is made from
        - ``picture``: (L, L, 3) uint8 RGB, the same part of the photo, to be looked at
    """

    square: NDArray[np.uint8]
    picture: NDArray[np.uint8]


def view_of(model: Model, photo: Any, *, picture_px: int = PICTURE_PX) -> View:
    """Decode a photo for a model.

    Convention:
        - ``photo``: a path, the bytes of a file, a PIL image, or an array, as ``predict`` takes one

    Raises:
        PhotoError: it cannot be read.

    Example:
        >>> from graticule.inference import load_model
        >>> view = view_of(load_model(), np.zeros((300, 400, 3), dtype=np.uint8))
        >>> view.square.shape, view.picture.shape
        ((224, 224, 3), (300, 300, 3))
    """
    if isinstance(photo, PhotoError):  # a source that could not be opened
        raise photo
    size_px, crop = model.network.size_px, model.network.crop_fraction
    square = square_of(model, photo)
    large = decode(photo, min_side_px=short_side_px(picture_px, crop))
    side = max(size_px, min(picture_px, int(min(large.size) * crop)))
    return View(square, centre_crop(large, size_px=side, crop_fraction=crop))
