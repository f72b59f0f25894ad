"""What a run says, and where: the log, the terminal, and what to type after Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graticule.training.callbacks import Say, StoppedError, stopped
from graticule.training.checkpoints import LAST, Position, read_checkpoint
from graticule.training.run_folder import RunFolder


def logged(run: RunFolder, say: Say) -> Say:
    """Says each line by ``say``, and writes it into the log of ``run``."""

    def both(line: str) -> None:
        run.say(line)
        say(line)

    return both


def silent(line: str) -> None:
    """What the other ranks say: the first one says it for all."""


@contextmanager
def told_how_to_go_on(run: RunFolder) -> Iterator[None]:
    """Ctrl-C outside the steps, too, ends with what to type next.

    Raises:
        StoppedError: instead of ``KeyboardInterrupt``.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        saved = run.checkpoint(LAST)
        position = read_checkpoint(saved).position if saved.is_file() else Position()
        raise StoppedError(stopped(position, run)) from error
