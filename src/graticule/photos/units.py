"""What must not be torn apart by a split: photos of one author, of one picture, of one day in one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graticule.geo import s2
from graticule.photos.days import day_column, days
from graticule.photos.duplicates import in_order, near_duplicates

DAY_CELL_LEVEL: Final = 9
"""S2 level of the cells in which photos of one day share their weather: about 18 km across.

As large as the 129 cells of Denmark (334 km2 each) in which Csizmadia and Głowaczewski (2023) saw their
network look at the clouds: a camera car had passed through each within a day.
"""

Ints = NDArray[np.int64]


def joined(labels: Iterable[pl.Series], count: int, *, links: Ints | None = None) -> Ints:
    """The units that photos form when those that share any label stay together, directly or through others.

    Convention:
        - ``labels``: columns (``count``,) of any type; null shares nothing
        - ``links``: (L, 2) pairs of photos that stay together as well
        - the result: (``count``,) the number of each photo's unit, from 0 in the order of appearance

    Example:
        >>> author = pl.Series(["ann", "ann", "bob", None, None])
        >>> picture = pl.Series([1, 2, 2, 3, 4])
        >>> joined([author, picture], 5).tolist()
        [0, 0, 0, 1, 2]
    """
    pairs = np.empty((0, 2), dtype=np.int64) if links is None else links
    photos, nodes = [pairs[:, 0]], [pairs[:, 1]]
    total = count
    for column in labels:
        known = np.flatnonzero(column.is_not_null().to_numpy())
        value = column.drop_nulls().rank("dense").to_numpy().astype(np.int64)
        photos.append(known)
        nodes.append(total - 1 + value)
        total += int(value.max(initial=0))
    one, other = np.concatenate(photos), np.concatenate(nodes)
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), (total, total))
    return in_order(connected_components(graph, directed=False)[1][:count].astype(np.int64))


def picture_labels(frame: pl.DataFrame, near_bits: int) -> list[pl.Series]:
    """Labels that the same file, and near duplicates, share; null where nothing is known.

    Raises:
        UsageError: ``near_bits`` is not a number of bits that can be searched for.
    """
    near = pl.Series(near_duplicates(frame["phash"], max_bits=near_bits))
    return [frame["sha256"], near.set(frame["phash"].is_null(), None)]


def day_labels(frame: pl.DataFrame, level: int = DAY_CELL_LEVEL) -> pl.Series | None:
    """A label for each day in each S2 cell, null where either is unknown; None without a column of days."""
    name = day_column(frame)
    if name is None:
        return None
    placed = frame["latitude"].is_not_null()
    cells = s2.cell_ids(frame.filter(placed).select("latitude", "longitude").to_numpy(), level)
    tokens = pl.Series(s2.token(cells), dtype=pl.String)
    where = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    where = where.scatter(placed.arg_true(), tokens) if len(tokens) else where
    return days(frame[name]).cast(pl.String) + " in " + where
