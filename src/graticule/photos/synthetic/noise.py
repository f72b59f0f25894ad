"""Textures that scenes are cut from: clouds, grass, ridges, film grain. Made once, always the same."""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Texture = NDArray[np.floating[Any]]

TILE: Final = 512
"""Side of a square texture in texels; coordinates wrap around."""

LINE: Final = 4096
"""Length of a line texture in texels."""


@functools.cache
def soft_tile() -> Texture:
    """Cloud-like noise, shape (TILE, TILE), evenly spread over [0, 1): half of it lies under 0.5."""
    return _fractal((TILE, TILE), falloff=1.65, seed=11)


@functools.cache
def fine_tile() -> Texture:
    """Grass-like noise with little large structure, shape (TILE, TILE), evenly spread over [0, 1)."""
    return _fractal((TILE, TILE), falloff=0.7, seed=12)


@functools.cache
def ridge_line() -> Texture:
    """Outline of hills, shape (LINE,), evenly spread over [0, 1)."""
    return _fractal((LINE,), falloff=1.25, seed=13)


@functools.cache
def tree_line() -> Texture:
    """Outline of far woods, shape (LINE,), evenly spread over [0, 1)."""
    return _fractal((LINE,), falloff=0.45, seed=14)


@functools.cache
def grain_tile() -> Texture:
    """Film grain: independent normal numbers, shape (1024, 1024)."""
    return np.random.default_rng(15).standard_normal((1024, 1024), dtype=np.float32)


def looked_up(tile: Texture, rows: Texture, columns: Texture, *, smooth: bool = False) -> Texture:
    """Values of a square texture at any coordinates (in texels, broadcast against each other), wrapping.

    Convention:
        - ``smooth`` interpolates between texels: for pictures so large that one would see them
    """
    row, column = np.floor(rows).astype(np.int32), np.floor(columns).astype(np.int32)
    if not smooth:
        return _texels(tile, row, column)
    down, right = rows - row, columns - column
    upper = _texels(tile, row, column) * (1 - right) + _texels(tile, row, column + 1) * right
    lower = _texels(tile, row + 1, column) * (1 - right) + _texels(tile, row + 1, column + 1) * right
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)


def _texels(tile: Texture, row: NDArray[np.int32], column: NDArray[np.int32]) -> Texture:
    return tile.ravel().take((row & (TILE - 1)) * TILE + (column & (TILE - 1)))


def _fractal(shape: tuple[int, ...], *, falloff: float, seed: int) -> Texture:
    """White noise whose spectrum falls as frequency ** -falloff, made even over [0, 1) by rank.

    Ranks do not see the last bits in which Fourier transforms of different machines differ.
    """
    white = np.random.default_rng(seed).standard_normal(shape)
    frequency = np.sqrt(sum(axis**2 for axis in np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij")))
    frequency.flat[0] = np.inf
    coloured = np.fft.ifftn(np.fft.fftn(white) * frequency**-falloff).real
    ranks = np.empty(coloured.size, dtype=np.float32)
    ranks[np.argsort(coloured, axis=None, kind="stable")] = np.arange(coloured.size) / coloured.size
    return ranks.reshape(shape)
