"""The methods whose cells are those of a grid, split where the photos are: s2, kd, quadtree."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from graticule.errors import UsageError
from graticule.partitions.limits import MAX_PHOTOS, MIN_PHOTOS
from graticule.partitions.methods.method import Method, preset_named

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.partitions.built import Built
    from graticule.partitions.partition import Partition
    from graticule.partitions.s2.adaptive import S2Settings
    from graticule.partitions.s2.counts import S2Counts


def _s2(latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]) -> Built:
    from graticule.partitions.built import Built
    from graticule.partitions.s2.adaptive import build_s2

    return Built(build_s2(latlon, weights=photos, **dataclasses.asdict(_s2_settings(given))))


def s2_from_counts(counts: S2Counts, given: Mapping[str, Any]) -> Partition:
    """The cells of ``s2``, of photos counted while their table streamed by."""
    from graticule.partitions.s2.adaptive import build_s2_from_counts

    return build_s2_from_counts(counts, **dataclasses.asdict(_s2_settings(given)))


def _s2_settings(given: Mapping[str, Any]) -> S2Settings:
    """Options over the preset, over the defaults."""
    from graticule.partitions.s2.adaptive import PRESETS, S2Settings

    words = dict(given)
    preset = preset_named(words.pop("preset", None), PRESETS, "s2")
    return dataclasses.replace(preset or S2Settings(MAX_PHOTOS, MIN_PHOTOS), **words)


def _kd(latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]) -> Built:
    from graticule.partitions.boxes.kd import build_kd
    from graticule.partitions.built import Built

    words = {"min_photos": MIN_PHOTOS, **({} if "cells" in given else {"max_photos": MAX_PHOTOS}), **given}
    if "max_photos" in given and "min_photos" not in given:
        words["min_photos"] = min(MIN_PHOTOS, given["max_photos"])
    return Built(build_kd(latlon, weights=photos, **words))


def _quadtree(
    latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]
) -> Built:
    from graticule.partitions.boxes.quadtree import PRESETS, build_quadtree
    from graticule.partitions.built import Built

    words = dict(given)
    if "from_file" in words:
        from graticule.partitions.boxes.quadtree_file import read_quadtree

        path = words.pop("from_file")
        if words:
            raise UsageError(
                f"The cells of '{path}' are made already, so `{next(iter(words))}` has no say.\n"
                "Leave it out, or leave `from_file` out."
            )
        return Built(read_quadtree(path, latlon, photos))
    settings = preset_named(words.pop("preset", None), PRESETS, "quadtree") or PRESETS["osv5m-1000"]
    settings = dataclasses.replace(settings, **words)
    return Built(build_quadtree(latlon, weights=photos, **dataclasses.asdict(settings)))


S2: Final = Method(
    "S2 cells, small where there are many photos",
    ("preset", "max_photos", "min_photos", "start_level", "end_level", "merge_small"),
    _s2,
)

KD: Final = Method(
    "the Earth cut in two where the photos are, again and again; drops no photo",
    ("max_photos", "min_photos", "cells", "least_share"),
    _kd,
)

QUADTREE: Final = Method(
    "boxes in degrees, as OSV-5M's",
    ("preset", "max_photos", "min_photos", "depth", "from_file"),
    _quadtree,
)
