"""Files that are written whole or not at all: what was there before stays until all of the new is on disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from graticule.errors import TrainingError

_FULL_BYTES: Final = 1_000_000
"""A disk with less room than this is full; torch does not say so."""


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Have ``write`` write a file beside ``path``, then put it in its place.

    Raises:
        TrainingError: the disk is full or not writable.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        reason = _reason(error, path.parent)
        with suppress(OSError):  # what is above it may be a file
            part.unlink(missing_ok=True)
        raise TrainingError(
            f"'{path}' cannot be written: {reason}.\n"
            "What was there before is intact. Make room, then go on: a run with  --resume RUN,  a search or "
            "an experiment with the same line."
        ) from error


def _reason(error: OSError | RuntimeError, folder: Path) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    is_full = folder.is_dir() and shutil.disk_usage(folder).free < _FULL_BYTES
    return "the disk is full" if is_full else str(error).splitlines()[0]
