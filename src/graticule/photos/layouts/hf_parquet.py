"""The layout of Hugging Face's data sets: Parquet files with the bytes of photos in a column.

The photos are written out as files, into ``images/`` beside the photo table: rows of Parquet cannot be read
at random without reading those around them, and not safely from the processes that training forks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

import polars as pl

from graticule.errors import GraticuleError, MissingFileError, TableError
from graticule.photos.columns import check_said, sniff
from graticule.photos.fields import split_name
from graticule.photos.files import FileIndex
from graticule.photos.layouts.base import Found, Layout, Words
from graticule.photos.layouts.labels import with_country
from graticule.photos.layouts.rows import Origin, photos_of

_IMAGE_NAMES: Final = ("image", "img", "photo", "picture", "jpg", "jpeg", "png", "image_bytes", "bytes")
_ENDINGS: Final = {
    b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif", b"II*\0": ".tif", b"MM\0*": ".tif",
    b"BM": ".bmp",
}  # fmt: skip
_ROWS_AT_ONCE: Final = 256
_FOLDER: Final = "images"


class HuggingFaceParquetLayout(Layout):
    """Photos are written into ``images/`` of the output; labels that name countries become countries."""

    name: ClassVar[str] = "hf-parquet"
    summary: ClassVar[str] = "Hugging Face Parquet files with photos inside (written out as files)"

    def recognise(self, source: Path) -> str | None:
        """A Parquet file with a column of bytes of photos."""
        files = _files(source)
        if not files:
            return None
        return f"'{files[0].name}' holds photos in column '{image_column(files[0])}'"

    def read(self, source: Path, words: Words) -> Found:
        """All rows; their photos are written out, those that are there already from an earlier run are not.

        Raises:
            TableError: no file holds photos, or one cannot be read.
            MissingFileError: the photos cannot be written.
            UsageError: a column was said that a file lacks.
        """
        files = _files(source)
        if not files:
            raise TableError(
                f"'{source}' holds no Parquet files with a column of photos.\n"
                f"Let the layout be found out:  {words.line(source)}"
            )
        folder = words.output / _FOLDER
        _make(folder)
        frames = [_rows(file, folder, words) for file in files]
        frame = with_country(pl.concat(frames, how="diagonal_relaxed"))
        known = sniff(frame.drop("photo_path", "photo_split"), **words.columns())
        named = known.photo_id is not None and frame[known.photo_id].is_unique().all()
        columns = replace(
            known,
            path="photo_path",
            photo_id=known.photo_id if named else "photo_path",
            split=known.split or "photo_split",
        )
        if known.split:
            frame = frame.drop("photo_split")
        line = words.line(source)
        return photos_of(frame, columns, Origin(files[0], FileIndex(folder), words, line, is_text=False))


def image_column(file: Path) -> str | None:
    """The column of a Parquet file that holds photos: a struct with bytes, or bytes with a usual name."""
    try:
        schema = pl.read_parquet_schema(file)
    except (pl.exceptions.PolarsError, OSError):
        return None
    for name, kind in schema.items():
        if isinstance(kind, pl.Struct) and any(
            field.name == "bytes" and field.dtype == pl.Binary for field in kind.fields
        ):
            return name
    usual = [name for name, kind in schema.items() if kind == pl.Binary and name.lower() in _IMAGE_NAMES]
    return usual[0] if usual else None


def _files(source: Path) -> list[Path]:
    """The Parquet files with photos: the source, or those in a folder and up to two folders below."""
    if source.is_file():
        found = [source] if source.suffix.lower() in (".parquet", ".pq") else []
    else:
        found = sorted(file for depth in ("", "*/", "*/*/") for file in source.glob(f"{depth}*.parquet"))
        found = [file for file in found if not file.name.startswith(".") and file.is_file()]
    return [file for file in found if image_column(file) is not None]


def _rows(file: Path, folder: Path, words: Words) -> pl.DataFrame:
    """What a file says of its photos, which are written out, and where."""
    image = image_column(file)
    schema = pl.read_parquet_schema(file)
    try:
        check_said(pl.DataFrame(schema=schema), str(file), **words.columns())
        others = [name for name, kind in schema.items() if name != image and kind != pl.Binary]
        frame = pl.read_parquet(file, columns=others) if others else pl.DataFrame()
        names, originals = [], []
        for name, original in _written(file, str(image), folder):
            names.append(name)
            originals.append(original)
    except pl.exceptions.PolarsError as error:
        first = str(error).splitlines()[0]
        raise TableError(f"'{file}' cannot be read as Parquet: {first}.\nFetch it again.") from error
    columns = [
        pl.Series("photo_path", names, dtype=pl.String),
        pl.Series("photo_split", [_split(file)] * len(names), dtype=pl.String),
        pl.Series("original_path", originals, dtype=pl.String),
    ]
    frame = _with_names_of_classes(frame, file)
    frame = frame.with_columns(columns) if frame.width else pl.DataFrame(columns)
    return frame if frame["original_path"].null_count() < frame.height else frame.drop("original_path")


def _written(file: Path, image: str, folder: Path) -> Iterator[tuple[str | None, str | None]]:
    """For each row the name under ``folder`` that its photo was written to, and the one it had before."""
    rows = pl.scan_parquet(file).select(image)
    number = 0
    while (some := rows.slice(number, _ROWS_AT_ONCE).collect()[image]).len():
        for value in some.to_list():
            struct = value if isinstance(value, dict) else {"bytes": value}
            data = struct.get("bytes")
            name = None if not data else f"{_stem(file)}/{number:06d}{_ending(data)}"
            if data and name:
                _write(folder / name, data)
            yield name, struct.get("path")
            number += 1


def _write(path: Path, data: bytes) -> None:
    if path.is_file() and path.stat().st_size == len(data):
        return
    _make(path.parent)
    unfinished = path.with_name(f".{path.name}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(path: Path, error: OSError) -> MissingFileError:
    why = error.strerror or error
    return MissingFileError(f"'{path}' cannot be written: {why}.\nName another folder after -o.")


def _stem(file: Path) -> str:
    """A folder for the photos of a file: its name, and that of the folder it lies in when it is a split."""
    parent = f"{file.parent.name}-" if split_name(file.parent.name) else ""
    return parent + file.stem


def _ending(data: bytes) -> str:
    for signature, ending in _ENDINGS.items():
        if data.startswith(signature):
            return ending
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    if data[4:8] == b"ftyp":
        return ".avif" if data[8:12] in (b"avif", b"avis") else ".heic"
    return ".jpg"  # and ingest will say what it is


def _split(file: Path) -> str | None:
    """The split that a file's name begins with (``train-00000-of-00002.parquet``), or its folder's name."""
    for name in (file.stem, file.parent.name):
        word = re.match(r"[A-Za-z]*", name)
        if word and (split := split_name(word[0])):
            return split
    return None


def _with_names_of_classes(frame: pl.DataFrame, file: Path) -> pl.DataFrame:
    """Whole numbers of class labels replaced by the names that the file's metadata gives them."""
    try:
        features: Any = json.loads(pl.read_parquet_metadata(file)["huggingface"])["info"]["features"]
    except (GraticuleError, KeyError, ValueError, TypeError):
        return frame
    for column, feature in features.items() if isinstance(features, dict) else ():
        names = feature.get("names") if isinstance(feature, dict) else None
        if column in frame.columns and isinstance(names, list) and frame.schema[column].is_integer():
            numbers = list(range(len(names)))
            frame = frame.with_columns(
                pl.col(column).replace_strict(numbers, names, default=None, return_dtype=pl.String)
            )
    return frame
