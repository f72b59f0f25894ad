"""Covers parts of photos with what their surroundings lead one to expect there.

Neither grey nor the mean of all photos would be neutral: grey is an edge that a network never saw, and the
mean of photos of which many show a hood shows a hood.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

COARSE: Final = 28
"""Side of the grid on which colours are spread."""

REACH: Final = 1 / 8
"""How far they are spread (standard deviation), a share of the side."""

_Matrix = NDArray[np.float32]
_LEAST: Final = 1e-12


def covered(squares: NDArray[np.uint8], masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The photos with the masked pixels smoothly filled from the others.

    Convention:
        - ``squares``: (B, S, S, 3); ``masks``: (B, S, S) or (1, S, S)
        - each filled pixel is a mean of the visible ones, weighted by a Gaussian of their distance; grey
          where nothing is visible

    Source:
        Normalised convolution: H. Knutsson, C.-F. Westin (1993).

    Example:
        >>> photo = np.full((1, 8, 8, 3), 9, dtype=np.uint8)
        >>> photo[0, 6:] = 200
        >>> bottom = np.zeros((1, 8, 8), dtype=np.bool_)
        >>> bottom[0, 6:] = True
        >>> covered(photo, bottom).max()
        np.uint8(9)
    """
    visible = ~masks[..., None]
    total = _spread(np.where(visible, squares, np.uint8(0)))
    weight = _spread(visible)
    smooth = np.where(weight > _LEAST, total / np.maximum(weight, _LEAST), 128.0)
    up = _matrices(squares.shape[1])[1]
    filling = _both_ways(smooth.astype(np.float32), up).round().clip(0, 255).astype(np.uint8)
    return np.where(visible, squares, filling)


def _spread(values: NDArray[np.generic]) -> _Matrix:
    """Sums of (B, S, S, C) weighted by a Gaussian, on the coarse grid: (B, n, n, C)."""
    return _both_ways(values.astype(np.float32), _matrices(values.shape[1])[0])


def _both_ways(values: _Matrix, matrix: _Matrix) -> _Matrix:
    """A matrix applied to rows and to columns, each in one product: (B, S, S, C) to (B, n, n, C)."""
    rows = np.tensordot(matrix, values, axes=(1, 1))  # (n, B, S, C)
    both = np.tensordot(matrix, rows, axes=(1, 2))  # (n of columns, n of rows, B, C)
    return np.ascontiguousarray(both.transpose(2, 1, 0, 3))


@cache
def _matrices(size_px: int) -> tuple[_Matrix, _Matrix]:
    """Gaussian weights of the means of blocks (n, S), and linear interpolation back (S, n)."""
    count = min(COARSE, size_px)
    edges = np.linspace(0, size_px, count + 1)
    pixels = np.arange(size_px)
    inside = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    means = np.maximum(inside, 0) * count / size_px
    middles = np.arange(count)
    weights = np.exp(-(((middles[:, None] - middles) / (REACH * count)) ** 2) / 2)
    places = np.clip((pixels + 0.5) * count / size_px - 0.5, 0, count - 1)
    back = np.maximum(1 - np.abs(places[:, None] - middles), 0)
    return (weights @ means).astype(np.float32), back.astype(np.float32)
