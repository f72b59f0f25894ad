"""The name of each photo in its stored form: readable, safe on every file system, and nobody else's."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from graticule.config import IMAGE_SUFFIXES

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST: Final = 60
_LIKE_HASHED: Final = re.compile(
    r"(^|-)[0-9a-f]{12}$"
)  # an id that looks so could meet another one's hashed key


def storage_keys(photo_ids: Sequence[str]) -> list[str]:
    """A key per photo, without dots (WebDataset cuts a name at the first) and slashes.

    Convention:
        - ids differ; the ending of a photo's name is left out; an id that cannot be a name, or differs from
          another by case or ending only, gets a hash appended

    Example:
        >>> storage_keys(["17.jpg", "e1/55", "a", "A"])
        ['17', 'e1_55-c0a29d9bac81', 'a-433911c6eb0d', 'A-16dda5bd4730']
    """
    bare = [_without_ending(photo_id) for photo_id in photo_ids]
    safe = [_UNSAFE.sub("_", name)[:_LONGEST].strip("_-") for name in bare]
    folded = Counter(key.lower() for key in safe)

    def key_of(name: str, safe_name: str, photo_id: str) -> str:
        itself = safe_name == name and folded[name.lower()] == 1 and not _LIKE_HASHED.search(name)
        return safe_name if itself and name else f"{safe_name}-{_digest(photo_id)}".lstrip("-")

    return [key_of(*each) for each in zip(bare, safe, photo_ids, strict=True)]


def _without_ending(photo_id: str) -> str:
    stem, dot, ending = photo_id.rpartition(".")
    return stem if stem and f"{dot}{ending.lower()}" in IMAGE_SUFFIXES else photo_id


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
