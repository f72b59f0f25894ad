"""The layout ``exif``: a folder of camera originals, each of which knows where it was taken."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import polars as pl

from graticule.config import IMAGE_SUFFIXES
from graticule.errors import MissingFileError, PhotoError
from graticule.photos.archives import SEPARATOR, is_archive, list_members
from graticule.photos.files import list_photos, require_folder
from graticule.photos.layouts.base import Found, Layout, Words
from graticule.photos.layouts.beside import describing_tables, unreadable_tables


class ExifLayout(Layout):
    """Places come from EXIF, XMP or ``.xmp`` sidecars; the id is the path from the folder or archive."""

    name: ClassVar[str] = "exif"
    summary: ClassVar[str] = "a folder (or .zip, .tar) of originals that carry their position"

    def recognise(self, source: Path) -> str | None:
        """Any folder or archive: this is the last layout that is tried."""
        if source.is_file() and is_archive(source):
            return "it is an archive of photos, so their own metadata is read"
        if not source.is_dir():
            return None
        if beside := describing_tables(source):
            return (
                f"the photos carry positions of their own, which go before those of '{beside[0].file.name}' "
                "beside them (--layout table takes these)"
            )
        return "no table beside the photos says where they were taken, so their own metadata is read"

    def read(self, source: Path, words: Words) -> Found:  # noqa: ARG002 -- the form of every layout
        """Every photo in the folder and below it, or in the archive.

        Raises:
            MissingFileError: there is no such folder or archive, or it holds no photo.
        """
        names, problems = _photos_in(source)
        if not names:
            raise MissingFileError("\n".join([_without_photos(source), *problems]))
        nowhere = pl.Series([None] * len(names), dtype=pl.Float64)
        packed = source.is_file()
        rows = {
            "photo_id": names,
            "file": [f"{source}{SEPARATOR}{name}" if packed else str(source / name) for name in names],
            "latitude": nowhere,
            "longitude": nowhere,
        }
        return Found(pl.DataFrame(rows), warnings=problems, positions_inside=True)


def _photos_in(source: Path) -> tuple[list[str], list[str]]:
    """Names of the photos of a folder or archive, and what kept others from being found."""
    if not source.is_file() or not is_archive(source):
        require_folder(source)
        problems = unreadable_tables(source)
        found = list_photos(source, problems=problems)
        return [file.relative_to(source).as_posix() for file in found], problems
    try:
        listing = list_members(source)
    except PhotoError as error:
        raise MissingFileError(f"{error}\nName another archive, or a folder.") from error
    names = [name for name in listing.names if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    return names, [str(listing.problem)] if listing.problem else []


def _without_photos(source: Path) -> str:
    what = "Archive" if source.is_file() else "Folder"
    return (
        f"{what} '{source}' holds no photos (looked in it and below for .jpg, .heic, .png ...).\n"
        "Name the folder that holds them, or a table of them:  graticule ingest photos.csv -o photos"
    )
