"""One run at a time in a folder; the lock of a run that was killed is gone with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from graticule.errors import UsageError

_NAME: Final = ".storage.lock"


@contextlib.contextmanager
def only_run(output: Path) -> Iterator[None]:
    """Nobody else stores photos in the folder ``output`` while the block runs; not watched over on Windows.

    Raises:
        UsageError: another run does.
    """
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    with (output / _NAME).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"Another run is storing photos in '{output}'.\nLet it end, or name another folder after -o."
            ) from error
        yield
    (output / _NAME).unlink(missing_ok=True)
