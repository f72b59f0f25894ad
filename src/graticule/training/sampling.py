"""Which photos come in which batch: the order of an epoch, and the batches between two validations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from graticule.training.ranks import ALONE, Ranks
from graticule.training.recipe import SamplingSection
from graticule.training.seeds import derived_seed

_SEEDS: Final = np.int64(2**62)


def evenly_over_cells(cells: NDArray[np.int64], count: int, *, seed: int) -> NDArray[np.bool_]:
    """Which photos to keep so that each cell has as many, and what is still missing is drawn at random.

    Convention:
        - ``cells``: (N,) cell of each photo, -1 for none: such photos are not kept
        - the result: (N,), with ``count`` photos that are kept, or all that lie in a cell when they are fewer

    Source:
        S4 (2023), 6.3.2, equation 6.4.

    Example:
        >>> evenly_over_cells(np.array([0, 0, 0, 0, 1, 1, -1]), 4, seed=0)[4:].tolist()
        [True, True, False]
    """
    order = np.random.default_rng(derived_seed(seed, 0, 0, 1)).permutation(len(cells))
    order = order[cells[order] >= 0]
    kept = np.zeros(len(cells), dtype=bool)
    if not len(order):
        return kept
    of_cell = order[np.argsort(cells[order], kind="stable")]
    _, starts, sizes = np.unique(cells[of_cell], return_index=True, return_counts=True)
    place = np.arange(len(of_cell)) - np.repeat(starts, sizes)  # 0 for the first of its cell, 1, ...
    kept[of_cell[place < count // len(sizes)]] = True
    rest = order[~kept[order]]
    kept[rest[: count - int(kept.sum())]] = True
    return kept


class EpochOrder:
    """The photos of any epoch in random order, each with a seed of its own.

    Convention:
        - ``weights``: (N,) how likely a photo is drawn, then with repetitions; None: each photo once
        - the order depends on (seed, phase, epoch) alone, a photo's seed on these and the photo alone
    """

    def __init__(self, count: int, *, seed: int, weights: NDArray[np.float64] | None = None) -> None:
        self.count = count
        self.seed = seed
        self.shares = None if weights is None else weights / weights.sum()

    def __call__(self, phase: int, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """``rows`` (N,) and their ``seeds`` (N,); a photo that comes again has another seed each time."""
        generator = np.random.default_rng(derived_seed(self.seed, phase, epoch))
        if self.shares is None:
            rows = generator.permutation(self.count)
        else:
            rows = generator.choice(self.count, size=self.count, p=self.shares)
        of_photos = np.random.default_rng(derived_seed(self.seed, phase, epoch, 1))
        seeds = of_photos.integers(_SEEDS, size=self.count)[rows]
        return rows, (seeds + _times_before(rows)) % _SEEDS


class RoundBatches(Sampler[list[tuple[int, int]]]):
    """The batches of a phase between two validations: lists of (row, seed).

    Convention:
        - batches are numbered over the whole phase, from 0; ``start``, ``stop``: those that come next
        - ``longest``: the length that is reported; a shorter round begins with empty batches
        - a last batch of one photo in an epoch joins the batch before it: BatchNorm cannot learn from one
        - ``ranks``: this one has its share of each batch, which may be empty; together they have all of it
    """

    def __init__(self, order: EpochOrder, *, batch_size: int, phase: int, ranks: Ranks = ALONE) -> None:
        self.order = order
        self.ranks = ranks
        self.phase = phase
        self.starts = list(range(0, order.count, batch_size))
        if len(self.starts) > 1 and order.count - self.starts[-1] == 1:
            self.starts.pop()
        self.start = 0
        self.stop = self.longest = self.per_epoch

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch."""
        return len(self.starts)

    @property
    def padding(self) -> int:
        """How many empty batches the round begins with."""
        return self.longest - (self.stop - self.start)

    def __len__(self) -> int:
        return self.longest

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        start, stop = self.start, self.stop
        for _ in range(self.padding):
            yield []
        known: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None
        ends = [*self.starts[1:], self.order.count]
        for number in range(start, stop):
            epoch, place = divmod(number, self.per_epoch)
            if known is None or known[0] != epoch:
                known = (epoch, *self.order(self.phase, epoch))
            part = slice(self.starts[place] + self.ranks.rank, ends[place], self.ranks.count)
            yield list(zip(known[1][part].tolist(), known[2][part].tolist(), strict=True))


def sampling_weights(
    section: SamplingSection, cells: NDArray[np.int64], latlon: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """How likely each photo is drawn, None where each comes once.

    Convention:
        - ``cells``: (N,) of the photos, all in a cell; ``latlon``: (N, 2) degrees; the result (N,)

    Example:
        >>> section = SamplingSection(name="balanced")
        >>> sampling_weights(section, np.array([0, 0, 1]), np.zeros((3, 2))).tolist()
        [0.5, 0.5, 1.0]
    """
    if section.name == "each":
        return None
    if section.name == "balanced":
        return 1.0 / np.bincount(cells)[cells]
    columns = int(np.ceil(360 / section.bin_deg))
    row = np.floor((latlon[:, 0] + 90) / section.bin_deg).astype(np.int64)
    column = np.floor((latlon[:, 1] + 180) % 360 / section.bin_deg).astype(np.int64)
    _, squares, counts = np.unique(row * columns + column, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = counts[squares].astype(np.float64) ** -section.power
    return weights


def _times_before(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) how often each row has come before."""
    by_row = np.argsort(rows, kind="stable")
    ordered = rows[by_row]
    first = np.searchsorted(ordered, ordered)  # where the run of equal rows begins
    times = np.empty(len(rows), dtype=np.int64)
    times[by_row] = np.arange(len(rows)) - first
    return times
