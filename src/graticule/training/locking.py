"""One process at a time in a folder; the lock of a process that was killed is gone with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from graticule.errors import UsageError


@contextlib.contextmanager
def one_at_a_time(lock: Path, busy: str | None = None) -> Iterator[None]:
    """No other process is inside such a block with the same file; not watched over on Windows.

    Convention:
        - ``lock``: a file that is made, and stays
        - ``busy``: what to say when another process is inside; None waits for it

    Raises:
        UsageError: another process is inside, and ``busy`` says so.
    """
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if busy is None else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise UsageError(str(busy)) from error
        yield
