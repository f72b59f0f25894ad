"""Photos in, what the network says of them out, on all cores.

Many photos are looked at in handfuls: one core decodes a handful and runs the network on it, beside the other
cores doing the same with theirs. That is faster than decoding and a network that each want all cores and get
in each other's way (``bench/predict.py``). A photo on its own gets all cores for its network.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from graticule.config import usable_cores
from graticule.errors import PhotoError
from graticule.inference.network import Answer, Network
from graticule.inference.sources import Source
from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

HANDFUL: Final = 8
"""Photos that one core looks at in one go: enough for the network's speed, few enough to share out evenly."""

LARGEST_TWICE: Final = 200_000_000
"""Bytes; a larger network is not loaded a second time for single cores."""


@dataclass(frozen=True)
class Seen:
    """What the network said of N photos.

    Convention:
        - ``refusals``: for each photo None, or why it cannot be read
        - ``answer``: of the readable photos alone, in order; None when there is none
    """

    sources: tuple[Source, ...]
    refusals: tuple[PhotoError | None, ...]
    answer: Answer | None

    @property
    def readable(self) -> list[int]:
        """Rows of the photos that ``answer`` is about."""
        return [row for row, refusal in enumerate(self.refusals) if refusal is None]

    @classmethod
    def joined(cls, parts: Sequence[Seen]) -> Seen:
        """Several as one, in order."""
        if len(parts) == 1:
            return parts[0]
        answers = [part.answer for part in parts if part.answer is not None]
        return cls(
            sources=tuple(source for part in parts for source in part.sources),
            refusals=tuple(refusal for part in parts for refusal in part.refusals),
            answer=_joined(answers) if answers else None,
        )


class Looking:
    """A bundle's network with the decoding of photos before it.

    Convention:
        - ``threads``: cores to use; all that this process may use when left out

    Raises:
        BundleError: the network cannot be loaded.
    """

    def __init__(self, model_onnx: bytes, *, threads: int | None = None) -> None:
        self.threads = threads or usable_cores()
        self.network = Network(model_onnx, threads=self.threads)
        self._model_onnx = model_onnx

    def square(self, source: Source) -> NDArray[np.uint8] | PhotoError:
        """The pixels that the network sees, uint8 RGB (size_px, size_px, 3), or why there are none."""
        size_px, crop = self.network.size_px, self.network.crop_fraction
        if isinstance(source.photo, PhotoError):
            return source.photo
        try:
            image = decode(source.photo, min_side_px=short_side_px(size_px, crop))
            return centre_crop(image, size_px=size_px, crop_fraction=crop)
        except PhotoError as error:
            return error

    def look(self, sources: Sequence[Source], *, with_all_cores: bool = True) -> Seen:
        """Decode photos and run the network on them, in this thread.

        Convention:
            - ``with_all_cores``: False where other threads do the same with other photos
        """
        network = self.network if with_all_cores else self._for_one_core
        squares = [self.square(source) for source in sources]
        readable = [square for square in squares if not isinstance(square, PhotoError)]
        return Seen(
            sources=tuple(sources),
            refusals=tuple(square if isinstance(square, PhotoError) else None for square in squares),
            answer=network(np.stack(readable)) if readable else None,
        )

    def stream(self, sources: Iterable[Source], batch_size: int) -> Iterator[Seen]:
        """Batch by batch, in order, while the following ones are looked at; memory holds a few batches."""
        batches = _batches(sources, batch_size)
        with ThreadPoolExecutor(self.threads, thread_name_prefix="look") as pool:
            waiting = [self._begin(pool, batch) for batch in islice(batches, 2)]
            while waiting:
                handfuls = waiting.pop(0)
                waiting += [self._begin(pool, batch) for batch in islice(batches, 1)]
                yield Seen.joined([handful.result() for handful in handfuls])

    def answers(self, batches: Iterable[NDArray[np.uint8]]) -> Iterator[Answer]:
        """What the network says of squares, batch by batch in order; each on one core, beside the others.

        Convention:
            - each batch: uint8 RGB (B, size_px, size_px, 3); of ``HANDFUL`` the network is fastest
        """
        remaining = iter(batches)
        with ThreadPoolExecutor(self.threads, thread_name_prefix="look") as pool:
            waiting = deque(
                pool.submit(self._for_one_core, batch) for batch in islice(remaining, 2 * self.threads)
            )
            while waiting:
                yield waiting.popleft().result()
                waiting += [pool.submit(self._for_one_core, batch) for batch in islice(remaining, 1)]

    def _begin(self, pool: ThreadPoolExecutor, batch: tuple[Source, ...]) -> list[Future[Seen]]:
        alone = len(batch) == 1
        size = min(HANDFUL, -(-len(batch) // self.threads))
        return [pool.submit(self.look, some, with_all_cores=alone) for some in _batches(batch, size)]

    @cached_property
    def _for_one_core(self) -> Network:
        """The network again, for threads that each have one core; made when many photos come."""
        if self.threads == 1 or len(self._model_onnx) > LARGEST_TWICE:
            return self.network
        return Network(self._model_onnx, threads=1)


def _joined(answers: Sequence[Answer]) -> Answer:
    found: dict[str, Any] = {}
    for field in fields(Answer):
        parts = [getattr(answer, field.name) for answer in answers]
        found[field.name] = None if parts[0] is None else np.concatenate(parts)
    return Answer(**found)


def _batches(sources: Iterable[Source], size: int) -> Iterator[tuple[Source, ...]]:
    remaining = iter(sources)
    while batch := tuple(islice(remaining, size)):
        yield batch
