"""Part of a photo as a square, at the cost of decoding no more than that part needs.

A random crop is chosen from the photo's size, before it is decoded: a large part of a large photo is then
decoded at 1/2, 1/4 or 1/8, which the decoder does while it transforms its blocks. Turning a photo upright is
left to the end, when only the square is to be turned.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graticule.photos.decode import Photo, decode, load_as_stored, open_header, read_bytes, upright_turn

Box: TypeAlias = tuple[float, float, float, float]

ASPECTS: Final = (3 / 4, 4 / 3)
"""Range of width over height of a random part (Szegedy et al., 2015)."""

_AS_STORED: Final[dict[Image.Transpose, Callable[[float, float], tuple[float, float]]]] = {
    Image.Transpose.FLIP_LEFT_RIGHT: lambda x, y: (1 - x, y),
    Image.Transpose.ROTATE_180: lambda x, y: (1 - x, 1 - y),
    Image.Transpose.FLIP_TOP_BOTTOM: lambda x, y: (x, 1 - y),
    Image.Transpose.TRANSPOSE: lambda x, y: (y, x),
    Image.Transpose.ROTATE_270: lambda x, y: (y, 1 - x),
    Image.Transpose.TRANSVERSE: lambda x, y: (1 - y, 1 - x),
    Image.Transpose.ROTATE_90: lambda x, y: (1 - y, x),
}
"""For each turn where a point of the upright photo lies in the stored one; both in shares of the sides."""


@dataclass(frozen=True)
class Region:
    """A decoded photo and the part of it that is meant.

    Convention:
        - ``image``: RGB as stored, decoded at some scale; ``box``: left, top, right, bottom in its pixels
        - ``turn``: what brings the part upright, or None
    """

    image: Image.Image
    box: Box
    turn: Image.Transpose | None

    def square(self, size_px: int) -> NDArray[np.uint8]:
        """The part brought to a square, upright: uint8, shape ``(size_px, size_px, 3)``."""
        part = self.image.resize((size_px, size_px), Image.Resampling.BILINEAR, box=self.box)
        return np.asarray(part if self.turn is None else part.transpose(self.turn), dtype=np.uint8)


def decode_region(
    photo: Photo, choose: Callable[[int, int], Box], *, size_px: int, name: str | None = None
) -> Region:
    """Part of a photo, decoded as small as a square of ``size_px`` pixels allows.

    Convention:
        - ``photo``: as ``graticule.photos.decode.decode`` takes it
        - ``choose(width, height)`` gives the part as left, top, right, bottom in px of the upright photo
        - ``name`` begins the sentences of errors; made from the path when left out

    Raises:
        PhotoError: as ``decode``.

    Example:
        >>> black = np.zeros((30, 40, 3), np.uint8)
        >>> decode_region(black, lambda width, height: (0, 0, height, height), size_px=8).square(8).shape
        (8, 8, 3)
    """
    if isinstance(photo, str | Path):
        name = name or f"Photo '{photo}'"
        photo = read_bytes(photo)
    if isinstance(photo, bytes):
        image: Any = open_header(photo, name=name or "The photo")
        if image.format == "JPEG":
            return _jpeg_region(image, choose, size_px, name or "The photo")
    upright = decode(photo, name=name)
    return Region(upright, choose(*upright.size), None)


def _jpeg_region(image: Any, choose: Callable[[int, int], Box], size_px: int, name: str) -> Region:
    stored_width, stored_height = image.size
    turn = upright_turn(image)
    lies = turn in _SIDEWAYS
    width, height = (stored_height, stored_width) if lies else (stored_width, stored_height)
    left, top, right, bottom = choose(width, height)
    # the least scale at which the part still has the pixels of the square, both ways
    scale = min(1.0, max(size_px / (right - left), size_px / (bottom - top)))
    image.draft(None, (math.ceil(stored_width * scale), math.ceil(stored_height * scale)))
    decoded = load_as_stored(image, name)
    corners = [(left / width, top / height), (right / width, bottom / height)]
    if turn is not None:
        corners = [_AS_STORED[turn](*corner) for corner in corners]
    (x0, x1), (y0, y1) = (sorted(values) for values in zip(*corners, strict=True))
    across, down = decoded.size
    return Region(decoded, (x0 * across, y0 * down, min(x1 * across, across), min(y1 * down, down)), turn)


_SIDEWAYS: Final = frozenset(
    [
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_90,
    ]
)


def random_box(width: int, height: int, *, min_area: float, generator: np.random.Generator) -> Box:
    """A random part: its area and its aspect drawn, then its place; the largest square of a very long photo.

    Convention:
        - ``width``, ``height`` in px, as the result: left, top, right, bottom
        - ``min_area``: smallest share of the photo, in (0, 1]
        - scaled photos get the scaled part: the draws are shares

    Source:
        C. Szegedy et al., "Going deeper with convolutions" (2015), as RandomResizedCrop does it.

    Example:
        >>> left, top, right, bottom = random_box(40, 30, min_area=0.5, generator=np.random.default_rng(0))
        >>> (right - left) * (bottom - top) >= 0.5 * 40 * 30
        True
    """
    for _ in range(10):
        area = width * height * generator.uniform(min_area, 1.0)
        aspect = math.exp(generator.uniform(math.log(ASPECTS[0]), math.log(ASPECTS[1])))
        wide, high = math.sqrt(area * aspect), math.sqrt(area / aspect)
        if wide <= width and high <= height:
            break
    else:
        wide = high = float(min(width, height))
    left, top = generator.uniform(0, width - wide), generator.uniform(0, height - high)
    return left, top, left + wide, top + high
