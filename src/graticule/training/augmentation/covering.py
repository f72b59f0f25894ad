"""Covering a region of every photo with black, in training and in validation alike.

S0 covered the car at the bottom of Street View photos to see how much a model relied on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw

from graticule.errors import PhotoError, RecipeError
from graticule.photos.decode import decode
from graticule.training.recipe import AugmentationSection

DARK = 128
"""Pixels of a mask below this grey value are covered."""


@dataclass(frozen=True)
class Cover:
    """What is covered of every photo.

    Convention:
        - ``region``: top, left, bottom, right as shares of height and width
        - ``mask``: an "L" image, scaled to each photo; 0 is covered, 255 is seen
    """

    region: tuple[float, float, float, float] | None = None
    mask: Image.Image | None = None

    @classmethod
    def of(cls, section: AugmentationSection) -> Cover | None:
        """The cover that a recipe asks for, None for none.

        Raises:
            RecipeError: the mask cannot be read.
        """
        if section.region is None and section.region_mask is None:
            return None
        if section.region_mask is None:
            return cls(section.region)
        try:
            grey = decode(section.region_mask).convert("L")
        except PhotoError as error:
            raise RecipeError(
                f"augmentation.region_mask: {error}\nName an image whose dark pixels are to be covered."
            ) from error
        return cls(section.region, grey.point([0] * DARK + [255] * (256 - DARK)))

    def __call__(self, image: Image.Image) -> Image.Image:
        """The photo with the region black; the one given is left as it is."""
        covered = image.copy()
        if self.region is not None:
            top, left, bottom, right = self.region
            width, height = image.size
            corners = (round(left * width), round(top * height))
            ends = (round(right * width) - 1, round(bottom * height) - 1)
            if ends[0] >= corners[0] and ends[1] >= corners[1]:
                ImageDraw.Draw(covered).rectangle([corners, ends], fill=(0, 0, 0))
        if self.mask is not None:
            seen = self.mask.resize(image.size, Image.Resampling.NEAREST)
            covered = Image.composite(covered, Image.new("RGB", image.size), seen)
        return covered
