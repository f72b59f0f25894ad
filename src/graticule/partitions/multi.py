"""Several partitions of the same places put together, with the shares in which their cells overlap."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from graticule.errors import UsageError
from graticule.partitions.partition import MultiPartition, Partition
from graticule.partitions.places import checked_places

Ints = NDArray[np.int64]

NAMES: Final = ("coarse", "middle", "fine")
"""Names of three resolutions."""

PRESETS: Final[Mapping[str, tuple[tuple[int, ...], int]]] = MappingProxyType(
    {
        # Müller-Budack et al. (2018), section 4.1: tau_max of the three, tau_min 50.
        "geoestimation": ((5000, 2000, 1000), 50),
    }
)
"""The sources' largest numbers of photos per cell, from coarse to fine, and the smallest."""


def build_multi(
    resolutions: Mapping[str, Partition], latlon: ArrayLike, weights: ArrayLike | None = None
) -> MultiPartition:
    """Partitions of the same places as one, with the shares in which their cells overlap.

    Convention:
        - ``resolutions``: at least two, by name, **from coarse to fine**, all of one method
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees** that shares are counted on;
          ``weights``: (N,) number of photos at each, 1 when left out

    Raises:
        CoordinateError, TableError: as ``build_s2``, on the places.
        UsageError: there are fewer than two, methods differ, or they are not ordered from coarse to fine.

    Source:
        E. Müller-Budack et al., "Geolocation Estimation of Photos using a Hierarchical Model and Scene
        Classification" (2018), section 3.1.
    """
    each = list(resolutions.values())
    if len(each) < 2 or len({one.method for one in each}) > 1:
        raise UsageError("Several resolutions are at least two partitions of one method.\nGive more, alike.")
    if any(before.count > after.count for before, after in pairwise(each)):
        counts = ", ".join(f"{name} {one.count:,}" for name, one in resolutions.items())
        raise UsageError(
            f"Resolutions go from coarse to fine, but their cells are {counts}.\nTurn them round."
        )
    places, photos = checked_places(latlon, weights)
    codes = {name: one.encode(places) for name, one in resolutions.items()}
    names = list(resolutions)
    tables = [
        _shares(names[fine], codes[names[fine]], names[coarse], codes[names[coarse]], photos)
        for fine in range(1, len(names))
        for coarse in range(fine)
    ]
    return MultiPartition.of(resolutions, pl.concat(tables))


def _shares(finer: str, cells: Ints, coarser: str, others: Ints, photos: Ints | None) -> pl.DataFrame:
    counted = pl.DataFrame({"cell": cells, "other": others, "photos": 1 if photos is None else photos})
    pairs = counted.filter(pl.col("cell") >= 0).group_by("cell", "other").agg(pl.col("photos").sum())
    total = pl.col("photos").sum().over("cell")
    return (
        pairs.with_columns(share=pl.col("photos") / total)
        .filter((pl.col("other") >= 0) & (pl.col("photos") > 0))
        .select(finer=pl.lit(finer), cell="cell", coarser=pl.lit(coarser), other="other", share="share")
        .sort("cell", "share", "other", descending=[False, True, False])
    )
