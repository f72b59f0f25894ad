"""Finds photos without colours of their own: black and white, toned, infra-red, or all but one colour.

Sky, soil, plants and paint say where a photo was taken. A night camera's grey picture, a sepia print or a
frame of one colour lacks them, and a network learns the camera instead of the place.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from PIL import Image

WRONGLY_COLOURED: Final = "wrongly-coloured"
"""The reason that such photos are counted and refused by."""

MONOCHROME: Final = "monochrome"
ONE_COLOUR: Final = "one-colour"
GREY_FILL: Final = "grey-fill"
"""Rows missing from the end of a JPEG, filled with grey, and stored so by somebody on the way."""

COLOUR_SPREAD: Final = 3.0
"""Colours that deviate less (of 255) from what their brightness leads to expect are those of one tone.

Of 1,500 outdoor photos (web cameras and holiday pictures) 34 lie below; to the eye all are grey or toned. Of
the same 1,500 turned to sepia 99.9 % lie below, of those turned to grey all.
"""

BRIGHTNESS_SPREAD: Final = 4.0
"""A picture whose brightness deviates less (of 255) shows one colour: a covered lens, fog, an empty frame."""

_SIDE_PX: Final = 48
_FILL: Final = 128.0
_FILLED_ROWS: Final = 5
_LEAST_SPREAD: Final = 8.0
_RIDGE: Final = 0.002
_LUMA: Final = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def wrong_colours(image: Image.Image) -> str | None:
    """``grey-fill``, ``one-colour`` or ``monochrome`` for a photo without colours of its own, else None.

    A photo is monochrome where red, green and blue all follow from brightness by one parabola each: for grey
    they equal it, for a toned picture they bend with it. What is left over is measured. A tenth of the
    picture, from any side, in the grey of a missing part (128, 128, 128) is told first.

    Convention:
        - ``image``: any mode and size; 48 pixels of its side are enough

    Example:
        >>> picture = Image.effect_mandelbrot((96, 96), (-2.0, -1.0, 0.5, 1.5), 50)
        >>> wrong_colours(picture), wrong_colours(Image.new("RGB", (64, 48), "steelblue"))
        ('monochrome', 'one-colour')
        >>> wrong_colours(Image.merge("RGB", [picture, picture.rotate(90), picture.rotate(180)])) is None
        True
    """
    small = image.convert("RGB").resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX)
    colours = np.asarray(small, dtype=np.float64).reshape(-1, 3)
    if _is_filled(colours.reshape(_SIDE_PX, _SIDE_PX, 3)):
        return GREY_FILL
    brightness = colours @ _LUMA
    spread = float(brightness.std())
    scaled = (brightness - brightness.mean()) / max(spread, _LEAST_SPREAD)
    powers = np.stack([np.ones_like(scaled), scaled, scaled**2], axis=1)  # (pixels, 3)
    # a ridge, so that colours of one brightness are not explained by its last decimals
    square = powers.T @ powers + np.diag([0.0, _RIDGE, _RIDGE]) * len(powers)
    rest = colours - powers @ np.linalg.solve(square, powers.T @ colours)
    if float(np.sqrt((rest**2).sum(axis=1).mean())) >= COLOUR_SPREAD:
        return None
    return ONE_COLOUR if spread < BRIGHTNESS_SPREAD else MONOCHROME


def _is_filled(picture: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Whether the rows or columns at an edge are all of the grey that stands for missing ones."""
    grey = np.abs(picture - _FILL).max(axis=2) <= 1
    edges = (grey[-_FILLED_ROWS:], grey[:_FILLED_ROWS], grey[:, -_FILLED_ROWS:], grey[:, :_FILLED_ROWS])
    return any(bool(edge.all()) for edge in edges) and not bool(grey.all())
