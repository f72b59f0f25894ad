"""Maps as pictures: a heat map in colours, laid over a photo, and the crops that say most.

In: a ``SaliencyMap`` and the photo's pixels. Out: arrays of pixels, and PNG. Only Pillow is needed.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from PIL import Image

from graticule.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.explanations.saliency_map import SaliencyMap

    Pixels = NDArray[np.uint8]

OPACITY: Final = 0.4
"""Of a heat map over a photo, as S4 drew it (6.7.2)."""

Colours = Literal["signed", "grey"]
COLOURS: Final[tuple[Colours, ...]] = ("signed", "grey")

FOR: Final = (214, 64, 28)
AGAINST: Final = (24, 98, 190)
"""Colours (RGB) of what speaks for the target and against it; told apart by the colour-blind too."""


def heat(map_: SaliencyMap, height: int, width: int, *, colours: Colours = "signed") -> Pixels:
    """A map as a layer to be laid over a photo, (height, width, 4) RGBA.

    Convention:
        - ``signed``: red for, blue against; what says nothing is clear, the strongest place opaque, in
          between by the square root: a quarter as strong is half as opaque and still seen
        - ``grey``: S4's: black to white by the part that speaks for the target, everywhere opaque
        - attention, which is above 0 everywhere, is drawn from its least place up

    Raises:
        UsageError: other colours.
    """
    if colours not in COLOURS:
        raise UsageError(f"There are no colours '{colours}'. Expected one of: {', '.join(COLOURS)}.")
    values = map_.resized(height, width)
    if not map_.takes_sides:
        values = values - values.min()
    layer = np.full((height, width, 4), 255, dtype=np.uint8)
    if colours == "grey":
        positive = np.maximum(values, 0)
        layer[..., :3] = _of_one(positive, positive.max())[..., None]
        return layer
    layer[..., :3] = np.where((values >= 0)[..., None], FOR, AGAINST)
    layer[..., 3] = _of_one(np.sqrt(np.abs(values)), np.sqrt(np.abs(values).max()))
    return layer


def _of_one(values: NDArray[np.float32], largest: np.float32) -> Pixels:
    shares = values / largest if largest > 0 else np.zeros_like(values)
    return np.asarray((shares * 255).round(), dtype=np.uint8)


def overlay(
    picture: Pixels, map_: SaliencyMap, *, opacity: float = OPACITY, colours: Colours = "signed"
) -> Pixels:
    """A photo with its map laid over it, (H, W, 3).

    Convention:
        - ``picture``: (H, W, 3) RGB of the square that the map is of, at any size
        - ``opacity``: in [0, 1], what an opaque place of the map covers of the photo

    Raises:
        UsageError: an opacity outside [0, 1].

    Source:
        S4 (2023), 6.7.2: the map over the photo with a multiplier of 0.4.
    """
    if not 0 <= opacity <= 1:
        raise UsageError(f"An opacity is a share from 0 to 1; got {opacity:g}.\nS4's is 0.4.")
    layer = heat(map_, *picture.shape[:2], colours=colours)
    cover = layer[..., 3:].astype(np.float64) * (opacity / 255)
    blended = picture * (1 - cover) + layer[..., :3] * cover
    return np.asarray(blended.round(), dtype=np.uint8)


def png(pixels: Pixels) -> bytes:
    """Pixels (H, W, 3) RGB or (H, W, 4) RGBA as the bytes of a PNG file."""
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG", optimize=True)
    return held.getvalue()


def jpeg(pixels: Pixels, *, quality: int = 85) -> bytes:
    """Pixels (H, W, 3) RGB as the bytes of a JPEG file."""
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "JPEG", quality=quality)
    return held.getvalue()


def enlarged(pixels: Pixels, side_px: int) -> Pixels:
    """A square of pixels at another size, smoothly."""
    picture = Image.fromarray(pixels)
    return np.asarray(picture.resize((side_px, side_px), Image.Resampling.BICUBIC), dtype=np.uint8)
