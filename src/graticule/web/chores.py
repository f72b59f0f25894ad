"""Work that takes longer than a prediction, one piece after another, beside the predictions.

Explanations and privacy checks look at a photo many times over. They wait in a line of their own, a short
one: who comes when it is full is told to come again. Nobody's answer is waited for longer than the limit.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar

from graticule.web.problems import ProblemError

T = TypeVar("T")

USUAL_S: Final = 2.0
"""Seconds that a piece of work takes, as far as is said to who comes too early."""


class GivenUpError(Exception):
    """Nobody waits for the result any more."""


class Patience:
    """Tells a piece of work in its thread whether somebody still waits for it."""

    def __init__(self) -> None:
        self._over = threading.Event()

    def end(self) -> None:
        """Nobody waits any more."""
        self._over.set()

    def check(self, *_: object) -> None:
        """Call now and then, as a progress report if need be.

        Raises:
            GivenUpError: nobody waits any more.
        """
        if self._over.is_set():
            raise GivenUpError


class Chores:
    """A thread for longer work.

    Convention:
        - ``most``: pieces in work or waiting; more raise 429
        - ``answer_s``: seconds after which nobody waits any longer
    """

    def __init__(self, *, most: int, answer_s: float) -> None:
        self._most = most
        self._answer_s = answer_s
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="chores")
        self.in_work = 0

    async def run(self, work: Callable[[Patience], T]) -> T:
        """What ``work`` returns, done in the thread.

        Raises:
            ProblemError: 429, too much is waiting; 503, it took too long.
        """
        if self.in_work >= self._most:
            raise ProblemError(
                429,
                "busy",
                f"{self.in_work} requests of this kind are in work, and at most {self._most} may be. "
                "Try again later.",
                retry_after_s=self.in_work * USUAL_S,
            )
        patience = Patience()
        self.in_work += 1
        try:
            async with asyncio.timeout(self._answer_s):
                return await asyncio.get_running_loop().run_in_executor(self._pool, _begin, work, patience)
        except TimeoutError as error:
            detail = f"No answer within {self._answer_s:g} s. Try again later, or choose what takes less."
            raise ProblemError(503, "too-slow", detail, retry_after_s=self._answer_s) from error
        finally:
            patience.end()  # also when the client has gone
            self.in_work -= 1

    def close(self) -> None:
        """Stop when what is in work is done."""
        self._pool.shutdown()


def _begin(work: Callable[[Patience], T], patience: Patience) -> T:
    patience.check()  # it may have waited for too long
    try:
        return work(patience)
    finally:
        _give_back()


def _give_back() -> None:
    """Return freed memory to the system: glibc keeps a thread's, 700 MB after a photo of 60 megapixels."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, TypeError, AttributeError):  # another system, or another libc
        return None
    return found
