"""Photos of concurrent requests are answered together, on all cores.

As many workers as cores take handfuls of what waits: each decodes its photos and runs the network on them. No
photo waits for others to come. While one photo is alone, its network gets all cores.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graticule.config import usable_cores
from graticule.inference.looking import HANDFUL
from graticule.inference.sources import Source
from graticule.web.problems import ProblemError

if TYPE_CHECKING:
    from graticule.inference import Model
    from graticule.predictions import Predictions


@dataclass(frozen=True)
class Words:
    """What a client may choose about an answer; photos with the same words are answered together."""

    estimate: str | None = None
    promise: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """As ``Model.words`` takes them; candidates are made of areas later, so the best one is enough."""
        return {"top": 1, "estimate": self.estimate, "promise": self.promise}


@dataclass
class _Waiting:
    source: Source
    words: Words
    done: asyncio.Future[Predictions]


class Batcher:
    """Answers photos for one model; used from one event loop.

    Convention:
        - ``queue``: photos that may be in work; more raise 429 with the time after which to try again
        - ``workers``: handfuls in work at once; all cores when left out
    """

    def __init__(self, model: Model, *, queue: int, workers: int | None = None) -> None:
        self.model = model
        self.sizes: deque[int] = deque(maxlen=1000)
        self.in_work = 0
        self._queue = queue
        self._workers = workers or usable_cores()
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="look")
        self._waiting: deque[_Waiting] = deque()
        self._busy: set[asyncio.Task[None]] = set()
        self._photo_s = 0.01

    async def predict(self, sources: list[Source], words: Words) -> list[Predictions]:
        """One answer (a sequence of one, with the probabilities of all cells) for each photo, in order.

        Raises:
            ProblemError: 429, too many photos are waiting.
            UsageError: the words are not those of this model.
        """
        if self.in_work + len(sources) > self._queue:
            raise ProblemError(
                429,
                "busy",
                f"{self.in_work} photos are waiting, and at most {self._queue} may. Try again later.",
                retry_after_s=self.in_work * self._photo_s,
            )
        self.model.words(**words.options)  # wrong words are told to who typed them, before any work
        loop = asyncio.get_running_loop()
        photos = [_Waiting(source, words, loop.create_future()) for source in sources]
        self._waiting.extend(photos)
        self.in_work += len(sources)
        self._wake()
        try:
            return list(await asyncio.gather(*(photo.done for photo in photos)))
        finally:
            self.in_work -= len(sources)

    async def close(self) -> None:
        """Stop when what waits has been answered."""
        while self._busy:
            await asyncio.gather(*self._busy)
        self._pool.shutdown()

    def _wake(self) -> None:
        """Put idle workers to work; each goes on until nothing waits."""
        handfuls = -(-len(self._waiting) // HANDFUL)
        for _ in range(min(self._workers - len(self._busy), max(1, handfuls))):
            worker = asyncio.get_running_loop().create_task(self._work())
            self._busy.add(worker)
            worker.add_done_callback(self._busy.discard)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := self._take():
            begin = time.perf_counter()
            try:
                answers = await loop.run_in_executor(self._pool, self._answer, batch, self.in_work == 1)
            except Exception as error:  # told to whoever asked; the next handful is another matter
                _fail(batch, error)
                continue
            spent_s = (time.perf_counter() - begin) / len(batch) / self._workers
            self._photo_s += 0.1 * (spent_s - self._photo_s)
            self.sizes.append(len(batch))
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.done.done():  # the client may have gone
                    waiting.done.set_result(answer)

    def _take(self) -> list[_Waiting]:
        """The photos of the next handful: of those waiting, the first ones with the words of the first."""
        batch: list[_Waiting] = []
        others: list[_Waiting] = []
        most = min(HANDFUL, -(-len(self._waiting) // self._workers))
        while self._waiting and len(batch) < most:
            item = self._waiting.popleft()
            if item.done.done():
                continue
            (batch if not batch or item.words == batch[0].words else others).append(item)
        self._waiting.extendleft(reversed(others))
        return batch

    def _answer(self, batch: list[_Waiting], alone: bool) -> list[Predictions]:
        seen = self.model.look([item.source for item in batch], with_all_cores=alone)
        answers = self.model.describe(seen, self.model.words(**batch[0].words.options))
        return [answers[row : row + 1] for row in range(len(batch))]


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
