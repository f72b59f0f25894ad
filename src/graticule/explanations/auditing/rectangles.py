"""Parts of the square that the network sees: rectangles as shares of its sides, and masks of pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.errors import UsageError
from graticule.photos.decode import decode

Mask = NDArray[np.bool_]

EDGE: Final = 0.2
"""Height of an edge, a share of the side: the bonnet of a mapping car fills about so much."""

DARK: Final = 128
"""Grey values below this are dark."""

CORNER: Final = 0.25
"""Side of a corner, a share: where badges and dates stand."""


@dataclass(frozen=True)
class Rectangle:
    """A part of the square.

    Convention:
        - ``top``, ``left``, ``bottom``, ``right``: shares of its height and width in [0, 1], in the order of
          a recipe's ``augmentation.region``

    Raises:
        UsageError: the sides do not lie in [0, 1], top above bottom, left of right.

    Example:
        >>> round(Rectangle(0.8, 0, 1, 1).area, 3), str(Rectangle(0.8, 0, 1, 1))
        (0.2, 'top 80 %, left 0 %, bottom 100 %, right 100 %')
    """

    top: float
    left: float
    bottom: float
    right: float

    def __post_init__(self) -> None:
        if not (0 <= self.top < self.bottom <= 1 and 0 <= self.left < self.right <= 1):
            raise UsageError(
                f"{self.top:g},{self.left:g},{self.bottom:g},{self.right:g} is no rectangle: expected top, "
                "left, bottom, right as shares in [0, 1], top above bottom and left of right.\n"
                "The lowest 20 % is 0.8,0,1,1."
            )

    @classmethod
    def parse(cls, words: str) -> Rectangle:
        """The rectangle that ``"0.8,0,1,1"`` means.

        Raises:
            UsageError: these are not four shares.
        """
        try:
            top, left, bottom, right = (float(part) for part in words.split(","))
        except ValueError as error:
            raise UsageError(
                f"'{words}' is no rectangle: expected four numbers, top,left,bottom,right, as shares of the "
                "sides.\n"
                "The lowest 20 % is 0.8,0,1,1."
            ) from error
        return cls(top, left, bottom, right)

    @property
    def area(self) -> float:
        """Share of the square."""
        return (self.bottom - self.top) * (self.right - self.left)

    @property
    def shares(self) -> tuple[float, float, float, float]:
        """Top, left, bottom, right."""
        return self.top, self.left, self.bottom, self.right

    def overlap(self, other: Rectangle) -> float:
        """Intersection over union.

        Example:
            >>> round(Rectangle(0, 0, 1, 1).overlap(Rectangle(0.8, 0, 1, 1)), 3)
            0.2
        """
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        wide = min(self.right, other.right) - max(self.left, other.left)
        both = max(0.0, high) * max(0.0, wide)
        return both / (self.area + other.area - both)

    def mask(self, size_px: int) -> Mask:
        """The pixels that it covers, at least one, (size_px, size_px)."""
        covered = np.zeros((size_px, size_px), dtype=np.bool_)
        covered[_span(self.top, self.bottom, size_px), _span(self.left, self.right, size_px)] = True
        return covered

    def __str__(self) -> str:
        names = ("top", "left", "bottom", "right")
        return ", ".join(
            f"{name} {100 * share:.0f} %" for name, share in zip(names, self.shares, strict=True)
        )


def _span(low: float, high: float, size_px: int) -> slice:
    first = min(round(low * size_px), size_px - 1)
    return slice(first, max(round(high * size_px), first + 1))


USUAL: Final[dict[str, Rectangle]] = {
    "bottom edge": Rectangle(1 - EDGE, 0.0, 1.0, 1.0),
    "top edge": Rectangle(0.0, 0.0, EDGE, 1.0),
    "left edge": Rectangle(0.0, 0.0, 1.0, EDGE),
    "right edge": Rectangle(0.0, 1 - EDGE, 1.0, 1.0),
    "top left corner": Rectangle(0.0, 0.0, CORNER, CORNER),
    "top right corner": Rectangle(0.0, 1 - CORNER, CORNER, 1.0),
    "bottom left corner": Rectangle(1 - CORNER, 0.0, 1.0, CORNER),
    "bottom right corner": Rectangle(1 - CORNER, 1 - CORNER, 1.0, 1.0),
    "middle": Rectangle(0.275, 0.275, 0.725, 0.725),
}
"""What every audit covers: where cars, cameras and watermarks show, and the middle beside them."""


def random_rectangle(area: float, random: np.random.Generator) -> Rectangle:
    """A rectangle of a given area anywhere in the square, from four times as high as wide to the reverse.

    Example:
        >>> round(random_rectangle(0.2, np.random.default_rng(0)).area, 6)
        0.2
    """
    least = max(area, 0.25)  # neither side may be longer than the square's
    ratio = math.exp(random.uniform(math.log(least), -math.log(least)))
    high = min(1.0, math.sqrt(area * ratio))
    wide = min(1.0, area / high)
    top, left = random.uniform(0, 1 - high), random.uniform(0, 1 - wide)
    return Rectangle(top, left, min(1.0, top + high), min(1.0, left + wide))


def read_mask(path: str | Path, size_px: int) -> Mask:
    """A picture's dark pixels, which are covered, as those of a recipe's ``region_mask``: (size_px, size_px).

    Raises:
        PhotoError: the file cannot be read.
        UsageError: its size is not that of the square, or nothing or everything is covered.
    """
    image = decode(Path(path), name=f"The mask '{path}'").convert("L")
    if image.size != (size_px, size_px):
        raise UsageError(
            f"The mask '{path}' has {image.width} x {image.height} pixels, and the network sees squares of "
            f"{size_px} x {size_px}.\nScale the mask to that, or give a rectangle:  --rectangle 0.8,0,1,1"
        )
    covered: Mask = np.asarray(image) < DARK
    if covered.all() or not covered.any():
        what = "every pixel" if covered.all() else "no pixel"
        raise UsageError(
            f"The mask '{path}' covers {what}. Paint black what is to be covered, and the rest white."
        )
    return covered
