"""Finds photos that are there twice: the same file, or the same picture stored in another way.

A picture is known again by its perceptual hash: 64 bits that say which of its coarse waves are strong.
Storing it anew, smaller, brighter or slightly cropped changes few of them; another picture differs in
about half. Measured by ``bench/duplicates.py`` on 4,975 outdoor photos at ``NEAR_BITS``: copies at half size,
JPEG quality 30 or 15 % brighter are all found but for flat pictures; of those cropped on each side by 2 %,
97 %, by 3 %, 76 %. Of the 12.4 million pairs of those photos 5 are near duplicates: 3 show one picture to the
eye, 2 are night pictures that are all but black.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graticule.errors import UsageError

NEAR_BITS: Final = 8
"""Hashes that differ in at most so many bits are taken for one picture."""

MOST_BITS: Final = 16
"""At more, a quarter of all bits, chance finds pairs everywhere."""

EXACT: Final = "exact-duplicate"
NEAR: Final = "near-duplicate"

_SIDE_PX: Final = 32
_WAVES: Final = 8
_FLAT_GREY: Final = 1.0
"""A picture whose coarse grey levels (0 to 255) deviate less has nothing to be known again by."""

_BANDS: Final = 4
_BAND_BITS: Final = 16
_CANDIDATES: Final = 1 << 21
"""So many pairs are compared at a time: about 100 MiB."""

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Duplicate:
    """A row of a table whose picture another row has as well.

    Convention:
        - ``row``, ``original``: numbers of rows from 0; ``original`` is never itself a duplicate
        - ``reason``: ``exact-duplicate`` (the same file) or ``near-duplicate``
        - ``bits``: in how many of the 64 bits the hashes differ
    """

    row: int
    original: int
    reason: str
    bits: int


def perceptual_hash(image: Image.Image) -> int | None:
    """64 bits that stay nearly the same when a photo is re-encoded, resized or slightly cropped.

    Convention:
        - ``image``: upright, any mode and size; ``graticule.photos.decode.decode`` makes it so, and
          64 pixels of its shorter side are enough
        - bit 63 - (8 v + u) is set where the wave of u half periods across and v down is stronger than the
          median of the 63 waves without the mean
        - None for a flat picture (a black frame, a clear sky), which any other flat one would equal

    Source:
        C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), section 3.2:
        the discrete cosine transform (DCT-II) of 32 x 32 grey levels, its 8 x 8 lowest frequencies.

    Example:
        >>> picture = Image.effect_mandelbrot((400, 300), (-2.0, -1.0, 0.5, 1.5), 50)
        >>> (perceptual_hash(picture) ^ perceptual_hash(picture.resize((90, 70)))).bit_count() <= NEAR_BITS
        True
        >>> perceptual_hash(Image.new("RGB", (64, 48), "steelblue")) is None
        True
    """
    small = image.convert("L").resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.float64)
    if grey.std() < _FLAT_GREY:
        return None
    waves = (_COSINES @ grey @ _COSINES.T).ravel()
    strong = waves > np.median(waves[1:])
    return int.from_bytes(np.packbits(strong).tobytes(), "big")


_COSINES: Final = np.cos(
    np.pi * np.arange(_WAVES)[:, None] * (2 * np.arange(_SIDE_PX) + 1) / (2 * _SIDE_PX)
)  # (waves, pixels)


def near_duplicates(hashes: pl.Series | Sequence[int | None], *, max_bits: int = NEAR_BITS) -> Ints:
    """Groups of hashes that differ in few bits, directly or through others.

    Convention:
        - ``hashes``: (N,) as ``perceptual_hash`` gives them; None belongs to nothing
        - the result: (N,) the number of each one's group, counted from 0 in the order of appearance

    Raises:
        UsageError: ``max_bits`` lies outside 0 to ``MOST_BITS``.

    Example:
        >>> near_duplicates([0b1111, None, 0b1110, 0xFFFF0000, None], max_bits=1).tolist()
        [0, 1, 0, 2, 3]
    """
    column = pl.Series(hashes, dtype=pl.UInt64)
    known = column.is_not_null().to_numpy()
    values, place = np.unique(column.drop_nulls().to_numpy(), return_inverse=True)
    together = _components(len(values), near_pairs(values, max_bits=max_bits))
    groups = len(values) + np.arange(len(column), dtype=np.int64)  # alone, until known to be together
    groups[known] = together[place]
    return in_order(groups)


def near_pairs(hashes: Hashes, *, max_bits: int = NEAR_BITS) -> Iterator[tuple[Ints, Ints]]:
    """All pairs of hashes that differ in at most ``max_bits`` bits, some at a time, some more than once.

    Exact: of the bits, cut into four bands of 16, a near pair must agree in one band but for few bits, for
    otherwise the differences would add up to more than ``max_bits``. So only pairs that do are compared.

    Convention:
        - ``hashes``: (N,) uint64, best without repetitions
        - each item: two arrays (P,) of indices

    Raises:
        UsageError: ``max_bits`` lies outside 0 to ``MOST_BITS``.

    Source:
        M. Norouzi, A. Punjani, D. Fleet, "Fast Search in Hamming Space with Multi-Index Hashing" (CVPR 2012).

    Example:
        >>> pairs = near_pairs(np.array([7, 1 << 40, 5], dtype=np.uint64), max_bits=1)
        >>> [sorted([int(a), int(b)]) for one, other in pairs for a, b in zip(one, other)]
        [[0, 2]]
    """
    if not 0 <= max_bits <= MOST_BITS:
        raise UsageError(
            f"Near duplicates cannot differ in {max_bits} bits: expected 0 to {MOST_BITS} of 64.\n"
            f"Leave it at {NEAR_BITS}, or give less to find closer copies only."
        )
    return _near_pairs(hashes, max_bits)


def find_duplicates(
    sha256: pl.Series, phash: pl.Series, pixels: pl.Series | None = None, *, max_bits: int = NEAR_BITS
) -> list[Duplicate]:
    """The photos that could go without a picture being lost, and for each the one that stays.

    Of the same file the first row stays. Of near duplicates the one with the most pixels stays, then the
    first; each that goes is near to the one that stays itself, not through others.

    Convention:
        - ``sha256``, ``phash``: columns (N,) of a photo table; null is not compared
        - ``pixels``: (N,) width times height, null for unknown
        - the result is in the order of the rows

    Raises:
        UsageError: ``max_bits`` lies outside 0 to ``MOST_BITS``.
    """
    count = phash.len()
    first = _first_alike(sha256)
    leads = first == np.arange(count)
    groups = near_duplicates(phash.set(~pl.Series(leads), None), max_bits=max_bits)
    hashes = phash.fill_null(0).to_numpy()
    size = np.zeros(count) if pixels is None else pixels.cast(pl.Float64).fill_null(0).to_numpy()
    stays = np.arange(count)
    for rows in _members(groups):
        waiting = rows[np.lexsort([rows, -size[rows]])]
        while len(waiting):
            near = np.bitwise_count(hashes[waiting] ^ hashes[waiting[0]]) <= max_bits
            stays[waiting[near]] = waiting[0]
            waiting = waiting[~near]
    return [
        Duplicate(
            row,
            original,
            EXACT if original == first[row] else NEAR,
            int(hashes[row] ^ hashes[original]).bit_count(),
        )
        for row, original in enumerate(stays[first].tolist())
        if original != row
    ]


def in_order(groups: Ints) -> Ints:
    """The same groups, numbered from 0 in the order of appearance.

    Example:
        >>> in_order(np.array([7, 3, 7, 5])).tolist()
        [0, 1, 0, 2]
    """
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _first_alike(column: pl.Series) -> Ints:
    """For each row the first row with the same value; itself where the value is null."""
    frame = pl.DataFrame({"value": column, "row": pl.int_range(column.len(), eager=True)})
    first = pl.when(pl.col("value").is_null()).then("row").otherwise(pl.col("row").min().over("value"))
    rows: Ints = frame.select(first).to_series().to_numpy()
    return rows


def _members(groups: Ints) -> Iterator[Ints]:
    """Rows of each group of two or more."""
    order = np.argsort(groups, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(rows) > 1:
            yield rows


def _components(count: int, pairs: Iterator[tuple[Ints, Ints]]) -> Ints:
    """(count,) the component of each of ``count`` things that ``pairs`` link."""
    groups = np.arange(count, dtype=np.int64)
    for one, other in pairs:
        links = coo_array((np.ones(len(one), dtype=np.int8), (groups[one], groups[other])), (count, count))
        groups = connected_components(links, directed=False)[1].astype(np.int64)[groups]
    return groups


def _near_pairs(hashes: Hashes, max_bits: int) -> Iterator[tuple[Ints, Ints]]:
    found: list[tuple[Ints, Ints]] = []
    waiting = 0
    for band, radius in enumerate(_radii(max_bits)):
        keys = (hashes >> np.uint64(_BAND_BITS * band)).astype(np.uint16).astype(np.int64)
        order = np.argsort(keys, kind="stable")
        keys, sorted_hashes = keys[order], hashes[order]
        for one, other in _candidates(keys, radius):
            near = np.bitwise_count(sorted_hashes[one] ^ sorted_hashes[other]) <= max_bits
            if near.any():
                found.append((order[one[near]], order[other[near]]))
                waiting += len(found[-1][0])
            if waiting > _CANDIDATES:
                yield _joined(found)
                found, waiting = [], 0
    if found:
        yield _joined(found)


def _radii(max_bits: int) -> list[int]:
    """How many bits each band may differ in; a band that need not be looked at is left out.

    Would every band differ in one bit more than its radius, all together would in ``max_bits`` + 1.
    """
    each, more = divmod(max_bits + 1, _BANDS)
    return [each - 1 + (band < more) for band in range(_BANDS) if each or band < more]


def _candidates(keys: Ints, radius: int) -> Iterator[tuple[Ints, Ints]]:
    """Each pair of positions in sorted ``keys`` whose keys differ in at most ``radius`` bits, once."""
    sizes = np.bincount(keys, minlength=1 << _BAND_BITS)
    ends = np.cumsum(sizes)
    positions = np.arange(len(keys), dtype=np.int64)
    yield from _expanded(positions, positions + 1, ends[keys] - positions - 1)
    for flipped in range(1, radius + 1):
        for bits in combinations(range(_BAND_BITS), flipped):
            mask = sum(1 << bit for bit in bits)
            lower = np.flatnonzero(keys & (1 << bits[-1]) == 0)  # the other half finds the same pairs
            target = keys[lower] ^ mask
            yield from _expanded(lower, ends[target] - sizes[target], sizes[target])


def _expanded(one: Ints, start: Ints, count: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of each ``one`` with its ``count`` positions from ``start`` on, not too many at a time."""
    total = np.cumsum(count)
    done = 0
    while done < len(one):
        before = int(total[done - 1]) if done else 0
        stop = max(done + 1, int(np.searchsorted(total, before + _CANDIDATES, side="right")))
        part = slice(done, stop)
        repeats = count[part]
        offset = start[part] - (total[part] - repeats - before)
        number = int(total[stop - 1]) - before
        if number:
            yield np.repeat(one[part], repeats), np.arange(number) + np.repeat(offset, repeats)
        done = stop


def _joined(found: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    return np.concatenate([one for one, _ in found]), np.concatenate([other for _, other in found])
