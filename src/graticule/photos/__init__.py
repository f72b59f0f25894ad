"""Photo tables, decoding and ingest: from whatever holds photos with places to ``photos.parquet``.

Names are loaded when first used, so that decoding a photo does not wait for the table reader. The functions
``decode`` and ``ingest`` are called like their modules, and are imported from them:
``from graticule.photos.decode import decode``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graticule.photos.exif import Position, read_position
    from graticule.photos.ingest import IngestReport
    from graticule.photos.table import COLUMNS, photo_paths, read_photo_table, write_photo_table

_HOMES = {
    "COLUMNS": "graticule.photos.table",
    "IngestReport": "graticule.photos.ingest",
    "Position": "graticule.photos.exif",
    "photo_paths": "graticule.photos.table",
    "read_photo_table": "graticule.photos.table",
    "read_position": "graticule.photos.exif",
    "write_photo_table": "graticule.photos.table",
}

__all__ = [
    "COLUMNS",
    "IngestReport",
    "Position",
    "photo_paths",
    "read_photo_table",
    "read_position",
    "write_photo_table",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'graticule.photos' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
