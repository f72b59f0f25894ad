"""The methods whose cells follow outlines: admin, semantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from graticule.errors import UsageError
from graticule.partitions.methods.method import Method

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.partitions.built import Built
    from graticule.partitions.outlines.regions import Regions

_POLYGONS: Final = ("polygons", "layer", "polygon_names")


def _admin(latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]) -> Built:
    from graticule.partitions.outlines.admin import build_admin

    words = dict(given)
    return build_admin(latlon, regions=_regions(words), weights=photos, **words)


def _semantic(
    latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]
) -> Built:
    from graticule.partitions.outlines.semantic import build_semantic

    words = dict(given)
    return build_semantic(latlon, regions=_regions(words), weights=photos, **words)


def _regions(words: dict[str, Any]) -> Regions | None:
    """The polygons of the options, which are taken out; None for the bundled countries."""
    from graticule.partitions.outlines.polygon_files import read_regions

    path, layer, names = (words.pop(name, None) for name in _POLYGONS)
    if path is None and (layer is not None or names is not None):
        raise UsageError(
            "`layer` and `polygon_names` are about a file of polygons, and none is named.\n"
            "Name it with `polygons`, or leave them out."
        )
    return None if path is None else read_regions(path, layer=layer, name_column=names)


ADMIN: Final = Method(
    "countries or other polygons, the small joined, the fullest split by k-means",
    ("cells", "min_photos", "reach_km", *_POLYGONS),
    _admin,
)

SEMANTIC: Final = Method(
    "districts joined inside their country, dense ones split",
    ("max_photos", "min_photos", "reach_km", *_POLYGONS),
    _semantic,
)
