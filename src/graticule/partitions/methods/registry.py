"""The ways to cut the Earth into cells, by name, and the function that does it.

The command line makes its options out of this registry, and recipes their keys, so a new method is one
``Method`` beside the others of its kind and one line in ``METHODS`` (and in ``OPTIONS``, for an option that
no other method has). Nothing heavy is imported before a method is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from graticule.partitions.methods.grids import KD, QUADTREE, S2, s2_from_counts
from graticule.partitions.methods.groups import CLUSTERS, CONFUSION
from graticule.partitions.methods.method import Method, run_method
from graticule.partitions.methods.multi import multi_of
from graticule.partitions.methods.outlines import ADMIN, SEMANTIC

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.partitions.built import Built
    from graticule.partitions.s2.counts import S2Counts

_SINGLE: Final[Mapping[str, Method]] = {
    "s2": S2,
    "kd": KD,
    "quadtree": QUADTREE,
    "admin": ADMIN,
    "semantic": SEMANTIC,
    "clusters": CLUSTERS,
    "confusion": CONFUSION,
}

METHODS: Final[Mapping[str, Method]] = {**_SINGLE, "multi": multi_of(_SINGLE)}
"""Every method, by its name on the command line."""


def build_partition(
    method: str,
    latlon: NDArray[np.float64],
    photos: NDArray[np.int64] | None,
    options: Mapping[str, Any],
) -> Built:
    """Cells around the places, by the method of that name.

    Convention:
        - ``latlon``: (N, 2) in (latitude, longitude) **degrees**; ``photos``: (N,) photos at each, or None
        - ``options``: keys of ``OPTIONS``; None counts as not given

    Raises:
        UsageError: there is no such method, or it does not take one of the options.

    Example:
        >>> import numpy as np
        >>> places = np.array([[48.86, 2.35]] * 40 + [[39.9, 116.4]] * 40)
        >>> build_partition("s2", places, None, {"max_photos": 50, "min_photos": 10}).partition.count
        2
    """
    return run_method(METHODS, method, latlon, photos, options)


def build_from_counts(method: str, counts: S2Counts, options: Mapping[str, Any]) -> Built:
    """As ``build_partition``, of photos counted by S2 cell while their table streamed by.

    For ``s2`` the cells are those that the places themselves give, as far as the level of counting; for other
    methods each counted cell stands as one place, its photos' mean.

    Raises:
        UsageError: there is no such method, or it does not take one of the options.
    """
    from graticule.partitions.built import Built

    given = {name: value for name, value in options.items() if value is not None}
    level = counts.level
    if method == "s2" and set(given) <= set(METHODS["s2"].takes):
        remark = f"Photos were counted in S2 cells of level {level}, so no cell is finer."
        return Built(s2_from_counts(counts, given), (remark,), {"counting_level": level})
    built = build_partition(method, *counts.places(), options)
    remark = f"Photos were counted in S2 cells of level {level}, and stand at the mean place of each."
    return Built(built.partition, (*built.remarks, remark), {**built.figures, "counting_level": level})
