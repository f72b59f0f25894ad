"""From photo files to batches of tensors: in what order, decoded how, and what happens to unreadable ones."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from graticule.config import usable_cores
from graticule.errors import PhotoError
from graticule.models import Preprocessing
from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode
from graticule.training.augmentation import POLICIES, random_crop
from graticule.training.photo_sets import PhotoSet
from graticule.training.recipe import AugmentationSection
from graticule.training.seeds import derived_seed


class Batch(NamedTuple):
    """B photos.

    Convention:
        - ``inputs``: uint8 RGB (B, 3, H, W), or kept features (B, D)
        - ``cells``: (B,) -1 where no cell covers the place
        - ``rows``: (B,) index into the photo set
        - ``unreadable``: rows that were asked for and could not be decoded
    """

    inputs: Tensor
    cells: Tensor
    rows: Tensor
    unreadable: list[int]


class EpochBatches(Sampler[list[tuple[int, int]]]):
    """The rows of one epoch in random order, in batches, each with a seed of its own.

    Convention:
        - ``position``: (phase, epoch); the order and the seeds depend on nothing else
        - ``skip``: so many batches at the start are given empty: they were learned from before a kill
        - a last batch of one photo joins the batch before it, since BatchNorm cannot learn from one
    """

    def __init__(self, count: int, *, batch_size: int, seed: int) -> None:
        self.count = count
        self.seed = seed
        self.position = (0, 0)
        self.skip = 0
        self.starts = list(range(0, count, batch_size))
        if len(self.starts) > 1 and count - self.starts[-1] == 1:
            self.starts.pop()

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        generator = np.random.default_rng(derived_seed(self.seed, *self.position))
        order = generator.permutation(self.count)
        seeds = generator.integers(2**62, size=self.count)
        for number, (start, stop) in enumerate(zip(self.starts, [*self.starts[1:], self.count], strict=True)):
            rows = range(start, stop) if number >= self.skip else ()
            yield [(int(order[row]), int(seeds[row])) for row in rows]


class Photos(Dataset[Any]):
    """Photos decoded when asked for, by row and seed; ``augmentation`` None gives the centre of each."""

    def __init__(
        self,
        photos: PhotoSet,
        cells: NDArray[np.int64],
        preprocessing: Preprocessing,
        augmentation: AugmentationSection | None = None,
    ) -> None:
        self.photos = photos
        self.cells = cells
        self.preprocessing = preprocessing
        self.augmentation = augmentation

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, item: tuple[int, int]) -> tuple[int, int, NDArray[np.uint8] | None]:
        row, seed = item
        try:
            return row, int(self.cells[row]), self._square(row, seed)
        except PhotoError:
            return row, int(self.cells[row]), None

    def _square(self, row: int, seed: int) -> NDArray[np.uint8]:
        size_px, crop = self.preprocessing.size_px, self.preprocessing.crop
        policy = POLICIES[self.augmentation.policy] if self.augmentation else POLICIES["none"]
        if self.augmentation is None or not policy.crop:
            image = decode(self.photos.paths[row], min_side_px=short_side_px(size_px, crop))
            return centre_crop(image, size_px=size_px, crop_fraction=crop)
        min_area = self.augmentation.min_area
        image = decode(self.photos.paths[row], min_side_px=round(size_px / min_area**0.5))
        return random_crop(image, size_px=size_px, min_area=min_area, seed=seed)


class KeptFeatures(Dataset[Batch]):
    """Features of photos, kept in memory: a batch of rows at a time.

    Convention:
        - ``features``: (V, N, D), V views of each photo; the seed of a row chooses one
    """

    def __init__(self, features: Tensor, cells: NDArray[np.int64]) -> None:
        self.features = features
        self.cells = torch.from_numpy(cells)

    def __len__(self) -> int:
        return self.features.shape[1]

    def __getitem__(self, items: list[tuple[int, int]]) -> Batch:
        rows = torch.tensor([row for row, _ in items], dtype=torch.long)
        views = torch.tensor([seed % len(self.features) for _, seed in items], dtype=torch.long)
        return Batch(self.features[views, rows], self.cells[rows], rows, [])


def collate(items: list[tuple[int, int, NDArray[np.uint8] | None]]) -> Batch:
    """Photos that could be read, as one batch; it may be empty."""
    read = [(row, cell, square) for row, cell, square in items if square is not None]
    squares = [torch.from_numpy(square.copy()).permute(2, 0, 1) for _, _, square in read]
    return Batch(
        inputs=torch.stack(squares) if squares else torch.empty(0, 3, 1, 1, dtype=torch.uint8),
        cells=torch.tensor([cell for _, cell, _ in read], dtype=torch.long),
        rows=torch.tensor([row for row, _, _ in read], dtype=torch.long),
        unreadable=[row for row, _, square in items if square is None],
    )


def training_loader(
    dataset: Photos | KeptFeatures, batches: EpochBatches, *, workers: int | None
) -> DataLoader[Any]:
    """Batches in the order of ``batches``; loading processes stay alive between epochs."""
    return _loader(dataset, batches, workers)


def ordered_loader(
    dataset: Photos | KeptFeatures, *, batch_size: int, workers: int | None, seed: int = 0
) -> DataLoader[Any]:
    """All rows in order; each row's own seed is made from ``seed``."""
    count = len(dataset)
    seeds = np.random.default_rng(seed).integers(2**62, size=count)
    batches = [
        [(row, int(seeds[row])) for row in range(start, min(start + batch_size, count))]
        for start in range(0, count, batch_size)
    ]
    return _loader(dataset, batches, workers)


def worker_count(workers: int | None) -> int:
    """How many loading processes: as asked, or one less than the cores, at most eight."""
    return min(8, max(0, usable_cores() - 1)) if workers is None else workers


def _loader(dataset: Photos | KeptFeatures, batches: Any, workers: int | None) -> DataLoader[Any]:
    if isinstance(dataset, KeptFeatures):
        return DataLoader(dataset, sampler=batches, batch_size=None)
    count = worker_count(workers)
    return DataLoader(
        dataset,
        batch_sampler=batches,
        collate_fn=collate,
        num_workers=count,
        persistent_workers=count > 0,
        worker_init_fn=_leave_ctrl_c,
    )


def _leave_ctrl_c(worker: int) -> None:  # noqa: ARG001 -- torch's signature
    """Ctrl-C reaches every process of a terminal; the training process alone says when to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
