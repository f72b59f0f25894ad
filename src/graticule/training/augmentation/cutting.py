"""Which part of a photo is seen, and at which size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.regions import random_box
from graticule.training.augmentation.policies import Cut
from graticule.training.recipe import AugmentationSection
from graticule.training.seeds import derived_seed

Square = NDArray[np.uint8]


def cut(
    image: Image.Image,
    how: Cut,
    *,
    size_px: int,
    crop: float,
    seed: int,
    row: int,
    settings: AugmentationSection,
) -> Square:
    """The part of a photo that training sees.

    Convention:
        - ``image``: RGB; ``crop``: share of the short side that prediction's square covers
        - ``seed``: of this photo in this epoch; ``row``: which photo it is, for parts that never change
        - the result is uint8, shape ``(size_px, size_px, 3)``
    """
    if how == "area":
        return random_part(image, size_px=size_px, min_area=settings.min_area, seed=seed)
    if how == "window":
        return window(image, size_px=size_px, crop=crop, seed=seed)
    if how == "fixed":
        chosen = derived_seed(row, seed % settings.fixed_crops)
        return window(image, size_px=size_px, crop=crop, seed=chosen)
    return centre_crop(image, size_px=size_px, crop_fraction=crop)


def shortest_px(how: Cut, *, size_px: int, crop: float, min_area: float) -> int:
    """How short the short side may be decoded to, in px, so that no part has to be enlarged."""
    return round(size_px / min_area**0.5) if how == "area" else short_side_px(size_px, crop)


def random_part(image: Image.Image, *, size_px: int, min_area: float, seed: int) -> Square:
    """A random part of the photo, brought to a square.

    Convention:
        - ``image``: RGB; ``min_area``: smallest share of its area that is kept
        - the result is uint8, shape ``(size_px, size_px, 3)``; the same seed gives the same part

    Source:
        C. Szegedy et al., "Going deeper with convolutions" (2015): area and aspect drawn at random.
    """
    box = random_box(*image.size, min_area=min_area, generator=np.random.default_rng(seed))
    part = image.resize((size_px, size_px), Image.Resampling.BILINEAR, box=box)
    return np.asarray(part, dtype=np.uint8)


def window(image: Image.Image, *, size_px: int, crop: float, seed: int) -> Square:
    """A square as large as prediction's, anywhere in the photo; its pixels are copied where sizes agree.

    Convention:
        - as ``random_part``; ``crop``: share of the short side that the square covers

    Source:
        S0: resizing was the most expensive step, so a region of 224 px was cut from photos of 500 x 281.
    """
    generator = np.random.default_rng(seed)
    width, height = image.size
    side = min(width, height) * crop
    left, top = generator.uniform(0, width - side), generator.uniform(0, height - side)
    if round(side) == size_px:
        left, top = min(round(left), width - size_px), min(round(top), height - size_px)
        return np.asarray(image.crop((left, top, left + size_px, top + size_px)), dtype=np.uint8)
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size_px, size_px), Image.Resampling.BILINEAR, box=box), dtype=np.uint8)
