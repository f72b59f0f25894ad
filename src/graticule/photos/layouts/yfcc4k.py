"""The layout of YFCC4k: ``info.txt`` with YFCC100M's columns, or ``yfcc4k_places365.csv``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from graticule.photos.layouts.base import Found, Words
from graticule.photos.layouts.places365 import Places365Layout
from graticule.photos.layouts.yfcc100m import Yfcc100mLayout


class _Yfcc4kPlaces365(Places365Layout):
    title: ClassVar[str] = "YFCC4k"
    tables: ClassVar[Mapping[str, str | None]] = {"yfcc4k_places365": None}


class Yfcc4kLayout(Yfcc100mLayout):
    """The 4,536 photos of Vo, Jacobs and Hays (2017); its two tables differ in the order of coordinates."""

    name: ClassVar[str] = "yfcc4k"
    summary: ClassVar[str] = "YFCC4k: info.txt (longitude before latitude) or yfcc4k_places365.csv"
    source: ClassVar[str | None] = "yfcc4k"
    title: ClassVar[str] = "YFCC4k"
    pattern: ClassVar[str] = r"info\.txt|yfcc4k(_info)?\.(txt|tsv)"
    places365: ClassVar[Places365Layout] = _Yfcc4kPlaces365()

    def recognise(self, source: Path) -> str | None:
        """By the name and the columns of either table."""
        return self.places365.recognise(source) or super().recognise(source)

    def read(self, source: Path, words: Words) -> Found:
        """The photos of the table with probabilities of scenes, where it is there; else of ``info.txt``.

        Raises:
            TableError: there is neither.
        """
        if self.places365.recognise(source):
            return self.places365.read(source, words)
        return super().read(source, words)
