"""Tiny copies of data sets: photos and tables in a folder of their own."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graticule.photos.ingest import IngestReport, IngestSettings, ingest
from graticule.photos.layouts import Words, choose_layout
from graticule.photos.table import photo_paths, read_photo_table


class Copy:
    """A data set to be: files are put into it, and it is ingested."""

    def __init__(self, folder: Path, photo: Callable[..., bytes]) -> None:
        self.folder = folder
        self.photo = photo
        self.count = 0

    def picture(self) -> bytes:
        """A photo that no other is the same as."""
        self.count += 1
        return self.photo(size=(40 + self.count, 30))

    def photos(self, *names: str) -> None:
        for name in names:
            self.file(name, self.picture())

    def file(self, name: str, data: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def table(self, name: str, rows: Iterable[Mapping[str, Any]]) -> Path:
        rows = list(rows)
        path = self.file(name, "")
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def layout(self, source: Path | None = None, **words: Any) -> str:
        return choose_layout(source or self.folder, "auto", Words(**words))[0].name

    def ingest(self, source: Path | None = None, **words: Any) -> tuple[IngestReport, pl.DataFrame]:
        """The report and the table; every kept photo opens, and its bytes are the ones that were checked."""
        output = self.folder.parent / "out"
        report = ingest(source or self.folder, output, IngestSettings(workers=1, **words))
        frame = read_photo_table(output)
        assert report.read == report.kept + len(report.refusals) == frame.height + len(report.refusals)
        assert all(refusal.message.endswith(".") for refusal in report.refusals)
        if report.pixels_checked:
            from graticule.photos.decode import read_bytes

            for path, digest in zip(photo_paths(frame, output), frame["sha256"], strict=True):
                assert hashlib.sha256(read_bytes(path)).hexdigest() == digest
        return report, frame


@pytest.fixture
def copy(tmp_path: Path, photo) -> Copy:
    (tmp_path / "data").mkdir()
    return Copy(tmp_path / "data", photo)
