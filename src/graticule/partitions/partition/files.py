"""Bytes of partition files, read and written: errors that say why not, and never half a file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from graticule.errors import MissingFileError, PartitionError
from graticule.partitions.partition.geoparquet import REBUILD


def write_content(target: Path, content: bytes) -> Path:
    """Write a file; folders are made, and ``target`` is replaced only when all is written.

    Raises:
        PartitionError: the file cannot be written.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        why = error.strerror
        if isinstance(error, FileExistsError | NotADirectoryError):
            why = "a file stands where its folder would be"
        raise PartitionError(f"Cannot write the partition '{target}': {why}.\nName another file.") from error
    return target


def read_content(path: Path) -> tuple[bytes, str]:
    """The bytes of a file, and what to call it in errors.

    Raises:
        MissingFileError: there is no such file, or it cannot be read.
    """
    try:
        return path.read_bytes(), f"Partition '{path}'"
    except FileNotFoundError as error:
        raise MissingFileError(f"There is no partition file '{path}'.\n{REBUILD}") from error
    except OSError as error:
        raise MissingFileError(f"Cannot read the partition '{path}': {error.strerror}.\n{REBUILD}") from error
