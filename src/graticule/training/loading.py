"""From photo files to batches of tensors: in what order, decoded how, and what happens to unreadable ones."""

from __future__ import annotations

import signal
import time
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from graticule.config import usable_cores
from graticule.errors import PhotoError
from graticule.models import Preprocessing
from graticule.photos.decode import decode
from graticule.photos.reading import PhotoReader
from graticule.training.augmentation import POLICIES, Cover, cut
from graticule.training.augmentation.cutting import shortest_px
from graticule.training.photo_sets import PhotoSet
from graticule.training.ranks import ALONE, Ranks
from graticule.training.recipe import AugmentationSection
from graticule.training.sampling import RoundBatches
from graticule.training.squares import random_square


class Batch(NamedTuple):
    """B photos.

    Convention:
        - ``inputs``: uint8 RGB (B, 3, H, W), or kept features (B, D)
        - ``cells``: (B,) -1 where no cell covers the place
        - ``rows``: (B,) index into the photo set; ``seeds``: (B,) of these photos in this epoch
        - ``unreadable``: rows that were asked for and could not be decoded
        - ``loading_s``: time that decoding and cutting took, added up over the photos
    """

    inputs: Tensor
    cells: Tensor
    rows: Tensor
    seeds: Tensor
    unreadable: list[int]
    loading_s: float = 0.0

    @property
    def is_padding(self) -> bool:
        """Whether nothing was asked for: a round begun before a kill is filled up, a rank has no share."""
        return not len(self.rows) and not self.unreadable


class Loaded(NamedTuple):
    """One photo; ``square`` None where it cannot be read; ``loading_s`` what that took."""

    row: int
    seed: int
    cell: int
    square: NDArray[np.uint8] | None
    loading_s: float


class Photos(Dataset[Any]):
    """Photos decoded when asked for, by row and seed.

    Convention:
        - ``augmentation``: None gives the centre of each, as prediction sees it
        - ``cover``: what is made black in every photo
    """

    def __init__(
        self,
        photos: PhotoSet,
        cells: NDArray[np.int64],
        preprocessing: Preprocessing,
        augmentation: AugmentationSection | None = None,
        *,
        cover: Cover | None = None,
    ) -> None:
        self.photos = photos
        self.cells = cells
        self.preprocessing = preprocessing
        self.augmentation = augmentation
        self.cover = cover
        self.reader = PhotoReader(photos.paths)  # here, so that loading processes share its arrays

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, item: tuple[int, int]) -> Loaded:
        row, seed = item
        began = time.perf_counter()
        try:
            square = self._square(row, seed)
        except PhotoError:
            square = None
        return Loaded(row, seed, int(self.cells[row]), square, time.perf_counter() - began)

    def _square(self, row: int, seed: int) -> NDArray[np.uint8]:
        size_px, crop = self.preprocessing.size_px, self.preprocessing.crop
        settings = self.augmentation or AugmentationSection(policy="none")
        how = POLICIES[settings.policy].cut
        least_px = shortest_px(how, size_px=size_px, crop=crop, min_area=settings.min_area)
        data, name = self.reader.read(row), self.reader.name(row)
        if how == "area" and self.cover is None:
            return random_square(data, seed, name, size_px=size_px, min_area=settings.min_area)
        image = decode(data, min_side_px=least_px, name=name)
        if self.cover is not None:
            image = self.cover(image)
        return cut(image, how, size_px=size_px, crop=crop, seed=seed, row=row, settings=settings)


class KeptFeatures(Dataset[Batch]):
    """Features of photos, kept in memory: a batch of rows at a time.

    Convention:
        - ``features``: (V, N, D), V views of each photo; the seed of a row chooses one
        - ``readable``: (N,) photos that cannot be read have no features
    """

    def __init__(self, features: Tensor, cells: NDArray[np.int64], readable: NDArray[np.bool_]) -> None:
        self.features = features
        self.cells = torch.from_numpy(cells)
        self.readable = readable

    def __len__(self) -> int:
        return self.features.shape[1]

    def __getitem__(self, items: list[tuple[int, int]]) -> Batch:
        found = [item for item in items if self.readable[item[0]]]
        rows = torch.tensor([row for row, _ in found], dtype=torch.long)
        seeds = torch.tensor([seed for _, seed in found], dtype=torch.long)
        unreadable = [row for row, _ in items if not self.readable[row]]
        return Batch(
            self.features[seeds % len(self.features), rows], self.cells[rows], rows, seeds, unreadable
        )


def collate(items: list[Loaded]) -> Batch:
    """Photos that could be read, as one batch; it may be empty."""
    read = [(item, item.square) for item in items if item.square is not None]
    squares = [torch.from_numpy(square.copy()).permute(2, 0, 1) for _, square in read]
    return Batch(
        inputs=torch.stack(squares) if squares else torch.empty(0, 3, 1, 1, dtype=torch.uint8),
        cells=torch.tensor([item.cell for item, _ in read], dtype=torch.long),
        rows=torch.tensor([item.row for item, _ in read], dtype=torch.long),
        seeds=torch.tensor([item.seed for item, _ in read], dtype=torch.long),
        unreadable=[item.row for item in items if item.square is None],
        loading_s=sum(item.loading_s for item in items),
    )


def training_loader(
    dataset: Photos | KeptFeatures, batches: RoundBatches, *, workers: int | None
) -> DataLoader[Any]:
    """Batches in the order of ``batches``; loading processes stay alive between epochs."""
    return _loader(dataset, batches, workers)


def ordered_loader(
    dataset: Photos | KeptFeatures,
    *,
    batch_size: int,
    workers: int | None,
    seed: int = 0,
    ranks: Ranks = ALONE,
) -> DataLoader[Any]:
    """All rows in order, or a rank's share of them; each row's own seed is made from ``seed``."""
    count = len(dataset)
    seeds = np.random.default_rng(seed).integers(2**62, size=count)
    batches = [
        [(row, int(seeds[row])) for row in range(start, min(start + batch_size, count))]
        for start in range(0, count, batch_size)
    ]
    # as many batches for every rank, though some be empty: Lightning refuses a loader without any
    shares = [batch[ranks.rank :: ranks.count] for batch in batches]
    return _loader(dataset, shares, workers)


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
