"""The method of several resolutions: another one, once for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from graticule.errors import UsageError
from graticule.partitions.limits import MAX_PHOTOS
from graticule.partitions.methods.method import FIRST, Method, preset_named, run_method
from graticule.partitions.methods.options import OPTIONS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.partitions.built import Built

_FACTORS: Final = (5, 2, 1)
"""GeoEstimation's resolutions as multiples of the finest: 5000, 2000, 1000 photos."""

_VARIED: Final = ("max_photos", "cells", "groups")
"""What tells the resolutions of a method apart: the first of these that it takes."""

_OWN: Final = ("resolutions", "of")


def multi_of(methods: Mapping[str, Method]) -> Method:
    """The method that takes any of these as its ``of``, with their options beside its own."""

    def build(
        latlon: NDArray[np.float64], photos: NDArray[np.int64] | None, given: Mapping[str, Any]
    ) -> Built:
        return _multi(methods, latlon, photos, given)

    takes = (*_OWN, *(name for name in OPTIONS if name not in _OWN))
    return Method("several resolutions of one method in one file", takes, build)


def _multi(
    methods: Mapping[str, Method],
    latlon: NDArray[np.float64],
    photos: NDArray[np.int64] | None,
    given: Mapping[str, Any],
) -> Built:
    """The method ``of`` once for each resolution, with another number each time."""
    from graticule.partitions.built import Built
    from graticule.partitions.multi import NAMES, PRESETS, build_multi
    from graticule.partitions.summary import summarise

    words = dict(given)
    method = words.pop("of", FIRST)
    if method not in methods:
        raise UsageError(
            f"`of={method}` is no method (known: {', '.join(methods)}).\nType, for example:  `of={FIRST}`"
        )
    numbers, least = _resolutions(words, preset_named(words.pop("preset", None), PRESETS, "multi"))
    varied = next(name for name in _VARIED if name in methods[method].takes)
    words = {**({"min_photos": least} if least else {}), **words}
    numbers = sorted(numbers, reverse=varied == "max_photos")
    names = NAMES if len(numbers) == len(NAMES) else [f"resolution {at}" for at in range(1, len(numbers) + 1)]
    built = {
        name: run_method(methods, method, latlon, photos, {**words, varied: number})
        for name, number in zip(names, numbers, strict=True)
    }
    multi = build_multi({name: each.partition for name, each in built.items()}, latlon, photos)
    remarks = [
        f"{name}: {each.partition.count:,} cell{'s' * (each.partition.count != 1)}; "
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
        return [(finest or MAX_PHOTOS) * factor for factor in _FACTORS], least
    try:
        numbers = [int(word) for word in (said.split(",") if isinstance(said, str) else said)]
    except ValueError:
        numbers = []
    written = said if isinstance(said, str) else ",".join(map(str, said))
    if len(set(numbers)) < 2 or min(numbers) < 1 or len(set(numbers)) < len(numbers) or finest is not None:
        raise UsageError(
            f"`resolutions={written}` is no list of different numbers"
            + (", or `max_photos` stands beside it" if finest is not None else "")
            + ".\nType, for example:  `resolutions=5000,2000,1000`"
        )
    return numbers, None if preset is None else preset[1]
