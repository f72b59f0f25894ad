"""Batches from shards for torch: several processes, several ranks, and going on in the middle of an epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from graticule.errors import PhotoError
from graticule.photos.dealing import DealtPhotos, Share
from graticule.photos.decode import Photo
from graticule.photos.reading import PhotoReader
from graticule.training.loading import worker_count

MakeSquare = Callable[[Photo, int, str], NDArray[np.uint8]]
"""A square of a photo's bytes, its seed, and its name for errors."""

Loaded = tuple[Tensor, Tensor, Tensor, list[int]]
"""Squares (B, 3, H, W) uint8, rows (B,), seeds (B,), and the rows that could not be read."""

_WARM_UP: Final = 2


class ShardStream(IterableDataset[tuple[Loaded, int, int]]):
    """The batches that are left of an epoch, each with the epoch and the position after it.

    Convention:
        - loading process ``w`` of ``W`` makes the batches ``w``, ``w + W`` ...; torch takes them in turn, so
          that their order does not depend on how many processes there are
    """

    def __init__(self, reader: PhotoReader, dealt: DealtPhotos, make: MakeSquare) -> None:
        self.reader = reader
        self.dealt = dealt
        self.make = make

    def __iter__(self) -> Iterator[tuple[Loaded, int, int]]:
        worker = get_worker_info()
        first, every = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        for share, position in self.dealt.ahead(first=first, every=every):
            yield self._batch(share), self.dealt.epoch, position

    def _batch(self, share: Share) -> Loaded:
        squares, kept, unreadable = [], [], []
        for number, row in enumerate(share.rows.tolist()):
            try:
                data = self.reader.read(row)
                squares.append(self.make(data, int(share.seeds[number]), self.reader.name(row)))
                kept.append(number)
            except PhotoError:
                unreadable.append(row)
        images = (
            torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
            if squares
            else torch.empty(0, 3, 1, 1, dtype=torch.uint8)
        )
        return images, torch.from_numpy(share.rows[kept]), torch.from_numpy(share.seeds[kept]), unreadable


class ShardLoader:
    """Batches of one rank, epoch after epoch: ``for images, rows, seeds, unreadable in loader`` is one epoch.

    Convention:
        - ``dealt``: which photos this rank takes; every rank has the same number of batches
        - ``make``: a square of a photo: ``graticule.training.squares.random_square`` with its settings
        - ``workers``: loading processes; as many as cores but one, at most eight, when None
        - ``state_dict`` is taken after a batch was given: that one counts as learned from, those that loading
          processes hold ready do not
    """

    def __init__(
        self, reader: PhotoReader, dealt: DealtPhotos, make: MakeSquare, *, workers: int | None = None
    ) -> None:
        self.dealt = dealt
        self._stream = ShardStream(reader, dealt, make)
        self._workers = worker_count(workers)

    def __len__(self) -> int:
        """Batches that are left of this epoch."""
        return len(self.dealt)

    def __iter__(self) -> Iterator[Loaded]:
        loader = DataLoader(self._stream, batch_size=None, num_workers=self._workers)
        for batch, _, position in loader:
            self.dealt.position = position
            yield batch
        self.dealt.epoch, self.dealt.position = self.dealt.epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        """Where it is: as ``DealtPhotos.state_dict``."""
        return self.dealt.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go where a state was taken; raises as ``DealtPhotos.load_state_dict``."""
        self.dealt.load_state_dict(state)


def loading_rate(batches: Iterable[Any], count: Callable[[Any], int], *, at_most_s: float = 10.0) -> float:
    """Photos per second that come out of a loader when nothing is done with them.

    Convention:
        - ``count(batch)``: how many photos a batch has
        - the first two batches are not counted: they wait for processes to start

    Example:
        >>> loading_rate([[1, 2]] * 5, len) > 0
        True
    """
    photos, began = 0, time.perf_counter()
    for number, batch in enumerate(batches):
        if number == _WARM_UP:
            photos, began = 0, time.perf_counter()
        photos += count(batch)
        if number >= _WARM_UP and time.perf_counter() - began > at_most_s:
            break
    return photos / max(time.perf_counter() - began, 1e-9)
