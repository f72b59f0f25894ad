"""Cuts photos into three parts: one to scale probabilities on, one to find regions on, one to judge by.

No author, sequence or trip is in two parts: photos of one author are alike, and would make promises look
better kept than they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from graticule.errors import TableError
from graticule.evaluation.calibration.conformal import least_photos
from graticule.evaluation.calibration.inputs import Cells
from graticule.photos.assignment import assign
from graticule.photos.shares import apportion
from graticule.photos.units import joined

SCALE, REGIONS, JUDGE = 0, 1, 2
NAMES: Final = ("scaling", "regions", "judging")
SHARES: Final = (0.25, 0.4, 0.35)
"""Of the photos: scaling takes few, regions need many for a narrow promise, judging for a narrow interval."""


def split_parts(groups: Sequence[str | None], *, seed: int = 0) -> Cells:
    """The part of each photo, (N,): 0 scaling, 1 regions, 2 judging.

    Convention:
        - ``groups``: (N,) what must not be torn apart; None for a photo that stands alone

    Example:
        >>> np.bincount(split_parts([None] * 100)).tolist()
        [25, 40, 35]
    """
    units = joined([pl.Series("group", list(groups), dtype=pl.String)], len(groups))
    sizes = np.bincount(units).astype(np.int64)
    wanted = apportion(np.array(SHARES), len(groups))
    return assign(sizes, np.asarray(wanted, dtype=np.int64), np.random.default_rng(seed))[units]


def check_parts(parts: Cells, promises: Sequence[float], groups: Sequence[str | None]) -> None:
    """Refuse a division that cannot keep a promise, or leaves nothing to judge it by.

    Raises:
        TableError: says how many photos are needed, or that the groups are too few.
    """
    counts = np.bincount(parts, minlength=3)
    highest = max(promises, default=0.5)
    needed = least_photos(highest)
    total = int(np.ceil(needed / SHARES[REGIONS]))
    if len(parts) < total:
        raise TableError(
            f"{len(parts)} photos are too few to promise {100 * highest:g} %: at least {total} are needed, "
            "of "
            f"which {needed} to find the region on, the others to scale and to judge; some hundred for a "
            "region "
            "of a useful size.\nGive more photos, or promise less:  --promise 0.8"
        )
    if counts.min() < 1 or counts[REGIONS] < needed:
        known = len(set(groups) - {None})
        raise TableError(
            f"The photos cannot be cut into parts without tearing a group apart: {len(parts)} photos of "
            f"{known} "
            f"groups gave {counts[SCALE]} to scale, {counts[REGIONS]} to find regions on (at least {needed} "
            f"needed) and {counts[JUDGE]} to judge.\nGive photos of more authors or trips."
        )
