"""What a user may hand to ``predict``, as one flat sequence of photos with ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from PIL import Image

from graticule.config import IMAGE_SUFFIXES
from graticule.errors import MissingFileError, UsageError
from graticule.photos.archives import ARCHIVE_SUFFIXES, SEPARATOR, is_archive, list_members, member_of
from graticule.photos.files import list_archives, list_photos

TABLE_SUFFIXES: Final = frozenset({".parquet", ".csv", ".tsv", ".jsonl"})

_IN_MEMORY: Final = (bytes, bytearray, memoryview, Image.Image, np.ndarray)


@dataclass(frozen=True, slots=True)
class Source:
    """One photo to be located: its id, where it lies (None when in memory), and what to decode.

    ``truth`` is the known place (latitude, longitude) in degrees, or None. It is never shown to the
    network; maps and evaluation draw it beside the answer.
    """

    photo_id: str
    path: str | None
    photo: Any
    truth: tuple[float, float] | None = None


def find_sources(photos: Any) -> Iterator[Source]:
    """The photos of whatever the user gave, in order.

    Convention:
        - a path to a photo, a folder (searched through, sorted), an archive (tar, zip), or a photo table;
          bytes; a PIL image; an array (H, W, 3) or (H, W); a Polars frame with the columns of a photo
          table; or a list or other iterable of such things
        - ``photo_id`` is the table's own, the path within the folder or archive, the file's name, or the
          number of the photo for things in memory; of files in a list that share a name, the whole path

    Raises:
        MissingFileError: a folder or table does not exist, or the folder holds no photo. A single photo
            that does not exist is reported with its answer, so that a batch goes on.
        UsageError: something that is none of these; items of a list are looked at before the first is read.
    """
    if isinstance(photos, str | Path):
        return _of_path(photos)
    if isinstance(photos, pl.DataFrame):
        return _of_table(photos, Path())
    if isinstance(photos, _IN_MEMORY):
        return iter([_in_memory(photos, 0)])
    if isinstance(photos, Source):
        return iter([photos])
    if isinstance(photos, list | tuple):
        for number, item in enumerate(photos):
            _check_item(item, number)
        return _of_items(photos, _shared_names(photos))
    if isinstance(photos, Iterable) and not isinstance(photos, dict):
        return _of_items(photos, frozenset())
    raise UsageError(f"A {type(photos).__name__} is not a photo. {_EXPECTED}")


_EXPECTED: Final = (
    "Give a path, bytes, a PIL image, an array (H, W, 3), a folder, an archive, a photo table, or a list "
    "of them."
)


def _of_items(items: Iterable[Any], shared: frozenset[str]) -> Iterator[Source]:
    for number, item in enumerate(items):
        _check_item(item, number)
        if isinstance(item, Source):
            yield item
        elif isinstance(item, _IN_MEMORY):
            yield _in_memory(item, number)
        elif isinstance(item, str | Path) and Path(item).name in shared:
            for source in find_sources(item):
                whole = source.path if source.path == _text(Path(item)) else f"{item}/{source.photo_id}"
                yield Source(whole or source.photo_id, source.path, source.photo, source.truth)
        else:
            yield from find_sources(item)


def _check_item(item: Any, number: int) -> None:
    if not isinstance(item, (str, Path, pl.DataFrame, Source, *_IN_MEMORY)):
        raise UsageError(f"Item {number} of the photos is a {type(item).__name__}, not a photo. {_EXPECTED}")


def _shared_names(items: list[Any] | tuple[Any, ...]) -> frozenset[str]:
    """File names that different paths of a list have in common: alone they would tell no photo apart."""
    names = Counter(Path(item).name for item in items if isinstance(item, str | Path))
    return frozenset(name for name, count in names.items() if count > 1)


def _of_path(given: str | Path) -> Iterator[Source]:
    if not str(given).strip():
        raise UsageError("The path of the photo is empty. Give the path of a photo, a folder or a table.")
    path = Path(given)
    if path.is_dir():
        return _of_folder(path)
    if path.suffix.lower() in TABLE_SUFFIXES and member_of(path) is None:
        return _of_table_file(path)
    if is_archive(path):
        return _of_archive(path)
    return iter([Source(photo_id=_text(path.name), path=_text(path), photo=path)])


def _of_folder(folder: Path) -> Iterator[Source]:
    """The photos below a folder. Broken links and pipes called like photos are kept: each is told of."""
    if (folder / "photos.parquet").is_file():
        yield from _of_table_file(folder / "photos.parquet")
        return
    found = list_photos(folder)
    for path in found:
        yield Source(photo_id=_text(path.relative_to(folder).as_posix()), path=_text(path), photo=path)
    if found:
        return
    archives = list_archives(folder)
    if not archives:
        raise MissingFileError(
            f"There is no photo in the folder '{folder}' (looked for {', '.join(sorted(IMAGE_SUFFIXES))}, "
            f"and for archives {', '.join(ARCHIVE_SUFFIXES)}).\n"
            "Name the folder that holds the photos, or a photo."
        )
    for archive in archives:
        inside = archive.relative_to(folder).as_posix()
        for source in _of_archive(archive):
            yield Source(f"{inside}{SEPARATOR}{source.photo_id}", source.path, source.photo)


def _of_archive(archive: Path) -> Iterator[Source]:
    """The photos of a tar or zip; what keeps the rest of a damaged one from being read is a last row."""
    if not archive.is_file():
        raise MissingFileError(f"There is no archive '{archive}'.\nCheck the path.")
    listing = list_members(archive)
    names = [name for name in listing.names if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    if not names and listing.problem is None:
        raise MissingFileError(
            f"There is no photo in the archive '{archive}' (looked for {', '.join(sorted(IMAGE_SUFFIXES))})."
        )
    for name in names:
        path = f"{archive}{SEPARATOR}{name}"
        yield Source(photo_id=_text(name), path=_text(path), photo=path)
    if listing.problem is not None:
        yield Source(photo_id=_text(archive.name), path=_text(archive), photo=listing.problem)


def _of_table_file(path: Path) -> Iterator[Source]:
    if path.suffix.lower() == ".parquet":
        from graticule.photos.table import read_photo_table

        yield from _of_table(read_photo_table(path), path.parent)
        return
    from graticule.photos.columns import sniff
    from graticule.photos.coordinates import read_numbers
    from graticule.photos.tabular import read_rows

    rows = read_rows(path)
    found = sniff(rows)
    if found.path is None:
        raise UsageError(
            f"The table '{path}' has no column that names the photos (found: {', '.join(rows.columns)}).\n"
            "Call it 'path', or make a photo table:  graticule ingest TABLE -o FOLDER"
        )
    named = {"path": rows[found.path], "photo_id": rows[found.photo_id or found.path]}
    for role, column in (("latitude", found.latitude), ("longitude", found.longitude)):
        if column is not None:
            named[role] = read_numbers(rows[column])[0].fill_nan(None)
    yield from _of_table(pl.DataFrame(named), path.parent)


def _of_table(table: pl.DataFrame, folder: Path) -> Iterator[Source]:
    names = [name for name in ("photo_id", "path", "latitude", "longitude") if name in table.columns]
    if "path" not in names:
        raise UsageError(
            f"The table of photos has no column 'path' (found: {', '.join(table.columns)}).\n"
            "Make a photo table of it:  graticule ingest TABLE -o FOLDER"
        )
    for row in table.select(names).iter_rows(named=True):
        path = folder / (row["path"] or "")  # a row without one is answered with an error, not dropped
        latitude, longitude = row.get("latitude"), row.get("longitude")
        truth = None
        if latitude is not None and longitude is not None and abs(latitude) <= 90:
            truth = (float(latitude), float(longitude))
        yield Source(
            photo_id=_text(row.get("photo_id") or row["path"] or ""),
            path=_text(path),
            photo=path,
            truth=truth,
        )


def _in_memory(photo: Any, number: int) -> Source:
    whole = bytes(photo) if isinstance(photo, bytearray | memoryview) else photo
    return Source(photo_id=f"photo-{number}", path=None, photo=whole)


def _text(name: object) -> str:
    r"""A name as text that any file format holds; bytes that are no UTF-8 are written as ``\udcff``."""
    return str(name).encode("utf-8", "backslashreplace").decode()
