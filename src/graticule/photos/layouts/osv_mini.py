"""The layout of OSV-Mini-129k: ``train_mini.csv`` and ``train_images/<region>/<id>.jpg``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from graticule.photos.layouts.osv5m import Osv5mLayout


class OsvMiniLayout(Osv5mLayout):
    """OSV-5M's columns in tables of other names; the United States only."""

    name: ClassVar[str] = "osv-mini"
    summary: ClassVar[str] = "OSV-Mini-129k: train_mini.csv ... and train_images/<region>/<id>.jpg"
    title: ClassVar[str] = "OSV-Mini-129k"
    source: ClassVar[str | None] = "osv-mini-129k"
    tables: ClassVar[Mapping[str, str | None]] = {
        "train_mini": "train",
        "val_mini": "val",
        "test_mini": "test",
    }
