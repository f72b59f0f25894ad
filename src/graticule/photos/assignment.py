"""Gives units of photos to splits so that each split gets about as many photos as asked for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.photos.shares import apportion

_TOLERANCE: Final = 0.1
"""A split may miss the number asked for by this share of it (or one photo) before blocks are cut."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def assign(sizes: Ints, wanted: Ints, chance: np.random.Generator) -> Ints:
    """A split for each unit, at random, none divided, the numbers asked for met as well as they can be.

    The largest unit goes first. Each is drawn for one of the splits that it still fits in, with a chance
    in proportion to what that split lacks; one that fits nowhere goes where most is lacking. Units of one
    photo, which come last, fill up what is left exactly.

    Convention:
        - ``sizes``: (P,) photos in each unit; ``wanted``: (S,) photos for each split, with the same sum
        - the result: (P,) index of the split

    Example:
        >>> part = assign(np.array([60, 5, 5, 1, 1]), np.array([60, 12]), np.random.default_rng(0))
        >>> part.tolist()
        [0, 1, 1, 1, 1]
    """
    part = np.empty(len(sizes), dtype=np.int64)
    order = np.lexsort([chance.random(len(sizes)), -sizes])
    several = order[: int((sizes > 1).sum())]
    lacks = [int(number) for number in wanted]
    for unit, size, draw in zip(
        several.tolist(), sizes[several].tolist(), chance.random(len(several)).tolist(), strict=True
    ):
        part[unit] = chosen = _drawn(lacks, size, draw)
        lacks[chosen] -= size
    singles = order[len(several) :]
    left = np.maximum(lacks, 0)
    numbers = apportion(left if left.any() else wanted, len(singles))
    part[singles] = np.repeat(np.arange(len(lacks)), numbers)  # their order is already random
    return part


def _drawn(lacks: list[int], size: int, draw: float) -> int:
    """The split for a unit of ``size`` photos; ``draw`` lies in [0, 1)."""
    fits = [lack if lack >= size else 0 for lack in lacks]
    if not any(fits):
        return lacks.index(max(lacks))
    mark = draw * sum(fits)
    for part, weight in enumerate(fits):
        mark -= weight
        if mark < 0:
            return part
    return fits.index(max(fits))  # rounding


def assign_blocks(
    sizes: Ints,
    centres: Floats,
    block: Ints,
    wanted: Ints,
    *,
    least_extent: float,
    chance: np.random.Generator,
) -> tuple[Ints, int]:
    """A split for each unit, neighbouring units together as long as the numbers asked for allow it.

    Blocks of neighbouring units are given away whole. Where that misses the numbers asked for, the largest
    blocks are halved along their longest side, and all is drawn again, until it fits or none can be cut.

    Convention:
        - ``sizes``: (U,) photos in each unit; ``centres``: (U, 3) mean unit vectors, NaN without a place
        - ``block``: (U,) which block each belongs to; ``wanted``: (S,) photos for each split
        - ``least_extent``: blocks not longer than this (a chord of the unit sphere) are not cut
        - the result: (U,) index of the split, and the number of blocks that were cut
    """
    pieces, cut = np.unique(block, return_inverse=True)[1].astype(np.int64), set[int]()
    while True:
        photos = np.bincount(pieces, weights=sizes).astype(np.int64)
        part = assign(photos, wanted, chance)
        got = np.bincount(part, weights=photos, minlength=len(wanted))
        if (np.abs(got - wanted) <= np.maximum(1, _TOLERANCE * wanted)).all():
            break
        members = [np.flatnonzero(pieces == piece) for piece in _long(pieces, centres, least_extent)]
        if not members:
            break
        largest = max(int(photos[pieces[rows[0]]]) for rows in members)
        for rows in members:
            if 2 * photos[pieces[rows[0]]] > largest:
                cut.add(int(block[rows[0]]))
                pieces[_half(rows, centres, sizes)] = pieces.max() + 1
    return part[pieces], len(cut)


def _long(pieces: Ints, centres: Floats, least_extent: float) -> list[int]:
    """The pieces whose units lie further apart than ``least_extent``."""
    order = np.argsort(pieces, kind="stable")
    starts = np.flatnonzero(np.diff(pieces[order], prepend=-1))
    low, high = (edge.reduceat(centres[order], starts) for edge in (np.minimum, np.maximum))
    long = np.linalg.norm(high - low, axis=1) > max(least_extent, 0)  # NaN: without a place
    found: list[int] = pieces[order][starts][long].tolist()
    return found


def _half(rows: Ints, centres: Floats, sizes: Ints) -> Ints:
    """Of the units ``rows`` those beyond the middle photo of the longest side; at least one, never all."""
    places = centres[rows]
    along = places[:, np.argmax(np.ptp(places, axis=0))]
    order = np.argsort(along, kind="stable")
    before = np.cumsum(sizes[rows][order]) - sizes[rows][order] / 2
    middle = int(np.searchsorted(before, sizes[rows].sum() / 2))
    half: Ints = rows[order[min(max(middle, 1), len(rows) - 1) :]]
    return half
