"""What a method is, and how one is run by its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from graticule.config import nearest
from graticule.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.partitions.built import Built

Settings = TypeVar("Settings")

FIRST: Final = "s2"
"""The method when none is named."""


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


def run_method(
    methods: Mapping[str, Method],
    name: str,
    latlon: NDArray[np.float64],
    photos: NDArray[np.int64] | None,
    options: Mapping[str, Any],
) -> Built:
    """What the method of that name makes; options that are None count as not given.

    Raises:
        UsageError: there is no such method, or it does not take one of the options.
    """
    if name not in methods:
        close = nearest(name, methods)
        advice = f"Did you mean:  `method={close}`" if close else f"Type, for example:  `method={FIRST}`"
        raise UsageError(f"There is no method '{name}' (known: {', '.join(methods)}).\n{advice}")
    given = {option: value for option, value in options.items() if value is not None}
    wrong = [option for option in given if option not in methods[name].takes]
    if wrong:
        raise _not_taken(methods, name, wrong[0])
    return methods[name].build(latlon, photos, given)


def _not_taken(methods: Mapping[str, Method], name: str, option: str) -> UsageError:
    own = ", ".join(f"`{taken}`" for taken in methods[name].takes)
    others = [f"`method={other}`" for other, method in methods.items() if option in method.takes]
    advice = f"Leave it out, or type:  {' or '.join(others)}" if others else "Leave it out."
    return UsageError(f"The method '{name}' takes no `{option}` (it takes {own}).\n{advice}")


def preset_named(name: str | None, presets: Mapping[str, Settings], method: str) -> Settings | None:
    """The settings of that name; None when none is asked for.

    Raises:
        UsageError: the method has no such preset.
    """
    if name is None:
        return None
    if name not in presets:
        close = nearest(name, presets)
        advice = f"Did you mean:  `preset={close}`" if close else "Name one of them with `preset`."
        raise UsageError(
            f"The method '{method}' has no preset '{name}' (known: {', '.join(presets)}).\n{advice}"
        )
    return presets[name]
