"""Google's S2 cells for whole arrays at once: ids, tokens, corners, neighbours and areas, in NumPy alone.

S2 wraps a cube around the Earth and cuts each of its six faces into four, thirty times over. A cell id is a
``uint64``: three bits of face, two bits a level of the way along a Hilbert curve, a one, then zeros. Ids are
bit-equal to those of Google's library: every floating-point step is taken in the order of its C++ code.

Ids are ``uint64`` arrays of any shape; tokens are their hexadecimal names without trailing zeros.

Source:
    S2Geometry, https://s2geometry.io (s2cell_id.cc, s2coords.h, s2cell.cc), quadratic projection.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import CellIdError, UsageError
from graticule.geo._cube import SIDE, face_and_grid, solid_angle, uv_of, wrapped, xyz_of
from graticule.geo._hilbert import Ids, Ints, ij_of, position_of
from graticule.geo.sphere import Array, check_latlon, latlon_of

Scalar = TypeVar("Scalar", bound=np.generic)

MAX_LEVEL: Final = 30
"""Level of the leaf cells, about 1 cm wide; the six faces are level 0."""

_CHUNK: Final = 1 << 14  # places at a time: the temporaries then stay in the processor's cache
_FACE_SHIFT: Final = np.uint64(61)
_ONE: Final = np.uint64(1)
_LEVEL_BITS: Final = np.uint64(0x1555555555555555)  # where the lowest one of a valid id can stand
_RADIANS_PER_DEGREE: Final = math.pi / 180.0

# How near to the border of a leaf cell, in leaf cells, a place is looked at again. NumPy's sine and cosine
# may differ from the C library's by some units in the last place, which moves a place by 1e-6 of a leaf cell.
_BORDER: Final = 1e-4


def cell_ids(latlon: ArrayLike, level: int = MAX_LEVEL) -> Ids:
    """The cells of one level that hold the places.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(..., 2)``; longitudes wrap
        - ``level`` is 0 (a face of the cube) .. 30 (about 1 cm)
        - the result is ``uint64`` of shape ``(...)``, bit-equal to Google's ``S2CellId(S2LatLng)``

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        UsageError: the level is not one whole number in 0..30.

    Example:
        >>> [hex(cell_id) for cell_id in cell_ids([[39.9, 116.3], [-33.9, 151.2]], level=5).tolist()]
        ['0x35f4000000000000', '0x6b14000000000000']
    """
    bit = _level_bit(level)
    if bit.ndim:
        raise UsageError(
            f"Ids are made at one level, but {bit.size} were given.\n"
            "Make leaf ids and ask for their parents:  s2.parent(ids, levels)"
        )
    places = check_latlon(latlon)
    flat = places.reshape(-1, 2)
    ids = np.empty(len(flat), dtype=np.uint64)
    for start in range(0, len(flat), _CHUNK):
        ids[start : start + _CHUNK] = _ancestors(_leaf_ids(flat[start : start + _CHUNK]), bit)
    return ids.reshape(places.shape[:-1])


def _leaf_ids(latlon: Array) -> Ids:
    """The leaf cells of places (N, 2)."""
    radians = np.empty((2, len(latlon)))
    np.multiply(latlon.T, _RADIANS_PER_DEGREE, out=radians)
    face, grid = face_and_grid(np.sin(radians), np.cos(radians))
    border = np.abs(grid - np.rint(grid)) < _BORDER
    doubtful = np.nonzero(border[0] | border[1])[0]
    if len(doubtful):
        # Only here can the last bit of a sine matter; `math` calls the same C library as Google's code.
        again = radians[:, doubtful]
        sine = np.array([list(map(math.sin, row)) for row in again.tolist()])
        cosine = np.array([list(map(math.cos, row)) for row in again.tolist()])
        face[doubtful], grid[:, doubtful] = face_and_grid(sine, cosine)
    i, j = np.minimum(grid.astype(np.int64), SIDE - 1)
    return face.astype(np.uint64) << _FACE_SHIFT | position_of(face, i, j) << _ONE | _ONE


def parent(ids: ArrayLike, level: ArrayLike) -> Ids:
    """The cells of a coarser (or the same) level that hold the given cells.

    Convention:
        - ``ids`` are S2 cell ids, ``uint64`` of any shape; so is the result
        - ``level``, 0..30, is one whole number or an array that broadcasts against them

    Raises:
        CellIdError: an id is not a valid S2 cell, or is coarser than the level asked for.
        UsageError: a level is not a whole number in 0..30.

    Example:
        >>> token(parent(from_token("35f05a3"), 5)).item()
        '35f4'
    """
    cells, bit = _check_ids(ids), _level_bit(level)
    coarser = np.broadcast_to(_lowest_one(cells) > bit, np.broadcast_shapes(cells.shape, bit.shape))
    if coarser.any():
        wrong = np.broadcast_to(cells, coarser.shape)[coarser][0]
        raise CellIdError(
            f"Cell {_name(wrong)} is coarser than the level its parent was asked at.\n"
            f"Ask for its own level, {_levels(wrong)}, or a lower one."
        )
    return _ancestors(cells, bit)


def children(ids: ArrayLike) -> Ids:
    """The four cells that each cell is cut into, in the order of the Hilbert curve.

    Convention:
        - ``ids`` are S2 cell ids, ``uint64`` of shape ``(...)``; the result has shape ``(..., 4)``

    Raises:
        CellIdError: an id is not a valid S2 cell, or is a leaf cell, which has no children.

    Example:
        >>> token(children(from_token("35f4"))).tolist()
        ['35f1', '35f3', '35f5', '35f7']
    """
    cells = _check_ids(ids)
    bit = _lowest_one(cells)
    if (bit == 1).any():
        raise CellIdError(
            f"Cell {_name(cells[bit == 1][0])} is a leaf cell (level 30), which has no children.\n"
            "Leave out leaf cells:  ids[s2.level(ids) < 30]"
        )
    quarter = (bit >> np.uint64(2))[..., None]
    return (cells - bit)[..., None] + quarter * np.array([1, 3, 5, 7], dtype=np.uint64)


def level(ids: ArrayLike) -> Ints:
    """How often a face was cut to get each cell: 0 for a face .. 30 for a leaf cell, in the shape of ``ids``.

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Example:
        >>> level(from_token(["3", "35f4", "35f05a3d4c5b6a71"])).tolist()
        [0, 5, 30]
    """
    return _levels(_check_ids(ids))


def face(ids: ArrayLike) -> Ints:
    """The face of the cube that each cell lies on, 0..5, in the shape of ``ids``.

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Example:
        >>> face(cell_ids([[0, 0], [0, 90], [90, 0], [0, 180], [0, -90], [-90, 0]])).tolist()
        [0, 1, 2, 3, 4, 5]
    """
    return (_check_ids(ids) >> _FACE_SHIFT).astype(np.int64)


def range_min(ids: ArrayLike) -> Ids:
    """The first leaf cell inside each cell: leaf ids inside are those from ``range_min`` to ``range_max``.

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Example:
        >>> hex(range_min(from_token("35f4")))
        '0x35f0000000000001'
    """
    cells = _check_ids(ids)
    return cells - (_lowest_one(cells) - _ONE)


def range_max(ids: ArrayLike) -> Ids:
    """The last leaf cell inside each cell: leaf ids inside are those from ``range_min`` to ``range_max``.

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Example:
        >>> hex(range_max(from_token("35f4")))
        '0x35f7ffffffffffff'
    """
    cells = _check_ids(ids)
    return cells + (_lowest_one(cells) - _ONE)


def is_valid(ids: ArrayLike) -> NDArray[np.bool_]:
    """Whether each number is the id of an S2 cell, in the shape of ``ids``.

    Raises:
        CellIdError: what is given are not whole numbers that fit into 64 bits.

    Example:
        >>> is_valid([0, 1, 2, 0x35F4000000000000]).tolist()
        [False, True, False, True]
    """
    return _valid(_as_ids(ids))


def token(ids: ArrayLike) -> NDArray[np.str_]:
    """The hexadecimal names of the cells, without trailing zeros, in the shape of ``ids``.

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Example:
        >>> token(cell_ids([[39.9, 116.3], [-33.9, 151.2]], level=5)).tolist()
        ['35f4', '6b14']
    """
    return _chunked(_tokens, _check_ids(ids), (), np.dtype("U16"))


_HEXADECIMAL: Final = np.array([ord(letter) for letter in "0123456789abcdef"], dtype=np.uint32)
_DIGITS: Final = frozenset("0123456789abcdefABCDEF")


def _tokens(cells: Ids) -> NDArray[np.str_]:
    four_bits = cells[:, None] >> np.arange(60, -1, -4, dtype=np.uint64) & np.uint64(15)
    letters = _HEXADECIMAL[four_bits.astype(np.intp)]
    last = 15 - _zeros_below(cells) // 4
    letters[np.arange(16) > last[:, None]] = 0  # NumPy drops trailing NULs
    return letters.view("U16").reshape(-1)


def from_token(tokens: ArrayLike) -> Ids:
    """The ids of cells given by their hexadecimal names, in the shape of ``tokens``.

    Raises:
        CellIdError: a token is not hexadecimal, is longer than 16 digits, or names no valid S2 cell.

    Example:
        >>> hex(from_token("35f4"))
        '0x35f4000000000000'
    """
    names = np.asarray(tokens)
    if names.dtype.kind != "U" and names.size:
        raise CellIdError(
            f"Tokens have to be strings, but these are {names.dtype}.\n"
            "Give hexadecimal names such as '35f4'; numbers are ids already and need no from_token."
        )
    words = names.reshape(-1).tolist()
    ids = np.array([_number_of(word) for word in words], dtype=np.uint64)
    valid = _valid(ids)
    if not valid.all():
        raise CellIdError(
            f"'{words[int(valid.argmin())]}' is not the token of an S2 cell.\n"
            "Give 1 to 16 hexadecimal digits as s2.token writes them, for example '35f4'."
        )
    return ids.reshape(names.shape)


def _number_of(word: str) -> int:
    """The number that a token stands for; 0, which is no cell, for what is no token."""
    # int() alone would also take signs, underscores, blanks and foreign digits.
    if 0 < len(word) <= 16 and _DIGITS.issuperset(word):
        return int(word, 16) << 4 * (16 - len(word))
    return 0


def centre(ids: ArrayLike) -> Array:
    """The centres of the cells: (latitude, longitude) in **degrees**, shape ``(..., 2)`` for ids ``(...)``.

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Example:
        >>> centre(from_token("35f4")).round(4).tolist()
        [40.4592, 117.1735]
    """
    return _chunked(_centres, _check_ids(ids), (2,), np.dtype(np.float64))


def _centres(cells: Ids) -> Array:
    number, i, j, size = _square(cells)
    middle = (np.stack([i, j]) + 0.5 * size) / SIDE
    return latlon_of(xyz_of(number, *uv_of(middle)))


def vertices(ids: ArrayLike) -> Array:
    """The four corners of the cells, counter-clockwise seen from outside; their edges are geodesics.

    Convention:
        - ``ids`` are S2 cell ids, ``uint64`` of shape ``(...)``
        - the result is (latitude, longitude) in **degrees**, shape ``(..., 4, 2)``; the first corner is not
          repeated; longitude is in [-180, 180], and 0 for a corner that is a pole

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Example:
        >>> vertices(from_token("3")).round(3).tolist()
        [[-35.264, 45.0], [-35.264, 135.0], [35.264, 135.0], [35.264, 45.0]]
    """
    return _chunked(_corners, _check_ids(ids), (4, 2), np.dtype(np.float64))


def _corners(cells: Ids) -> Array:
    number, i, j, size = _square(cells)
    right, up = np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1])
    ij = np.stack([i[:, None] + right * size[:, None], j[:, None] + up * size[:, None]])
    return latlon_of(xyz_of(number[:, None], *uv_of(ij / SIDE)))


def edge_neighbours(ids: ArrayLike) -> Ids:
    """The four cells of the same level that share an edge with each cell.

    Convention:
        - ``ids`` are S2 cell ids, ``uint64`` of shape ``(...)``; the result has shape ``(..., 4)``:
          the neighbours below, right, above and left in the (i, j) of the cell's face

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Example:
        >>> token(edge_neighbours(from_token("35f4"))).tolist()
        ['35ec', '358c', '5e1c', '35fc']
    """
    return _chunked(_neighbours, _check_ids(ids), (4,), np.dtype(np.uint64))


def _neighbours(cells: Ids) -> Ids:
    number, i, j, size = _square(cells)
    i = (i[:, None] + np.array([0, 1, 0, -1], dtype=np.int64) * size[:, None]).reshape(-1)
    j = (j[:, None] + np.array([-1, 0, 1, 0], dtype=np.int64) * size[:, None]).reshape(-1)
    number = np.repeat(number, 4)
    outside = np.nonzero((i < 0) | (i >= SIDE) | (j < 0) | (j >= SIDE))[0]
    if len(outside):
        number[outside], i[outside], j[outside] = wrapped(number[outside], i[outside], j[outside])
    leaves = number.astype(np.uint64) << _FACE_SHIFT | position_of(number, i, j) << _ONE | _ONE
    return _ancestors(leaves.reshape(-1, 4), _lowest_one(cells)[:, None])


def area_km2(ids: ArrayLike) -> Array:
    """The exact areas of the cells on the sphere of radius ``EARTH_RADIUS_KM``, in **km2**, shape ``(...)``.

    Convention:
        - accurate to about 1e-15 of itself at every level, also for leaf cells of half a square centimetre

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Source:
        A. van Oosterom, J. Strackee, "The Solid Angle of a Plane Triangle", IEEE Trans. Biomed. Eng. 30
        (1983), on the two halves of the cell; their determinant is the product of the sides in (u, v),
        which is taken without subtracting near numbers.

    Example:
        >>> area_km2(from_token(["3", "35f4"])).round(1).tolist()
        [85010980.2, 68550.9]
    """
    return _chunked(_areas, _check_ids(ids), (), np.dtype(np.float64))


def _areas(cells: Ids) -> Array:
    _, i, j, size = _square(cells)
    low = np.stack([i, j]) / SIDE
    width = size / SIDE
    (u0, v0), (u1, v1) = uv_of(low), uv_of(low + width)
    # u1 - u0 from S2's quadratic STtoUV: (4 s1^2 - 4 s0^2) / 3 = 4/3 (s1 - s0) (s1 + s0), mirrored below 1/2.
    middle = 2.0 * low + width
    du, dv = np.where(width == 1.0, 2.0, 4.0 / 3.0 * width * np.where(low >= 0.5, middle, 2.0 - middle))
    corner, opposite = np.stack([u0, v0, np.ones_like(u0)]), np.stack([u1, v1, np.ones_like(u0)])
    area = np.zeros(len(cells))
    for side in (np.stack([u1, v0, np.ones_like(u0)]), np.stack([u0, v1, np.ones_like(u0)])):
        area += solid_angle(corner, side, opposite, du * dv)
    return area * EARTH_RADIUS_KM**2


def squares(ids: ArrayLike) -> tuple[Ints, Ints, Ints, Ints]:
    """Where each cell lies on its face of the cube: face 0..5, lowest i, lowest j, and width.

    Convention:
        - ``ids`` are S2 cell ids, ``uint64`` of shape ``(N,)``; so is each of the four results
        - i, j and width count leaf cells, of which a face has 2**30 along each side

    Raises:
        CellIdError: an id is not a valid S2 cell.

    Example:
        >>> [int(value[0]) for value in squares(from_token(["1"]))]
        [0, 0, 0, 1073741824]
    """
    number, i, j, size = _square(_check_ids(ids))
    return number.astype(np.int64), i, j, size


def _square(cells: Ids) -> tuple[NDArray[np.intp], Ints, Ints, Ints]:
    """Face, lowest (i, j) and width in leaf cells of valid cells (N,)."""
    number = (cells >> _FACE_SHIFT).astype(np.intp)
    bit = _lowest_one(cells)
    # The curve enters a cell at one of its corners, not always the lowest: hence the rounding down.
    i, j = ij_of(number, (cells - bit & np.uint64(2**61 - 1)) >> _ONE)
    size = np.left_shift(np.int64(1), _zeros_below(cells) // 2)
    return number, i & -size, j & -size, size


def _chunked(
    function: Callable[[Ids], NDArray[Scalar]], cells: Ids, tail: tuple[int, ...], dtype: np.dtype[Scalar]
) -> NDArray[Scalar]:
    """``function`` of flat pieces of the cells, put together: bounded memory for any number of cells."""
    flat = cells.reshape(-1)
    result = np.empty((len(flat), *tail), dtype=dtype)
    for start in range(0, len(flat), _CHUNK):
        result[start : start + _CHUNK] = function(flat[start : start + _CHUNK])
    return result.reshape((*cells.shape, *tail))


def _lowest_one(cells: Ids) -> Ids:
    return cells & (~cells + _ONE)


def _zeros_below(cells: Ids) -> Ints:
    """How many zeros an id ends in: two for each level above the leaves."""
    zeros: Ints = np.bitwise_count(_lowest_one(cells) - _ONE).astype(np.int64)
    return zeros


def _ancestors(cells: Ids, bit: Ids) -> Ids:
    """The cells with their lowest one moved up to ``bit``."""
    return cells & (~bit + _ONE) | bit


def _levels(cells: Ids) -> Ints:
    return MAX_LEVEL - _zeros_below(cells) // 2


def _level_bit(level: ArrayLike) -> Ids:
    """The lowest one of cells of the levels asked for."""
    wanted = np.asarray(level)
    if wanted.dtype.kind not in "iu" or (
        wanted.size and not (wanted.min() >= 0 and wanted.max() <= MAX_LEVEL)
    ):
        raise UsageError(
            f"There is no S2 level {wanted}.\nGive a whole number from 0 (a face) to 30 (about 1 cm)."
        )
    return np.left_shift(_ONE, (2 * (MAX_LEVEL - wanted.astype(np.int64))).astype(np.uint64))


def _valid(cells: Ids) -> NDArray[np.bool_]:
    with np.errstate(over="ignore"):  # of 0, which has no lowest one
        valid: NDArray[np.bool_] = (cells >> _FACE_SHIFT < 6) & (_lowest_one(cells) & _LEVEL_BITS != 0)
    return valid


def _name(cell: np.uint64) -> str:
    return f"0x{int(cell):016x}"


def _check_ids(ids: ArrayLike) -> Ids:
    """The ids as ``uint64``, after a check that each of them is a cell."""
    cells = _as_ids(ids)
    valid = _valid(cells)
    if not np.all(valid):
        first = int(np.argmin(valid))
        raise CellIdError(
            f"{_name(cells.reshape(-1)[first])} (number {first} of {cells.size}, counted from 0) "
            "is not the id of an S2 cell.\n"
            "Make ids by s2.cell_ids or s2.from_token and keep them as uint64; s2.is_valid tells which are."
        )
    return cells


def _as_ids(ids: ArrayLike) -> Ids:
    """The ids as ``uint64``; a list of Python integers would otherwise become floats that lose digits."""
    given = np.asarray(ids)
    if given.dtype.kind == "u":
        return given.astype(np.uint64, copy=False)
    if given.dtype.kind == "i" and not (given < 0).any():
        return given.astype(np.uint64)
    if given.size == 0:
        return np.empty(given.shape, dtype=np.uint64)
    if not isinstance(ids, np.ndarray) or given.dtype.kind == "O":
        objects = np.asarray(ids, dtype=object)
        if all(isinstance(number, (int, np.integer)) and 0 <= number < 2**64 for number in objects.flat):
            return objects.astype(np.uint64)
    raise CellIdError(
        f"S2 cell ids have to be uint64, but these are {given.dtype}"
        + (" and some are negative.\n" if given.dtype.kind == "i" else ".\n")
        + "Give whole numbers; ids stored as int64 come back by ids.view(numpy.uint64), "
        "tokens become ids by s2.from_token."
    )
