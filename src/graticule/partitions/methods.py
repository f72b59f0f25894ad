"""The ways to cut the Earth into cells, by name: what each takes, and the function that does it.

The command line makes its options out of this registry, so a new method is one entry in ``METHODS`` (and in
``OPTIONS``, for an option that no other method has). Nothing heavy is imported before a method is used.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from graticule.config import nearest
from graticule.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.partitions.partition import Partition
    from graticule.partitions.regions import Regions
    from graticule.partitions.s2_adaptive import S2Settings
    from graticule.partitions.s2_counts import S2Counts

Settings = TypeVar("Settings")

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
        "A source system's numbers. s2: cnn-vit (max 100, min 20), hmc-4, hmc-14, hmc-50, hmc-89, hmc-110 "
        "(by its number of cells on a million photos); quadtree: osv5m-500, -1000, -2500, -5000, -12500, "
        "-25000, -50000; multi: geoestimation. Options given beside it win.",
        metavar="NAME",
    ),
    "max_photos": Option(
        "--max",
        int,
        "A cell with more photos splits; for multi, of the finest cells.  "
        f"[default: {DEFAULT_MAX}; quadtree: 999]",
    ),
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
    "merge_small": Option(
        "--merge-small",
        bool,
        "Give cells that are too small, and empty ground, to the nearest cell left in the tree: no photo is "
        "dropped, and the cells cover the Earth.",
    ),
    "least_share": Option(
        "--least-share",
        float,
        "Share of the photos that each side of a cut gets at least; the widest gap between photos wins among "
        "such cuts. 0.5 cuts at the median.  [default: 0.25]",
    ),
    "depth": Option("--depth", int, "How often a box splits at most.  [default: 10]"),
    "from_file": Option(
        "--from", Path, "Take the cells of this CSV, as OSV-5M publishes it, and count the photos in them."
    ),
    "of": Option("--of", str, "Method of the several resolutions.  [default: s2]", metavar="METHOD"),
    "resolutions": Option(
        "--resolutions",
        str,
        "--max of each resolution, or --cells or --groups where the method has no --max.  "
        "[default: five times, twice and once --max]",
        metavar="N,N,N",
    ),
    "cells": Option("--cells", int, "How many cells are wanted.  [default of admin: 129]"),
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


def build_from_counts(method: str, counts: S2Counts, options: Mapping[str, Any]) -> Built:
    """As ``build_partition``, of photos counted by S2 cell while their table streamed by.

    For ``s2`` the cells are those that the places themselves give, as far as the level of counting; for other
    methods each counted cell stands as one place, its photos' mean.

    Raises:
        UsageError: there is no such method, or it does not take one of the options.
    """
    given = {name: value for name, value in options.items() if value is not None}
    level = counts.level
    if method == "s2" and set(given) <= set(METHODS["s2"].takes):
        from graticule.partitions.s2_adaptive import build_s2_from_counts

        partition = build_s2_from_counts(counts, **dataclasses.asdict(_s2_settings(given)))
        remark = f"Photos were counted in S2 cells of level {level}, so no cell is finer."
        return Built(partition, (remark,), {"counting_level": level})
    built = build_partition(method, *counts.places(), options)
    remark = f"Photos were counted in S2 cells of level {level}, and stand at the mean place of each."
    return Built(built.partition, (*built.remarks, remark), {**built.figures, "counting_level": level})


def _s2(latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]) -> Built:
    from graticule.partitions.s2_adaptive import build_s2

    return Built(build_s2(latlon, weights=photos, **dataclasses.asdict(_s2_settings(given))))


def _s2_settings(given: Mapping[str, Any]) -> S2Settings:
    """Options over the preset, over the defaults."""
    from graticule.partitions.s2_adaptive import PRESETS, S2Settings

    words = dict(given)
    preset = _preset(words.pop("preset", None), PRESETS)
    return dataclasses.replace(preset or S2Settings(DEFAULT_MAX, DEFAULT_MIN), **words)


def _preset(name: str | None, presets: Mapping[str, Settings]) -> Settings | None:
    """The settings of that name; None when none is asked for.

    Raises:
        UsageError: there is no such preset.
    """
    if name is None:
        return None
    if name not in presets:
        close = nearest(name, presets)
        advice = f"Did you mean:  --preset {close}" if close else "Type one of them after --preset."
        raise UsageError(f"There is no preset '{name}' (known: {', '.join(presets)}).\n{advice}")
    return presets[name]


def _kd(latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]) -> Built:
    from graticule.partitions.kd import build_kd

    words = {"min_photos": DEFAULT_MIN, **({} if "cells" in given else {"max_photos": DEFAULT_MAX}), **given}
    if "max_photos" in given and "min_photos" not in given:
        words["min_photos"] = min(DEFAULT_MIN, given["max_photos"])
    return Built(build_kd(latlon, weights=photos, **words))


def _quadtree(
    latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]
) -> Built:
    from graticule.partitions.quadtree import PRESETS, build_quadtree

    words = dict(given)
    if "from_file" in words:
        from graticule.partitions.quadtree_file import read_quadtree

        path = words.pop("from_file")
        if words:
            raise UsageError(
                f"The cells of '{path}' are made already, so {OPTIONS[next(iter(words))].flag} has no say.\n"
                "Leave it out, or leave --from out."
            )
        return Built(read_quadtree(path, latlon, photos))
    settings = _preset(words.pop("preset", None), PRESETS) or PRESETS["osv5m-1000"]
    settings = dataclasses.replace(settings, **words)
    return Built(build_quadtree(latlon, weights=photos, **dataclasses.asdict(settings)))


def _multi(latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]) -> Built:
    """The method ``of`` once for each resolution, with another --max (or --cells, or --groups)."""
    from graticule.partitions.multi import NAMES, PRESETS, build_multi
    from graticule.partitions.summary import summarise

    words = dict(given)
    method = words.pop("of", _FIRST)
    if method not in METHODS or method == "multi":
        known = ", ".join(name for name in METHODS if name != "multi")
        raise UsageError(f"--of {method} is no method (known: {known}).\nType, for example:  --of {_FIRST}")
    numbers, least = _resolutions(words, _preset(words.pop("preset", None), PRESETS))
    varied = next(name for name in _VARIED if name in METHODS[method].takes)
    words = {**({"min_photos": least} if least else {}), **words}
    numbers = sorted(numbers, reverse=varied == "max_photos")
    names = NAMES if len(numbers) == len(NAMES) else [f"resolution {at}" for at in range(1, len(numbers) + 1)]
    built = {
        name: build_partition(method, latlon, photos, {**words, varied: number})
        for name, number in zip(names, numbers, strict=True)
    }
    multi = build_multi({name: each.partition for name, each in built.items()}, latlon, photos)
    remarks = [
        f"Resolution '{name}' has {each.partition.count:,} cells; "
        f"{each.partition.source.dropped_photos:,} photos dropped."
        for name, each in built.items()
    ]
    remarks += [f"{name}: {remark}" for name, each in built.items() for remark in each.remarks]
    figures = {name: summarise(each.partition).to_dict() for name, each in built.items()}
    return Built(multi, tuple(remarks), {"resolutions": figures})


def _resolutions(
    words: dict[str, Any], preset: tuple[tuple[int, ...], int] | None
) -> tuple[Sequence[int], int | None]:
    """The number of each resolution and the least number of photos; takes the options it reads out."""
    said, finest = words.pop("resolutions", None), words.pop("max_photos", None)
    if said is None:
        if preset is not None and finest is None:
            return preset
        least = None if preset is None else preset[1]
        return [(finest or DEFAULT_MAX) * factor for factor in _FACTORS], least
    try:
        numbers = [int(word) for word in said.split(",")]
    except ValueError:
        numbers = []
    if len(set(numbers)) < 2 or min(numbers) < 1 or len(set(numbers)) < len(numbers) or finest is not None:
        raise UsageError(
            f"--resolutions {said} is no list of different numbers"
            + (", or --max stands beside it" if finest is not None else "")
            + ".\nType, for example:  --resolutions 5000,2000,1000"
        )
    return numbers, None if preset is None else preset[1]


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

_FACTORS: Final = (5, 2, 1)
"""GeoEstimation's resolutions as multiples of the finest: 5000, 2000, 1000 photos."""

_VARIED: Final = ("max_photos", "cells", "groups")
"""What tells the resolutions of a method apart: the first of these that it takes."""

_POLYGONS: Final = ("polygons", "layer", "polygon_names")

METHODS: Final[Mapping[str, Method]] = {
    "s2": Method(
        "S2 cells, small where there are many photos",
        ("preset", "max_photos", "min_photos", "start_level", "end_level", "merge_small"),
        _s2,
    ),
    "kd": Method(
        "the Earth cut in two where the photos are, again and again; drops no photo",
        ("max_photos", "min_photos", "cells", "least_share"),
        _kd,
    ),
    "quadtree": Method(
        "boxes in degrees, as OSV-5M's",
        ("preset", "max_photos", "min_photos", "depth", "from_file"),
        _quadtree,
    ),
    "multi": Method(
        "several resolutions of one method in one file",
        ("resolutions", "of", *(name for name in OPTIONS if name not in ("resolutions", "of"))),
        _multi,
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
