"""The ways to cut the Earth into cells, by name: what each takes, and the function that does it.

The command line makes its options out of this registry, so a new method is one entry in ``METHODS`` (and in
``OPTIONS``, for an option that no other method has). Nothing heavy is imported before a method is used.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from graticule.config import nearest
from graticule.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.partitions.partition import Partition
    from graticule.partitions.regions import Regions

DEFAULT_MAX: Final = 300
DEFAULT_MIN: Final = 30
"""Photos per cell when neither numbers nor a preset are given."""


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of one or more methods.

    Convention:
        - ``flag`` is what is typed, ``"--max"``; ``kind`` turns the word into a value: ``int``, ``float``,
          ``str``, ``pathlib.Path``, or ``bool`` for a switch
    """

    flag: str
    kind: type
    help: str
    metavar: str | None = None


@dataclasses.dataclass(frozen=True)
class Built:
    """What a method made.

    Convention:
        - ``remarks``: sentences on what was repaired, merged or left out, for people
        - ``figures``: what only this method measures, as JSON values by name
    """

    partition: Partition
    remarks: tuple[str, ...] = ()
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to cut the Earth.

    Convention:
        - ``takes``: names of the options, keys of ``OPTIONS``
        - ``build(latlon, photos, given)``: places (N, 2) in (latitude, longitude) **degrees**, the number of
          photos (N,) at each or None for one each, and the options that were given, by name
    """

    help: str
    takes: tuple[str, ...]
    build: Callable[[NDArray[np.float64], NDArray[np.int64] | None, Mapping[str, Any]], Built]


OPTIONS: Final[Mapping[str, Option]] = {
    "preset": Option(
        "--preset",
        str,
        "A source system's numbers: cnn-vit (max 100, min 20), hmc-4, hmc-14, hmc-50, hmc-89, hmc-110 "
        "(by its number of cells on a million photos). Options given beside it win.",
        metavar="NAME",
    ),
    "max_photos": Option("--max", int, f"A cell with more photos splits.  [default: {DEFAULT_MAX}]"),
    "min_photos": Option(
        "--min",
        int,
        "A cell with fewer is dropped, or joined to a neighbour by admin and semantic.  "
        f"[default: {DEFAULT_MIN}; clusters: 1]",
    ),
    "start_level": Option(
        "--start-level", int, "S2 level to start from, 0 (a sixth of the Earth) to 30.  [default: 2]"
    ),
    "end_level": Option("--end-level", int, "S2 level at which cells split no more.  [default: 30]"),
    "cells": Option("--cells", int, "How many cells are wanted.  [default: 129]"),
    "polygons": Option(
        "--polygons",
        Path,
        "GeoJSON or GeoPackage to start from, in longitude and latitude.  [default: the bundled countries]",
    ),
    "layer": Option("--layer", str, "Layer of the GeoPackage, where it has several.", metavar="NAME"),
    "polygon_names": Option(
        "--polygon-names", str, "Its column that names the polygons.  [default: found out]", metavar="COLUMN"
    ),
    "reach_km": Option(
        "--reach", float, "A place off all polygons joins the nearest up to this far, in km.  [default: 25]"
    ),
    "groups": Option("--groups", int, "How many groups are wanted.  [default: 15]"),
    "features": Option(
        "--features",
        str,
        "What countries are grouped by: climate (January and July temperature), climate-geography (with "
        "absolute latitude and longitude), or a CSV with a column 'country' and numbers.  [default: climate]",
        metavar="NAME|FILE",
    ),
    "confusion": Option("--confusion", Path, "CSV of a model's confusion matrix; needed."),
    "cells_file": Option(
        "--cells-file", Path, "Partition whose cells are the classes.  [default: countries]"
    ),
}
"""Every option of every method, by the name under which a method gets its value."""


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
    if method not in METHODS:
        close = nearest(method, METHODS)
        advice = f"Did you mean:  --method {close}" if close else f"Type, for example:  --method {_FIRST}"
        raise UsageError(f"There is no method '{method}' (known: {', '.join(METHODS)}).\n{advice}")
    given = {name: value for name, value in options.items() if value is not None}
    wrong = [name for name in given if name not in METHODS[method].takes]
    if wrong:
        raise _not_taken(method, wrong[0])
    return METHODS[method].build(latlon, photos, given)


def _not_taken(method: str, option: str) -> UsageError:
    flag = OPTIONS[option].flag
    own = ", ".join(OPTIONS[name].flag for name in METHODS[method].takes)
    others = [name for name, other in METHODS.items() if option in other.takes]
    return UsageError(
        f"The method '{method}' takes no {flag} (it takes {own}).\n"
        f"Leave it out, or type:  --method {' or '.join(others)}"
    )


def _s2(latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]) -> Built:
    """Options over the preset, over the defaults."""
    from graticule.partitions.s2_adaptive import PRESETS, S2Settings, build_s2

    settings = S2Settings(DEFAULT_MAX, DEFAULT_MIN)
    words = dict(given)
    preset = words.pop("preset", None)
    if preset is not None:
        if preset not in PRESETS:
            close = nearest(preset, PRESETS)
            advice = f"Did you mean:  --preset {close}" if close else "Type one of them after --preset."
            raise UsageError(f"There is no preset '{preset}' (known: {', '.join(PRESETS)}).\n{advice}")
        settings = PRESETS[preset]
    settings = dataclasses.replace(settings, **words)
    return Built(build_s2(latlon, weights=photos, **dataclasses.asdict(settings)))


def _admin(latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]) -> Built:
    from graticule.partitions.admin import build_admin

    words = dict(given)
    return build_admin(latlon, regions=_regions(words), weights=photos, **words)


def _semantic(
    latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]
) -> Built:
    from graticule.partitions.semantic import build_semantic

    words = dict(given)
    return build_semantic(latlon, regions=_regions(words), weights=photos, **words)


def _regions(words: dict[str, Any]) -> Regions | None:
    """The polygons of the options, which are taken out; None for the bundled countries."""
    from graticule.partitions.polygon_files import read_regions

    path, layer, names = (words.pop(name, None) for name in _POLYGONS)
    if path is None and (layer is not None or names is not None):
        raise UsageError(
            "--layer and --polygon-names are about a file of polygons, and none is named.\n"
            "Name it with --polygons, or leave them out."
        )
    return None if path is None else read_regions(path, layer=layer, name_column=names)


def _clusters(
    latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]
) -> Built:
    from graticule.partitions.clusters import build_clusters

    return build_clusters(latlon, weights=photos, **given)


def _confusion(
    latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]
) -> Built:
    from graticule.partitions.confusion import build_confusion

    words = dict(given)
    if "confusion" not in words:
        raise UsageError(
            "The method 'confusion' needs a model's confusion matrix.\nName it with:  --confusion matrix.csv"
        )
    return build_confusion(latlon, cells=words.pop("cells_file", None), weights=photos, **words)


_FIRST: Final = "s2"

_POLYGONS: Final = ("polygons", "layer", "polygon_names")

METHODS: Final[Mapping[str, Method]] = {
    "s2": Method(
        "S2 cells, small where there are many photos",
        ("preset", "max_photos", "min_photos", "start_level", "end_level"),
        _s2,
    ),
    "admin": Method(
        "countries or other polygons, the small joined, the fullest split by k-means",
        ("cells", "min_photos", "reach_km", *_POLYGONS),
        _admin,
    ),
    "semantic": Method(
        "districts joined inside their country, dense ones split",
        ("max_photos", "min_photos", "reach_km", *_POLYGONS),
        _semantic,
    ),
    "clusters": Method(
        "countries grouped by climate or other numbers",
        ("groups", "features", "min_photos", "reach_km"),
        _clusters,
    ),
    "confusion": Method(
        "countries or cells grouped by a model's confusion matrix",
        ("confusion", "groups", "cells_file", "reach_km"),
        _confusion,
    ),
}
"""Every method, by its name on the command line."""
