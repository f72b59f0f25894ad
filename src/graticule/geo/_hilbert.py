"""Between (i, j) on a face of the S2 cube and the position along its Hilbert curve.

Both ways go through a table that handles four levels at a time: eight look-ups for all thirty levels.
Position and (i, j) are held as eight bytes, each byte the four bits of i and j that one look-up needs.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint64]
Ints = NDArray[np.int64]

# S2's definition of the curve. An orientation is a number 0..3: bit 0 swaps i and j, bit 1 mirrors both.
# The four quadrants (2 * i + j) are visited in the order of a row; a visit changes the orientation by XOR.
_IJ_OF_POSITION: Final = np.array([[0, 1, 3, 2], [0, 2, 3, 1], [3, 2, 0, 1], [3, 1, 0, 2]])
_TURN_OF_POSITION: Final = np.array([1, 0, 0, 3])

_LITTLE: Final = np.dtype("<u8")  # so that byte k of the word is byte k in memory, on every machine


def _tables() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Both tables of four levels: index and value are ``orientation << 8 | byte``.

    The byte is ``i << 4 | j`` (four bits each) on one side, and the position (two bits a level) on the other.
    """
    start, path = np.divmod(np.arange(1024), 256)
    orientation, i, j = start, np.zeros_like(path), np.zeros_like(path)
    for shift in (6, 4, 2, 0):
        position = path >> shift & 3
        quadrant = _IJ_OF_POSITION[orientation, position]
        i, j = i << 1 | quadrant >> 1, j << 1 | quadrant & 1
        orientation = orientation ^ _TURN_OF_POSITION[position]
    from_ij, to_ij = np.empty(1024, np.intp), np.empty(1024, np.intp)
    from_ij[start << 8 | i << 4 | j] = orientation << 8 | path
    to_ij[:] = orientation << 8 | i << 4 | j
    return from_ij, to_ij


_FROM_IJ, _TO_IJ = _tables()


def _walk(word: Ids, face: NDArray[np.intp], table: NDArray[np.intp]) -> Ids:
    """Look up the bytes of each word from the highest to the lowest, carrying the orientation along."""
    source = word.astype(_LITTLE, copy=False).view(np.uint8).reshape(-1, 8)
    result = np.empty_like(source)
    state = (face & 1) << 8  # odd faces start swapped
    for byte in range(7, -1, -1):
        state |= source[:, byte]
        state = table.take(state)
        result[:, byte] = state  # keeps the low eight bits
        state &= 0x300
    return result.view(_LITTLE).reshape(-1).astype(np.uint64, copy=False)


def _spread(values: Ints) -> Ids:
    """Eight groups of four bits, moved to the low halves of eight bytes."""
    word = values.astype(np.uint64)
    for shift, mask in ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F)):
        word |= word << np.uint64(shift)
        word &= np.uint64(mask)
    return word


def _gather(word: Ids) -> Ints:
    """The inverse of ``_spread``; the high halves of the bytes are ignored."""
    word = word & np.uint64(0x0F0F0F0F0F0F0F0F)
    for shift, mask in ((4, 0x00FF00FF00FF00FF), (8, 0x0000FFFF0000FFFF), (16, 0x00000000FFFFFFFF)):
        word |= word >> np.uint64(shift)
        word &= np.uint64(mask)
    return word.astype(np.int64)


def position_of(face: NDArray[np.intp], i: Ints, j: Ints) -> Ids:
    """Position along the curve of ``face``, 0 .. 4**30 - 1, of the leaf cell (i, j); all of shape ``(N,)``.

    Source:
        S2CellId::FromFaceIJ of Google's S2 geometry library (bit-equal to it).

    Example:
        >>> position_of(np.array([0]), np.array([2**29]), np.array([2**29])) == 2 * 4**29
        array([ True])
    """
    return _walk(_spread(i) << np.uint64(4) | _spread(j), face, _FROM_IJ)


def ij_of(face: NDArray[np.intp], position: Ids) -> tuple[Ints, Ints]:
    """The leaf cell (i, j), each 0 .. 2**30 - 1, at a position along the curve of ``face``; shape ``(N,)``.

    Example:
        >>> ij_of(np.array([0]), np.array([2 * 4**29], dtype=np.uint64))
        (array([536870912]), array([536870912]))
    """
    word = _walk(position, face, _TO_IJ)
    return _gather(word >> np.uint64(4)), _gather(word)
