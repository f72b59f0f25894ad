"""The layout of MP16-Pro: ``MP16_Pro_places365.csv`` with names of places, and one large tar of photos."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from graticule.photos.layouts.base import Found, Words
from graticule.photos.layouts.places365 import Places365Layout


class Mp16ProLayout(Places365Layout):
    """As MP-16; the table says ``e1/55/47.jpg`` where the tar says ``e1_55_47.jpg``."""

    name: ClassVar[str] = "mp16-pro"
    summary: ClassVar[str] = "MP16-Pro: MP16_Pro_places365.csv and mp-16-images.tar or its photos"
    title: ClassVar[str] = "MP16-Pro"
    source: ClassVar[str | None] = "mp16-pro"
    tables: ClassVar[Mapping[str, str | None]] = {"mp16_pro_places365": None}

    def read(self, source: Path, words: Words) -> Found:
        """As for any table; a tar that is still in pieces is told.

        Raises:
            TableError: there is no such table.
        """
        found = super().read(source, words)
        folder = words.images or (source if source.is_dir() else source.parent)
        pieces = [file for file in folder.glob("mp-16-images*") if file.is_file() and file.suffix != ".tar"]
        if not pieces or not found.refused:
            return found
        told = (
            f"'{folder}' holds the tar of photos in pieces. Put them together:  "
            f"cd {shlex.quote(str(folder))} && cat mp-16-images* > photos.tar"
        )
        return replace(found, warnings=[*found.warnings, told])
