"""Files that are written whole or not at all: what was there before stays until all of the new is on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from graticule.errors import TrainingError


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
        part.unlink(missing_ok=True)
        raise TrainingError(
            f"'{path}' cannot be written: {str(error).splitlines()[0]}.\n"
            "What was there before is intact. Make room, then go on:  graticule train --resume RUN"
        ) from error
