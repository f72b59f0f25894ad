"""Photos stored small: encoded once at the size that training needs, loose or in shards, resumably."""

from __future__ import annotations

from graticule.photos.storing.journal import check_form, clear, read_journal
from graticule.photos.storing.storage import Storage
from graticule.photos.storing.store import INDEX_NAME, ORIGINAL, Stored, store_photos

__all__ = [
    "INDEX_NAME",
    "ORIGINAL",
    "Storage",
    "Stored",
    "check_form",
    "clear",
    "read_journal",
    "store_photos",
]
