"""Several processes that train one network, as ``torchrun`` starts them: who one is, and adding up.

Every rank holds the whole network and takes its share of the photos of every batch. Sums over ranks are taken
once per step of the optimiser; what is decided from them is decided alike everywhere. Only the first rank
writes files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, distributed

from graticule.errors import TrainingError

T = TypeVar("T")

PATIENCE: Final = timedelta(hours=24)
"""How long a rank waits for others: the first one evaluates alone. Of dead ranks torchrun ends the others."""

BUCKET: Final = 16 * 2**20
"""At most about so many numbers are added up at a time."""


@dataclass(frozen=True)
class Ranks:
    """Which of the processes this is.

    Convention:
        - ``rank``: 0 .. ``count`` - 1 over all machines; ``local``: on this machine, of ``per_node``
    """

    rank: int = 0
    count: int = 1
    local: int = 0
    per_node: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this one writes and speaks."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.count > 1

    @property
    def nodes(self) -> int:
        """How many machines."""
        return self.count // self.per_node

    def wait(self) -> None:
        """Until every rank is here."""
        self.gather(None)

    def gather(self, value: T) -> list[T]:
        """The values of all ranks, in their order."""
        if not self.several:
            return [value]
        found: list[Any] = [None] * self.count
        distributed.all_gather_object(found, value)
        return found

    def any(self, flag: bool) -> bool:
        """Whether it is so on any rank."""
        return any(self.gather(flag))

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Put the sum over ranks into each of the tensors, which have the same shapes and type everywhere."""
        if not self.several:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.detach().reshape(-1) for tensor in bucket])
            distributed.all_reduce(flat)
            parts = torch.split(flat, [each.numel() for each in bucket])
            for tensor, part in zip(bucket, parts, strict=True):
                tensor.detach().copy_(part.view(tensor.shape))


ALONE: Final = Ranks()


def ranks_of_environment() -> Ranks:
    """What ``torchrun`` says in the environment; ``ALONE`` without it.

    Raises:
        TrainingError: the environment is half of one.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    given = [os.environ.get(name) for name in names]
    if given[1] in (None, "1"):
        return ALONE
    try:
        rank, count, local, per_node = (int(value or "") for value in given)
    except ValueError as error:
        raise TrainingError(
            f"WORLD_SIZE is {given[1]}, but not all of {', '.join(names)} are numbers.\n"
            "Start several processes with torchrun:  torchrun --nproc-per-node 2 -m graticule train ..."
        ) from error
    return Ranks(rank, count, local, per_node)


@contextmanager
def joined() -> Iterator[Ranks]:
    """The processes of ``torchrun``, able to talk to each other; ``ALONE`` where there is no other.

    Convention:
        - GPUs talk through NCCL, processors through gloo; plain values go through gloo

    Raises:
        TrainingError: there are more processes than GPUs on this machine.
    """
    ranks = ranks_of_environment()
    if not ranks.several or distributed.is_initialized():
        yield ranks
        return
    on_gpu = torch.cuda.is_available()
    if on_gpu and ranks.per_node > torch.cuda.device_count():
        raise TrainingError(
            f"{ranks.per_node} processes on this machine, which has {torch.cuda.device_count()} GPUs.\n"
            f"Start one for each GPU:  torchrun --nproc-per-node {torch.cuda.device_count()} ..."
        )
    if on_gpu:
        torch.cuda.set_device(ranks.local)
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=PATIENCE)
    yield ranks
    # not after an error: the other ranks may wait for this one, and end when it does
    distributed.destroy_process_group()


class SumsPerStep(DDPStrategy):
    """Lightning's strategy for several processes, without torch's wrapper around the network.

    The wrapper averages the means of the ranks in each backward pass, which is wrong where they have other
    numbers of photos (the end of an epoch, photos that cannot be read) and waits for ever where one has none.
    ``PhaseModule`` adds up the sums before each step instead.
    """

    def configure_ddp(self) -> None:
        """Nothing is wrapped."""


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    size = 0
    for tensor in tensors:
        if bucket and size + tensor.numel() > BUCKET:
            yield bucket
            bucket, size = [], 0
        bucket.append(tensor)
        size += tensor.numel()
    if bucket:
        yield bucket
