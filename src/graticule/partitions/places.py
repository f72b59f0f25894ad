"""What every builder does with places: checks them and their weights, finds means, and a fingerprint."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import TableError, UsageError
from graticule.geo import s2
from graticule.geo.sphere import check_latlon, unit_vectors

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

_PLACES_AT_ONCE = 1 << 20  # how many are vectors at the same time


def checked_places(latlon: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Counts | None]:
    """Places and numbers of photos as arrays, when cells can be built from them.

    Convention:
        - ``latlon``: (N, 2) in (latitude, longitude) **degrees**
        - ``weights``: (N,) number of photos at each place, whole; None for one each, and then None comes back

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        TableError: there is no place, or no photo at any.
        UsageError: the weights are of another shape, negative or not whole.

    Example:
        >>> checked_places([[48.86, 2.35]], [3])[1].tolist()
        [3]
    """
    if not np.size(latlon):
        raise TableError("There are no places to build cells from.\nGive a table with at least one place.")
    places = check_latlon(latlon).reshape(-1, 2)
    photos = None if weights is None else _whole(weights, len(places))
    if photos is not None and not photos.any():
        raise TableError("All places have 0 photos.\nGive other `weights`, or none.")
    return places, photos


def _whole(weights: ArrayLike, count: int) -> Counts:
    given = np.asarray(weights)
    if given.shape != (count,):
        raise UsageError(f"There are {count} places but weights of shape {given.shape}.\nGive one per place.")
    if (
        given.dtype.kind not in "iufb"
        or not (np.isfinite(given) & (given >= 0) & (given == np.rint(given))).all()
    ):
        raise UsageError(
            "Weights are numbers of photos: whole and not negative, but some are not.\n"
            "Give other `weights`, or none to count each row once."
        )
    return given.astype(np.int64)


def place_ids(latlon: Array, level: int = s2.MAX_LEVEL) -> NDArray[np.uint64]:
    """S2 ids (N,) of places (N, 2) in **degrees**, one for each place on Earth, whatever it is called.

    The antimeridian is -180 or 180, and a pole has every longitude. S2 itself tells these apart, by what is
    left over when sines are rounded, and two names of one place would lie in two cells.

    Example:
        >>> len(set(place_ids(np.array([[0, -180.0], [0, 180], [0, 179]])).tolist()))
        2
    """
    latitude, longitude = latlon[:, 0], latlon[:, 1]
    poles, antimeridian = np.abs(latitude) == 90.0, longitude == -180.0
    if poles.any() or antimeridian.any():  # seldom, and else no copy is made
        longitude = np.where(poles, 0.0, np.where(antimeridian, 180.0, longitude))
        latlon = np.stack([latitude, longitude], axis=1)
    return s2.cell_ids(latlon, level)


def running_total(photos: Counts | None, count: int) -> Counts:
    """Photos before each of ``count`` places, and all of them at the end: (count + 1,)."""
    total = np.arange(count + 1)
    if photos is not None:
        np.cumsum(photos, out=total[1:])
    return total


def middles(latlon: Array, total: Counts, first: Counts, last: Counts) -> tuple[Array, Counts]:
    """The mean place of each cell's photos, as a vector, and the photo nearest to it.

    Convention:
        - ``latlon``: (N, 2) in **degrees**, ordered so that those of cell k are ``first[k] <= i < last[k]``
        - ``total``: (N + 1,) as ``running_total``; each cell has at least one photo
        - the result: the sum (K, 3) of the unit vectors of each cell's photos, and the index (K,) of the
          place nearest to its direction, the first of several
    """
    sums, typical = np.empty((len(first), 3)), np.empty(len(first), dtype=np.int64)
    step = max(1, len(sums) * _PLACES_AT_ONCE // max(1, len(latlon)))
    for begin in range(0, len(sums), step):
        rows = slice(begin, begin + step)
        sizes = last[rows] - first[rows]
        starts = np.cumsum(sizes) - sizes
        owner = np.repeat(np.arange(len(sizes)), sizes)
        inside = np.arange(len(owner)) + (first[rows] - starts)[owner]
        vectors = unit_vectors(latlon[inside])
        photos = total[inside + 1] - total[inside]
        sums[rows] = np.add.reduceat(vectors * photos[:, None], starts, axis=0)
        nearness = np.einsum("ij,ij->i", vectors, sums[rows][owner])
        nearness[photos == 0] = -np.inf
        hits = np.flatnonzero(nearness == np.maximum.reduceat(nearness, starts)[owner])
        typical[rows] = inside[hits[np.searchsorted(hits, starts)]]
    return sums, typical


def places_fingerprint(latlon: Array, photos: Counts | None) -> str:
    """SHA-256 of places with their numbers of photos, whatever their order.

    n equal rows count like one row of weight n, and a row of weight 0 like none; places are told apart as
    finely as S2's leaf cells, about 1 cm.
    """
    ids = place_ids(latlon)
    if photos is None:
        ids.sort()
        return sorted_fingerprint(ids, np.arange(len(ids) + 1))
    order = np.argsort(ids)
    return sorted_fingerprint(ids[order], running_total(photos[order], len(ids)))


def sorted_fingerprint(ids: NDArray[np.uint64], total: Counts) -> str:
    """As ``places_fingerprint``, of ascending S2 ids (N,) and the running total (N + 1,) of their photos."""
    last = np.flatnonzero(np.append(ids[1:] != ids[:-1], True))
    photos = np.diff(total[last + 1], prepend=0)
    counted = photos > 0
    digest = hashlib.sha256(ids[last][counted].astype("<u8").tobytes())
    digest.update(photos[counted].astype("<i8").tobytes())
    return digest.hexdigest()
