"""The methods whose cells are several of others: clusters, confusion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from graticule.errors import UsageError
from graticule.partitions.methods.method import Method

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.partitions.built import Built


def _clusters(
    latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]
) -> Built:
    from graticule.partitions.groups.clusters import build_clusters

    return build_clusters(latlon, weights=photos, **given)


def _confusion(
    latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]
) -> Built:
    from graticule.partitions.groups.confusion import build_confusion

    words = dict(given)
    if "confusion" not in words:
        raise UsageError(
            "The method 'confusion' needs a model's confusion matrix.\nName it with:  `confusion=matrix.csv`"
        )
    return build_confusion(latlon, cells=words.pop("cells_file", None), weights=photos, **words)


CLUSTERS: Final = Method(
    "countries grouped by climate or other numbers",
    ("groups", "features", "min_photos", "reach_km"),
    _clusters,
)

CONFUSION: Final = Method(
    "countries or cells grouped by a model's confusion matrix",
    ("confusion", "groups", "cells_file", "reach_km"),
    _confusion,
)
