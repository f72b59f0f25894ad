"""The layout ``exif``: a folder of camera originals, each of which knows where it was taken."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import polars as pl

from graticule.errors import MissingFileError
from graticule.photos.files import list_photos, require_folder
from graticule.photos.layouts.base import Found, Layout, Words
from graticule.photos.layouts.beside import describing_tables


class ExifLayout(Layout):
    """Places come from EXIF, XMP or ``.xmp`` sidecars; the id is the path from the folder."""

    name: ClassVar[str] = "exif"
    summary: ClassVar[str] = "a folder of camera originals that carry their position"

    def recognise(self, source: Path) -> str | None:
        """Any folder: this is the last layout that is tried."""
        if not source.is_dir():
            return None
        if beside := describing_tables(source):
            return (
                f"the photos carry positions of their own, which go before those of '{beside[0].file.name}' "
                "beside them (--layout table takes these)"
            )
        return "no table beside the photos says where they were taken, so their own metadata is read"

    def read(self, source: Path, words: Words) -> Found:  # noqa: ARG002 -- the form of every layout
        """Every photo in the folder and below it.

        Raises:
            MissingFileError: there is no such folder, or it holds no photo.
        """
        require_folder(source)
        files = list_photos(source)
        if not files:
            raise MissingFileError(
                f"Folder '{source}' holds no photos (looked in it and below for .jpg, .heic, .png ...).\n"
                "Name the folder that holds them, or a table of them:  graticule ingest photos.csv -o photos"
            )
        nowhere = pl.Series([None] * len(files), dtype=pl.Float64)
        rows = {
            "photo_id": [file.relative_to(source).as_posix() for file in files],
            "file": [str(file) for file in files],
            "latitude": nowhere,
            "longitude": nowhere,
        }
        return Found(pl.DataFrame(rows), positions_inside=True)
