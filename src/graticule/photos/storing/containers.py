"""What stored photos are put into: a tar per shard, or folders; each is there whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Protocol

from graticule.photos.storing.reencoding import Encoded

UNFINISHED: Final = ".unfinished-"
"""What the names of files begin with that are not whole yet; whoever finds one may remove it."""


class Placed(NamedTuple):
    """A file inside a container: its name, and its first byte there (0 in a folder) and its length."""

    member: str
    offset: int
    size: int


class Container(Protocol):
    """Takes photos, one after the other."""

    def put(self, key: str, photo: Encoded, row: dict[str, Any]) -> list[Placed]:
        """Add a photo and what is known of it; the photo's own file comes first in the result."""


class _Tar:
    """Members ``<key>.jpg`` and ``<key>.json``; nothing in it depends on when or by whom it was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def put(self, key: str, photo: Encoded, row: dict[str, Any]) -> list[Placed]:
        known = json.dumps(row, ensure_ascii=False, default=str).encode()
        return [self._add(f"{key}{photo.suffix}", photo.data), self._add(f"{key}.json", known)]

    def _add(self, name: str, data: bytes) -> Placed:
        header = tarfile.TarInfo(name)
        header.size = len(data)
        self._file.write(header.tobuf(tarfile.USTAR_FORMAT))
        offset = self._file.tell()
        self._file.write(data)
        self._file.write(bytes(-len(data) % tarfile.BLOCKSIZE))
        return Placed(name, offset, len(data))

    def finish(self) -> None:
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))
        self._file.write(bytes(-self._file.tell() % tarfile.RECORDSIZE))
        self._file.flush()
        os.fsync(self._file.fileno())


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, key: str, photo: Encoded, row: dict[str, Any]) -> list[Placed]:  # noqa: ARG002
        name = f"{key}{photo.suffix}"
        with (self._path / name).open("wb") as file:
            file.write(photo.data)
            file.flush()
            os.fsync(file.fileno())
        return [Placed(name, 0, len(photo.data))]


@contextmanager
def new_tar(path: Path) -> Iterator[Container]:
    """A tar that appears as ``path`` when the block ends, on disk to its last byte."""
    unfinished = path.with_name(f"{UNFINISHED}{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            tar = _Tar(file)
            yield tar
            tar.finish()
        unfinished.replace(path)
        sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Container]:
    """A folder that appears as ``path`` when the block ends, with all its files on disk."""
    unfinished = path.with_name(f"{UNFINISHED}{path.name}.{os.getpid()}")
    try:
        unfinished.mkdir()
        yield _Folder(unfinished)
        sync_folder(unfinished)
        unfinished.replace(path)
        sync_folder(path.parent)
    finally:
        if unfinished.exists():
            shutil.rmtree(unfinished)


def sync_folder(folder: Path) -> None:
    """Names in a folder are on disk; a no-op where folders cannot be opened (Windows)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
