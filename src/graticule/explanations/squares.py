"""The square of pixels that a model's network sees of a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import Photo, decode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.inference import Model


def square_of(model: Model, photo: Photo, *, name: str | None = None) -> NDArray[np.uint8]:
    """The pixels that the network sees, uint8 RGB (S, S, 3), as ``Model.predict`` cuts them.

    Convention:
        - ``name`` begins the sentences of errors

    Raises:
        PhotoError: the photo cannot be read.
    """
    size_px, crop = model.network.size_px, model.network.crop_fraction
    image = decode(photo, min_side_px=short_side_px(size_px, crop), name=name)
    return centre_crop(image, size_px=size_px, crop_fraction=crop)
