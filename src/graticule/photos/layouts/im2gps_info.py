"""The layout of Im2GPS and Im2GPS3k as OSV-5M's code reads them: ``info.json`` beside ``images/``.

The file maps each photo's name to the lines that Flickr told of it, such as ``"latitude: 48.85"``; a photo of
which nothing is known has an empty list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Final

import polars as pl

from graticule.errors import TableError
from graticule.photos.columns import Columns
from graticule.photos.files import FileIndex
from graticule.photos.layouts.base import Found, Layout, Words
from graticule.photos.layouts.rows import Origin, photos_of

_NAME: Final = "info.json"
_TAKEN: Final = {
    "latitude": "latitude", "longitude": "longitude", "owner": "author", "datetaken": "taken_at",
    "accuracy": "accuracy",
}  # fmt: skip
"""What lines begin with, before a colon: the column that they become."""


class Im2gpsInfoLayout(Layout):
    """Owners become groups; titles and tags are not taken over."""

    name: ClassVar[str] = "im2gps-info"
    summary: ClassVar[str] = "Im2GPS or Im2GPS3k with info.json, as OSV-5M's code has it"
    source: ClassVar[str | None] = "im2gps"

    def recognise(self, source: Path) -> str | None:
        """By the file and the form of its first entries."""
        file = _file(source)
        lines = _lines(file) if file else None
        if not lines or not any("latitude" in _facts(each) for each in list(lines.values())[:50]):
            return None
        return f"'{_NAME}' maps photos to lines such as 'latitude: 48.85'"

    def read(self, source: Path, words: Words) -> Found:
        """The photos that the file names.

        Raises:
            TableError: there is no such file, or it has another form.
        """
        file = _file(source)
        lines = _lines(file) if file else None
        if file is None or lines is None:
            raise TableError(
                f"'{source}' holds no '{_NAME}' that maps names of photos to lines.\n"
                f"Name its folder, or let the layout be found out:  {words.line(source)}"
            )
        rows = [{"path": name, **_facts(each)} for name, each in lines.items()]
        schema = {name: pl.String() for name in ("path", *_TAKEN.values())}
        frame = pl.DataFrame(rows, schema=schema).select(
            column for column in schema if column in ("path", "latitude", "longitude") or _said(rows, column)
        )
        columns = Columns(
            latitude="latitude", longitude="longitude", path="path", photo_id="path",
            group="author" if "author" in frame.columns else None,
        )  # fmt: skip
        index = FileIndex(words.images or file.parent)
        return photos_of(frame, columns, Origin(file, index, words, words.line(source)))


def _file(source: Path) -> Path | None:
    file = source / _NAME if source.is_dir() else source
    return file if file.is_file() and file.name.lower() == _NAME else None


def _lines(file: Path) -> dict[str, list[Any]] | None:
    """Name of each photo to its lines; None for a file of another form."""
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or not all(isinstance(value, list) for value in document.values()):
        return None
    return document


def _facts(lines: Iterable[Any]) -> dict[str, str]:
    """The lines that are of use, by column; found by their words, since their number varies."""
    facts = {}
    for line in lines:
        word, colon, value = str(line).partition(":")
        if colon and value.strip() and (column := _TAKEN.get(word.strip().lower())):
            facts[column] = value.strip()
    return facts


def _said(rows: list[dict[str, str]], column: str) -> bool:
    return any(column in row for row in rows)
