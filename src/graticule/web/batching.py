"""Photos of concurrent requests are answered together: decoded side by side, one pass of the network for all.

No photo waits for others to come: whenever the network is free it takes what is there, at most a batch.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graticule.errors import PhotoError
from graticule.inference.sources import Source
from graticule.web.problems import ProblemError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.inference import Model
    from graticule.predictions import Predictions


@dataclass(frozen=True)
class Words:
    """What a client may choose about an answer; photos with the same words are answered together."""

    estimate: str | None = None
    promise: str | None = None


@dataclass
class _Waiting:
    source: Source
    square: NDArray[np.uint8] | PhotoError
    words: Words
    done: asyncio.Future[Predictions]


class Batcher:
    """Answers photos for one model; used from one event loop.

    Convention:
        - ``queue``: photos that may be in work; more raise 429 with the time after which to try again
        - ``decoders``: a pool shared by all models
    """

    def __init__(self, model: Model, decoders: ThreadPoolExecutor, *, batch_size: int, queue: int) -> None:
        self.model = model
        self.sizes: deque[int] = deque(maxlen=1000)
        self._decoders = decoders
        self._network = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._batch_size = batch_size
        self._queue = queue
        self._waiting: deque[_Waiting] = deque()
        self._there = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._photo_s = 0.01
        self.in_work = 0

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
        self.in_work += len(sources)
        try:
            return list(await asyncio.gather(*(self._one(source, words) for source in sources)))
        finally:
            self.in_work -= len(sources)

    async def close(self) -> None:
        """Stop when what waits has been answered."""
        while self._waiting:
            await asyncio.sleep(0.01)
        if self._worker is not None:
            self._worker.cancel()
        self._network.shutdown()

    async def _one(self, source: Source, words: Words) -> Predictions:
        loop = asyncio.get_running_loop()
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        square = await loop.run_in_executor(self._decoders, self.model.square, source)
        waiting = _Waiting(source, square, words, loop.create_future())
        self._waiting.append(waiting)
        self._there.set()
        return await waiting.done

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._there.wait()
            batch = self._take()
            if not batch:
                self._there.clear()
                continue
            begin = time.perf_counter()
            try:
                answers = await loop.run_in_executor(self._network, self._answer, batch)
            except Exception as error:  # told to whoever asked; the next batch is another matter
                _fail(batch, error)
                continue
            self._photo_s += 0.1 * ((time.perf_counter() - begin) / len(batch) - self._photo_s)
            self.sizes.append(len(batch))
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.done.done():  # the client may have gone
                    waiting.done.set_result(answer)

    def _take(self) -> list[_Waiting]:
        """The photos that the network sees next: of those waiting, the ones with the words of the first."""
        batch: list[_Waiting] = []
        others: list[_Waiting] = []
        while self._waiting and len(batch) < self._batch_size:
            item = self._waiting.popleft()
            if item.done.done():
                continue
            (batch if not batch or item.words == batch[0].words else others).append(item)
        self._waiting.extendleft(reversed(others))
        return batch

    def _answer(self, batch: list[_Waiting]) -> list[Predictions]:
        words = batch[0].words  # candidates are made of areas later, so the model's own best is enough
        options: Any = {"top": 1, "estimate": words.estimate, "promise": words.promise}
        answers = self.model.answer([w.source for w in batch], [w.square for w in batch], **options)
        return [answers[row : row + 1] for row in range(len(batch))]


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
