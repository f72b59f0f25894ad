"""Licences of photos: Flickr's numbers, their names (SPDX where there is one), and which are free."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from graticule.config import nearest
from graticule.errors import UsageError

_CC: Final = "https://creativecommons.org"

FLICKR_LICENCES: Final = {
    0: ("all-rights-reserved", ""),
    1: ("CC-BY-NC-SA-2.0", f"{_CC}/licenses/by-nc-sa/2.0/"),
    2: ("CC-BY-NC-2.0", f"{_CC}/licenses/by-nc/2.0/"),
    3: ("CC-BY-NC-ND-2.0", f"{_CC}/licenses/by-nc-nd/2.0/"),
    4: ("CC-BY-2.0", f"{_CC}/licenses/by/2.0/"),
    5: ("CC-BY-SA-2.0", f"{_CC}/licenses/by-sa/2.0/"),
    6: ("CC-BY-ND-2.0", f"{_CC}/licenses/by-nd/2.0/"),
    7: ("no-known-copyright-restrictions", "https://www.flickr.com/commons/usage/"),
    8: ("US-Government-Work", "https://www.usa.gov/government-works"),
    9: ("CC0-1.0", f"{_CC}/publicdomain/zero/1.0/"),
    10: ("CC-PDM-1.0", f"{_CC}/publicdomain/mark/1.0/"),
    11: ("CC-BY-4.0", f"{_CC}/licenses/by/4.0/"),
    12: ("CC-BY-SA-4.0", f"{_CC}/licenses/by-sa/4.0/"),
    13: ("CC-BY-ND-4.0", f"{_CC}/licenses/by-nd/4.0/"),
    14: ("CC-BY-NC-4.0", f"{_CC}/licenses/by-nc/4.0/"),
    15: ("CC-BY-NC-SA-4.0", f"{_CC}/licenses/by-nc-sa/4.0/"),
    16: ("CC-BY-NC-ND-4.0", f"{_CC}/licenses/by-nc-nd/4.0/"),
}
"""Name and address by the number of ``flickr.photos.licenses.getInfo``."""

MAPILLARY_LICENCE: Final = ("CC-BY-SA-4.0", f"{_CC}/licenses/by-sa/4.0/")
"""That of every photo on Mapillary."""

FREE: Final = frozenset({
    "CC-BY-2.0", "CC-BY-4.0", "CC-BY-SA-2.0", "CC-BY-SA-4.0", "CC0-1.0", "CC-PDM-1.0", "US-Government-Work",
})  # fmt: skip
"""Anyone may use, change and share the photo, for money too (freedomdefined.org); name its author."""

_ALL: Final = frozenset(name for name, _ in FLICKR_LICENCES.values())

SETS: Final = {"free": FREE, "cc": frozenset(name for name in _ALL if name.startswith("CC")), "any": _ALL}
"""What may be said instead of names; ``any`` includes photos whose authors reserve all rights."""


def read_licences(words: Iterable[str]) -> frozenset[str]:
    """The licences that words mean: names of ``SETS`` or of licences.

    Raises:
        UsageError: there is no such licence.

    Example:
        >>> sorted(read_licences(["CC0-1.0", "CC-BY-4.0"]))
        ['CC-BY-4.0', 'CC0-1.0']
    """
    chosen: set[str] = set()
    by_name = {name.casefold(): name for name in _ALL}
    for word in words:
        if word.casefold() in SETS:
            chosen |= SETS[word.casefold()]
        elif word.casefold() in by_name:
            chosen.add(by_name[word.casefold()])
        else:
            close = nearest(word, [*SETS, *_ALL])
            advice = f"Did you mean:  --licences {close}" if close else "The usual choice:  --licences free"
            raise UsageError(
                f"There is no licence '{word}' (there are: {', '.join([*SETS, *sorted(_ALL)])}).\n{advice}"
            )
    return frozenset(chosen)
