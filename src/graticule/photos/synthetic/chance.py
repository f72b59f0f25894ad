"""Small draws and colour arithmetic that every part of a scene uses."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Colour = tuple[float, float, float]
"""Red, green and blue, each 0 to 255."""


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A number drawn evenly from [low, high)."""
    return low + (high - low) * rng.random()


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """One of ``items``, all equally likely."""
    return items[int(rng.random() * len(items))]


def pick_weighted(rng: np.random.Generator, weights: dict[T, float]) -> T:
    """A key, as likely as its weight says; the weights need not sum to one."""
    left = rng.random() * sum(weights.values())
    for item, weight in weights.items():
        left -= weight
        if left < 0:
            return item
    return next(reversed(weights))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """``one`` with ``share`` (0 to 1) of ``other``.

    Example:
        >>> mix((0, 0, 0), (200, 100, 50), 0.5)
        (100.0, 50.0, 25.0)
    """
    kept = 1.0 - share
    return (
        one[0] * kept + other[0] * share,
        one[1] * kept + other[1] * share,
        one[2] * kept + other[2] * share,
    )


def brighter(colour: Colour, factor: float) -> Colour:
    """``colour`` times ``factor``; not clipped."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def varied(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    """``colour`` made brighter or darker by up to ``spread`` (a share), each channel by some more."""
    factor = 1.0 + spread * (2.0 * rng.random() - 1.0)
    third = spread * 85.0
    return (
        colour[0] * factor + third * (rng.random() - 0.5),
        colour[1] * factor + third * (rng.random() - 0.5),
        colour[2] * factor + third * (rng.random() - 0.5),
    )


def hue(turn: float, saturation: float, value: float) -> Colour:
    """A colour by its hue (in turns), saturation and value (0 to 1).

    Example:
        >>> hue(0.0, 1.0, 1.0)
        (255.0, 0.0, 0.0)
    """
    red, green, blue = colorsys.hsv_to_rgb(turn % 1.0, saturation, value)
    return red * 255.0, green * 255.0, blue * 255.0


def ramp(value: float, low: float, high: float) -> float:
    """0 at ``low``, 1 at ``high``, smooth between; ``low`` may be the greater one.

    Example:
        >>> ramp(5.0, 0.0, 10.0), ramp(5.0, 4.0, 2.0)
        (0.5, 0.0)
    """
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return share * share * (3.0 - 2.0 * share)
