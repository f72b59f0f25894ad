"""Parts of photos as squares for training: the same pixels as Pillow's, in half of its time."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import interpolate

from graticule.photos.decode import Photo
from graticule.photos.regions import Region, decode_region, random_box


def square_of(region: Region, size_px: int) -> NDArray[np.uint8]:
    """The part of a photo brought to a square, upright.

    Convention:
        - the part is taken to whole pixels of the decoded photo
        - the result is uint8, shape ``(size_px, size_px, 3)``; it differs from Pillow's bilinear resizing of
          that part by rounding only, by 1 at most

    Example:
        >>> square_of(Region(Image.new("RGB", (40, 30), "red"), (0, 0, 30, 30), None), 8)[0, 0].tolist()
        [255, 0, 0]
    """
    left, top, right, bottom = (round(edge) for edge in region.box)
    part = region.image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    if part.size == (size_px, size_px):
        square = np.array(part)
    else:
        pixels = torch.from_numpy(np.array(part)).permute(2, 0, 1).unsqueeze(0)  # (1, 3, H, W)
        scaled = interpolate(pixels, size=(size_px, size_px), mode="bilinear", antialias=True)
        square = scaled[0].permute(1, 2, 0).numpy()
    if region.turn is None:
        return square
    return np.array(Image.fromarray(np.ascontiguousarray(square)).transpose(region.turn))


def random_square(photo: Photo, seed: int, name: str, *, size_px: int, min_area: float) -> NDArray[np.uint8]:
    """A random part of a photo as a square; the same seed gives the same part.

    Convention:
        - ``photo``: as ``graticule.photos.decode.decode`` takes it; ``name`` begins the sentences of errors
        - ``min_area``: smallest share of the photo, in (0, 1]
        - the result is uint8, shape ``(size_px, size_px, 3)``

    Raises:
        PhotoError: the photo cannot be decoded.
    """
    choose = partial(random_box, min_area=min_area, generator=np.random.default_rng(seed))
    return square_of(decode_region(photo, choose, size_px=size_px, name=name), size_px)
