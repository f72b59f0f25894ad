"""What a user may hand to ``predict``, as one flat sequence of photos with ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from PIL import Image

from graticule.config import IMAGE_SUFFIXES
from graticule.errors import MissingFileError, UsageError

TABLE_SUFFIXES: Final = frozenset({".parquet", ".csv", ".tsv", ".jsonl"})


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
        - a path to a photo, a folder (searched through, sorted), or a photo table; bytes; a PIL
          image; an array (H, W, 3) or (H, W); a Polars frame with the columns of a photo table; or
          a list or other iterable of such things
        - ``photo_id`` is the table's own, the path within the folder, the file's name, or the number
          of the photo for things in memory

    Raises:
        MissingFileError: a folder or table does not exist, or the folder holds no photo. A single photo
            that does not exist is reported with its answer, so that a batch goes on.
        UsageError: something that is none of these.
    """
    if isinstance(photos, str | Path):
        yield from _of_path(Path(photos))
    elif isinstance(photos, pl.DataFrame):
        yield from _of_table(photos, Path())
    elif isinstance(photos, bytes | bytearray | memoryview | Image.Image | np.ndarray):
        yield _in_memory(photos, 0)
    elif isinstance(photos, Iterable):
        for number, item in enumerate(photos):
            if isinstance(item, Source):
                yield item
            elif isinstance(item, str | Path | pl.DataFrame):
                yield from find_sources(item)
            else:
                yield _in_memory(item, number)
    else:
        raise UsageError(
            f"A {type(photos).__name__} is not a photo. Give a path, bytes, a PIL image, an array (H, W, 3), "
            "a folder, a photo table, or a list of them."
        )


def _of_path(path: Path) -> Iterator[Source]:
    if path.is_dir():
        yield from _of_folder(path)
    elif path.suffix.lower() in TABLE_SUFFIXES:
        yield from _of_table_file(path)
    else:
        yield Source(photo_id=_text(path.name), path=_text(path), photo=path)


def _of_folder(folder: Path) -> Iterator[Source]:
    if (folder / "photos.parquet").is_file():
        yield from _of_table_file(folder / "photos.parquet")
        return
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    if not found:
        raise MissingFileError(
            f"There is no photo in the folder '{folder}' (looked for {', '.join(sorted(IMAGE_SUFFIXES))}).\n"
            "Name the folder that holds the photos:  graticule predict FOLDER"
        )
    for path in found:
        yield Source(photo_id=_text(path.relative_to(folder).as_posix()), path=_text(path), photo=path)


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
    return Source(photo_id=f"photo-{number}", path=None, photo=photo)


def _text(name: object) -> str:
    r"""A name as text that any file format holds; bytes that are no UTF-8 are written as ``\udcff``."""
    return str(name).encode("utf-8", "backslashreplace").decode()
