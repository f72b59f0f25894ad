"""Where each member of an archive starts: an index of fixed size per member, however long the names."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

ARCHIVE_ADVICE: Final = "Fetch the archive again."
"""What to do about an archive that is damaged: unlike a photo, no picture program mends it."""


class Member(NamedTuple):
    """A file inside an archive: its name, the first byte of it (or of its header) and its length there."""

    name: str
    start: int
    size: int


class MemberIndex:
    """Start and length by name, in 24 bytes per member; of members of one name the last one counts."""

    def __init__(self, members: Iterable[Member]) -> None:
        keys, starts, sizes = array("Q"), array("Q"), array("Q")
        for member in members:
            keys.append(_key(member.name))
            starts.append(member.start)
            sizes.append(member.size)
        unsorted = np.frombuffer(keys, dtype=np.uint64) if keys else np.empty(0, np.uint64)
        order = np.argsort(unsorted, kind="stable")
        self._keys = unsorted[order]
        self._starts = np.array(starts, dtype=np.uint64)[order]
        self._sizes = np.array(sizes, dtype=np.uint64)[order]

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, name: str) -> Member | None:
        """The member of that name; ``./a`` and ``a`` are one name."""
        key = np.uint64(_key(name))
        place = int(np.searchsorted(self._keys, key, side="right")) - 1
        if place < 0 or self._keys[place] != key:
            return None
        return Member(name, int(self._starts[place]), int(self._sizes[place]))


def _key(name: str) -> int:
    """64 bits of a hash: among a million members two share one once in thirty million archives."""
    plain = "/".join(part for part in name.split("/") if part not in ("", "."))
    digest = hashlib.blake2b(plain.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
