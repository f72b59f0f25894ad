"""The layout WebDataset: tar files in which ``17.jpg``, ``17.json`` and ``17.cls`` are one sample."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

import polars as pl

from graticule.config import IMAGE_SUFFIXES
from graticule.errors import GraticuleError, MissingFileError, PhotoError
from graticule.photos.archives import SEPARATOR, list_members, read_member
from graticule.photos.columns import sniff
from graticule.photos.fields import split_name
from graticule.photos.files import FileIndex, list_top
from graticule.photos.layouts.base import Found, Layout, Words
from graticule.photos.layouts.labels import with_country
from graticule.photos.layouts.rows import Origin, photos_of

_WORDS: Final = ("cls", "txt", "text", "latitude", "longitude", "lat", "lon", "lng", "country", "author")
"""Files of a sample, by their ending, whose whole text is one value."""

_MAX_BYTES: Final = 1 << 20
_LOOKED_AT: Final = 20


class WebDatasetLayout(Layout):
    """Photos are read from inside the tars; the keys of the JSON become columns."""

    name: ClassVar[str] = "webdataset"
    summary: ClassVar[str] = "WebDataset: tar files with <key>.jpg and <key>.json (or .cls, .txt)"

    def recognise(self, source: Path) -> str | None:
        """A tar in which a photo has a file with its place or label beside it."""
        tars = _tars(source)
        if not tars:
            return None
        try:
            samples = _samples(list_members(tars[0]).names)
        except PhotoError:
            return None
        if not any(_beside(names) for names in list(samples.values())[:_LOOKED_AT]):
            return None
        return f"'{tars[0].name}' holds photos and what is known of each beside it"

    def read(self, source: Path, words: Words) -> Found:
        """Every sample with a photo.

        Raises:
            MissingFileError: there is no tar.
            TableError: latitudes and longitudes are swapped.
        """
        tars = _tars(source)
        if not tars:
            raise MissingFileError(
                f"'{source}' holds no tar files.\nName the folder that holds them, or one of them."
            )
        root = source if source.is_dir() else source.parent
        rows: list[dict[str, str | None]] = []
        problems = []
        for tar in tars:
            try:
                listing = list_members(tar)
            except PhotoError as error:
                problems.append(str(error))
                continue
            problems += [str(listing.problem)] if listing.problem else []
            rows += _rows(tar, tar.relative_to(root).as_posix(), listing.names)
        if not rows:
            raise MissingFileError(
                f"The tar files of '{source}' hold no photos.\n" + "\n".join(problems or ["Name others."])
            )
        names = list(dict.fromkeys(key for row in rows for key in row))
        frame = with_country(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String)))
        known = sniff(frame.drop("sample_path", "sample_key"), **_said(words))
        unique = known.photo_id is not None and frame[known.photo_id].is_unique().all()
        columns = replace(
            known,
            path="sample_path",
            photo_id=known.photo_id if unique else "sample_key",
            split=known.split or "sample_split",
        )
        spare = {"sample_key", "sample_split"} - set(columns.used().values())
        origin = Origin(tars[0], FileIndex(root), words, words.line(source))
        found = photos_of(frame.drop(spare), columns, origin)
        return replace(found, warnings=[*problems, *found.warnings])


def _said(words: Words) -> dict[str, str | None]:
    return {role: name for role, name in words.columns().items() if role in ("latitude", "longitude")}


def _tars(source: Path) -> list[Path]:
    """The tar itself, or the tars in a folder and in the folders in it."""
    if source.is_file():
        return [source] if source.suffix.lower() == ".tar" else []
    if not source.is_dir():
        return []
    try:
        below = [each for each in list_top(source) if each.is_dir() and not each.name.startswith(".")]
        files = [file for folder in (source, *below) for file in list_top(folder)]
    except GraticuleError:
        return []
    return [file for file in files if file.suffix.lower() == ".tar" and file.is_file()]


def _samples(names: list[str]) -> dict[str, dict[str, str]]:
    """Key to ending to name: a key is all up to the first dot of the last part of the name."""
    samples: dict[str, dict[str, str]] = {}
    for name in names:
        folder, slash, base = name.rpartition("/")
        stem, _, ending = base.partition(".")
        if stem and ending:
            samples.setdefault(folder + slash + stem, {})[ending.lower()] = name
    return samples


def _beside(names: dict[str, str]) -> bool:
    """Whether a sample has a photo and something else that can say where it was taken."""
    return _photo(names) is not None and ("json" in names or any(word in names for word in _WORDS))


def _photo(names: dict[str, str]) -> str | None:
    """The photo of a sample: ``17.jpg``, else one with more in its ending, such as ``17.small.jpg``."""
    endings = sorted(names, key=lambda ending: "." in ending)
    return next((names[each] for each in endings if f".{each.rpartition('.')[2]}" in IMAGE_SUFFIXES), None)


def _rows(tar: Path, path: str, names: list[str]) -> Iterator[dict[str, str | None]]:
    """A row per sample with a photo, all values as text."""
    split = _split(tar)
    for key, files in _samples(names).items():
        photo = _photo(files)
        if photo is None:
            continue
        row: dict[str, str | None] = {
            "sample_path": f"{path}{SEPARATOR}{photo}",
            "sample_key": key.removeprefix("./"),
            "sample_split": split,
        }
        if "json" in files:
            row |= _values(tar, files["json"])
        for word in _WORDS:
            if word in files:
                row.setdefault(word, read_member(tar, files[word], max_bytes=_MAX_BYTES).decode().strip())
        yield row


def _values(tar: Path, name: str) -> dict[str, str | None]:
    """The values of a sample's JSON as text; what is none, or no object, says nothing."""
    try:
        found: Any = json.loads(read_member(tar, name, max_bytes=_MAX_BYTES))
    except (PhotoError, ValueError):
        return {"json_error": "damaged"}
    if not isinstance(found, dict):
        return {"json_error": "no object"}
    return {str(key): _text(value) for key, value in found.items()}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _split(tar: Path) -> str | None:
    """The split that the name of a tar, or of its folder, begins with: ``train-0001.tar``, ``val/0.tar``."""
    for name in (tar.stem, tar.parent.name):
        word = re.match(r"[A-Za-z]*", name)
        if word and (split := split_name(word[0])):
            return split
    return None
