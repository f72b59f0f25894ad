"""What every layout does: recognise a source, and list its photos in one common form."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import polars as pl

from graticule.errors import PhotoError


@dataclass(frozen=True)
class Words:
    """What the user said beside the source; all of it may be left out.

    Convention:
        - ``latitude``, ``longitude``, ``path``, ``photo_id``: names of columns
        - ``images``: the folder that the table's paths start from
        - ``utm_zone``: such as ``32N``, for coordinates in metres that do not name their zone
        - ``output``: where the table will go, for the lines that errors advise to type
    """

    latitude: str | None = None
    longitude: str | None = None
    path: str | None = None
    photo_id: str | None = None
    images: Path | None = None
    decimal_comma: bool = False
    output: Path = Path("photos")
    utm_zone: str | None = None

    def columns(self) -> dict[str, str | None]:
        """Role to the column said for it."""
        return {name: getattr(self, name) for name in ("latitude", "longitude", "path", "photo_id")}

    def about_columns(self) -> bool:
        """Whether anything said is about the columns of a table."""
        return any(self.columns().values()) or self.decimal_comma

    def line(self, source: Path) -> str:
        """The line that the user typed, without the options: errors add to it."""
        return f"graticule ingest {shlex.quote(str(source))} -o {shlex.quote(str(self.output))}"


@dataclass(frozen=True)
class Refusal:
    """A photo that was not taken, and why."""

    photo_id: str
    path: str
    reason: str
    message: str

    @classmethod
    def of(cls, photo_id: str, path: str, error: PhotoError) -> Refusal:
        """The refusal that an error means."""
        return cls(photo_id, path, error.reason, str(error))


@dataclass(frozen=True)
class Found:
    """The photos of a source.

    Convention:
        - ``rows``: ``photo_id``, ``file`` (the path to open), ``latitude``, ``longitude`` (Float64
          degrees or null), and where the source has them ``country``, ``split``, ``group``, ``source``,
          ``licence`` and columns of its own; types may still be the source's
        - ``refused``: what could not be taken; ``read`` is the number of both
        - ``columns``: which column of the source was read as what
        - ``positions_inside``: places are still to be read from the files' own metadata
    """

    rows: pl.DataFrame
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    positions_inside: bool = False

    @property
    def read(self) -> int:
        """How many photos the source named."""
        return self.rows.height + len(self.refused)


class Layout(ABC):
    """One usual form in which photos with places come."""

    name: ClassVar[str]
    """What is typed after ``--layout``."""

    summary: ClassVar[str]
    """One line for the help."""

    source: ClassVar[str | None] = None
    """Written as the source of its photos where neither they nor the user name one."""

    @abstractmethod
    def recognise(self, source: Path) -> str | None:
        """Why ``source`` looks like this layout, as a clause; None when it does not."""

    @abstractmethod
    def read(self, source: Path, words: Words) -> Found:
        """The photos of ``source``; files are looked for, not opened.

        Raises:
            GraticuleError: the source as a whole cannot be read so; the message holds a line to type.
        """
