"""Which photos each rank learns from in which step: every photo once per epoch over all ranks, and resumable.

The order of an epoch is a pure function of a seed and the epoch's number, the same on every rank, and steps
are cut from it one after the other. What has to be kept to go on in the middle of an epoch is therefore one
number: how many photos of the order have been dealt. The number of ranks may be another one when it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graticule.errors import UsageError

_LEAST: Final = 2
"""Photos of a rank in a step of its own: BatchNorm cannot learn from one."""

SHARDS_AT_ONCE: Final = 16
"""So many shards are mixed with one another when photos are read shard after shard."""


class Share(NamedTuple):
    """The photos of one rank in one step: their rows, and a seed for each in this epoch."""

    rows: NDArray[np.int64]
    seeds: NDArray[np.int64]


@dataclass(frozen=True)
class Dealing:
    """How photos are dealt.

    Convention:
        - ``count``: number of photos; ``batch_size``: photos of **one rank** in a step
        - ``rank`` of ``ranks``, from 0
        - ``shards``: (N,) which shard each photo lies in; then whole shards are shuffled, and the photos of
          ``shards_at_once`` of them with one another, so that a disk or a network reads in long runs; None:
          all photos are shuffled, which wants storage that is quick at random
    """

    count: int
    batch_size: int
    seed: int = 0
    rank: int = 0
    ranks: int = 1
    shards: NDArray[np.int32] | None = None
    shards_at_once: int = SHARDS_AT_ONCE

    def __post_init__(self) -> None:
        if self.count < 0 or self.batch_size < 1 or self.shards_at_once < 1:
            raise UsageError("Count, batch size and shards at once cannot be less than 0, 1 and 1.")
        if not 0 <= self.rank < self.ranks:
            raise UsageError(f"Rank {self.rank} is none of {self.ranks}; ranks are numbered from 0.")
        if self.shards is not None and len(self.shards) != self.count:
            raise UsageError(f"There are {len(self.shards):,} shard numbers for {self.count:,} photos.")

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The rows of an epoch in the order in which they are dealt, the same on every rank."""
        generator = np.random.default_rng([self.seed, epoch])
        if self.shards is None:
            return generator.permutation(self.count)
        lots = generator.random(self.count)
        numbers, which = np.unique(self.shards, return_inverse=True)
        group = generator.permutation(len(numbers)) // self.shards_at_once
        return np.lexsort((lots, group[which]))

    def cuts(self, position: int = 0) -> NDArray[np.int64]:
        """Where the steps of an epoch begin and end in its order, from ``position`` on.

        Convention:
            - every rank has the same number of steps, and in each as many photos as the others, or one less
            - the last step has the photos that are left; fewer than two per rank join the step before it
        """
        whole = self.batch_size * self.ranks
        cuts = np.append(np.arange(position, self.count, whole, dtype=np.int64), self.count)
        if len(cuts) > 2 and cuts[-1] - cuts[-2] < _LEAST * self.ranks:
            cuts = np.delete(cuts, -2)
        return cuts if self.count > position else np.array([position], np.int64)

    def seeds(self, epoch: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """A seed for each photo of an epoch, whichever rank it is dealt to.

        Source:
            S. Vigna's splitmix64 (public domain), whose state counts rows.
        """
        start = np.random.default_rng([self.seed, epoch, 1]).integers(2**63, dtype=np.uint64)
        mixed = start + (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(2)).astype(np.int64)


class DealtPhotos:
    """The shares of one rank, step after step, epoch after epoch; knows where it is.

    Example:
        >>> ranks = [DealtPhotos(Dealing(10, batch_size=3, rank=rank, ranks=2)) for rank in range(2)]
        >>> sorted(row for dealt in ranks for share in dealt for row in share.rows.tolist())
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        >>> [dealt.epoch for dealt in ranks]
        [1, 1]
    """

    def __init__(self, dealing: Dealing) -> None:
        self.dealing = dealing
        self.epoch = 0
        self.position = 0
        """Photos of this epoch that all ranks together have been dealt."""

    def __len__(self) -> int:
        """Steps that are left of this epoch."""
        return len(self.dealing.cuts(self.position)) - 1

    def __iter__(self) -> Iterator[Share]:
        """The shares that are left of this epoch; then the next one begins."""
        for share, position in self.ahead():
            self.position = position
            yield share
        self.epoch, self.position = self.epoch + 1, 0

    def ahead(self, *, first: int = 0, every: int = 1) -> Iterator[tuple[Share, int]]:
        """The shares that are left, and the position after each, without going there.

        Convention:
            - ``first``, ``every``: only the steps ``first``, ``first + every`` ..., for one loader of several
        """
        dealing = self.dealing
        order, cuts = dealing.order(self.epoch), dealing.cuts(self.position)
        for start, stop in islice(pairwise(cuts.tolist()), first, None, every):
            rows = order[start:stop][dealing.rank :: dealing.ranks]
            yield Share(rows, dealing.seeds(self.epoch, rows)), stop

    def state_dict(self) -> dict[str, Any]:
        """Where it is; the same on every rank, ready for JSON."""
        dealing = self.dealing
        return {
            "epoch": self.epoch,
            "position": self.position,
            "count": dealing.count,
            "seed": dealing.seed,
            "shards_at_once": None if dealing.shards is None else dealing.shards_at_once,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go where a state was taken; batch size and number of ranks may be others than then.

        Raises:
            UsageError: it was taken of other photos, or of another order.
        """
        here = self.state_dict()
        for name in ("count", "seed", "shards_at_once"):
            if state.get(name) != here[name]:
                raise UsageError(
                    f"The state was taken with {name} {state.get(name)}, and this is {here[name]}: the order "
                    "of photos would not be the same.\nBegin an epoch anew instead, without the state."
                )
        self.epoch, self.position = int(state["epoch"]), int(state["position"])
