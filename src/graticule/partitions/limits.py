"""How many photos a cell may hold, and other whole numbers that builders are given: defaults and refusals."""

from __future__ import annotations

import operator
from typing import Final

from graticule.errors import UsageError

MAX_PHOTOS: Final = 300
MIN_PHOTOS: Final = 30
"""Photos per cell when neither numbers nor a preset are given."""


def check_whole(least: int, **numbers: int | None) -> None:
    """Refuse numbers that are not whole, or too small; None is no number, and passes.

    Raises:
        UsageError: naming the first that cannot be, and the least that can.

    Example:
        >>> check_whole(1, cells=3, groups=None)
    """
    for name, number in numbers.items():
        if number is not None and not (_is_whole(number) and number >= least):
            raise UsageError(
                f"`{name}={number}` cannot be, expected a whole number of at least {least}.\n"
                f"Type, for example:  `{name}={least}`"
            )


def check_limits(max_photos: int | None, min_photos: int) -> None:
    """Refuse numbers of photos per cell that no cell can hold.

    Raises:
        UsageError: one is not whole or under 1, or ``min_photos`` is over ``max_photos``.
    """
    if not _is_whole(min_photos) or min_photos < 1:
        raise UsageError(
            f"The least number of photos in a cell is {min_photos}, expected a whole number of at least 1: a "
            "cell without photos teaches nothing.\nType:  `min_photos=1`"
        )
    if max_photos is None:
        return
    if not _is_whole(max_photos) or max_photos < 1:
        raise UsageError(
            f"`max_photos={max_photos}` cannot be, expected a whole number of at least 1.\n"
            f"Type, for example:  `max_photos={max(MAX_PHOTOS, 4 * min_photos)}`"
        )
    if max_photos < min_photos:
        raise UsageError(
            f"A cell cannot hold at most {max_photos} and at least {min_photos} photos.\n"
            f"Type:  `max_photos={min_photos * 4}, min_photos={min_photos}`"
        )


def _is_whole(number: object) -> bool:
    try:
        operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        return False
    return not isinstance(number, bool)
