"""Photo tables, decoding and ingest: from whatever holds photos with places to ``photos.parquet``.

Names are loaded when first used, so that decoding a photo does not wait for the table reader. The functions
``decode`` and ``ingest`` are called like their modules, and are imported from them:
``from graticule.photos.decode import decode``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graticule.photos.datasheet import dataset_facts
    from graticule.photos.dealing import Dealing, DealtPhotos
    from graticule.photos.duplicates import near_duplicates, perceptual_hash
    from graticule.photos.exif import Position, read_position
    from graticule.photos.ingest_report import IngestReport
    from graticule.photos.leaks import find_leaks
    from graticule.photos.reading import PhotoReader
    from graticule.photos.regions import decode_region
    from graticule.photos.sample_files import SampleRules, sample_table
    from graticule.photos.settings import IngestSettings
    from graticule.photos.split import split_photos
    from graticule.photos.split_files import check_table, split_table
    from graticule.photos.split_rules import SplitRules
    from graticule.photos.storing import Storage
    from graticule.photos.table import COLUMNS, photo_paths, read_photo_table, write_photo_table

_HOMES = {
    "COLUMNS": "graticule.photos.table",
    "Dealing": "graticule.photos.dealing",
    "DealtPhotos": "graticule.photos.dealing",
    "IngestReport": "graticule.photos.ingest_report",
    "IngestSettings": "graticule.photos.settings",
    "PhotoReader": "graticule.photos.reading",
    "Position": "graticule.photos.exif",
    "SampleRules": "graticule.photos.sample_files",
    "SplitRules": "graticule.photos.split_rules",
    "Storage": "graticule.photos.storing",
    "check_table": "graticule.photos.split_files",
    "dataset_facts": "graticule.photos.datasheet",
    "decode_region": "graticule.photos.regions",
    "find_leaks": "graticule.photos.leaks",
    "near_duplicates": "graticule.photos.duplicates",
    "perceptual_hash": "graticule.photos.duplicates",
    "photo_paths": "graticule.photos.table",
    "read_photo_table": "graticule.photos.table",
    "read_position": "graticule.photos.exif",
    "sample_table": "graticule.photos.sample_files",
    "split_photos": "graticule.photos.split",
    "split_table": "graticule.photos.split_files",
    "write_photo_table": "graticule.photos.table",
}

__all__ = [
    "COLUMNS",
    "Dealing",
    "DealtPhotos",
    "IngestReport",
    "IngestSettings",
    "PhotoReader",
    "Position",
    "SampleRules",
    "SplitRules",
    "Storage",
    "check_table",
    "dataset_facts",
    "decode_region",
    "find_leaks",
    "near_duplicates",
    "perceptual_hash",
    "photo_paths",
    "read_photo_table",
    "read_position",
    "sample_table",
    "split_photos",
    "split_table",
    "write_photo_table",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'graticule.photos' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
