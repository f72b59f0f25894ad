"""Where a run stands, in one file that is replaced whole or not at all; beside it weights without pickle."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from graticule.errors import MissingFileError, TrainingError

FORMAT: Final = 1
LAST: Final = "last"
BEST_LOSS: Final = "best_loss"
BEST_ACCURACY: Final = "best_accuracy"


@dataclass
class Position:
    """Where a run stands.

    Convention:
        - ``phase``: number of the phase, from 0; ``epoch``: epochs of it that are done; ``batch``: batches
          done of the one that is under way; ``phase_is_over``: the phase stopped early or is complete
        - ``stale_epochs``: epochs of this phase since its validation loss was lowest, at ``lowest_loss``
        - ``history``: one mapping per finished epoch, with the columns of ``history.csv``
        - ``loss_sum``, ``photos``, ``seconds``: of the epoch that is under way
    """

    phase: int = 0
    epoch: int = 0
    batch: int = 0
    phase_is_over: bool = False
    stale_epochs: int = 0
    lowest_loss: float = float("inf")
    history: list[dict[str, Any]] = field(default_factory=list)
    loss_sum: float = 0.0
    photos: int = 0
    seconds: float = 0.0

    def in_words(self) -> str:
        """Such as "phase 2, after 3 epochs and 17 batches"."""
        epochs = f"phase {self.phase + 1}, after {self.epoch} epochs"
        return f"{epochs} and {self.batch} batches" if self.batch else epochs


@dataclass(frozen=True)
class Checkpoint:
    """A position with the network's and the optimizer's state there."""

    position: Position
    network: dict[str, Tensor]
    optimizer: dict[str, Any] | None


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``path`` (.ckpt); what was there before stays until all is written.

    Raises:
        TrainingError: the disk is full or not writable.
    """
    document = {
        "format": FORMAT,
        "position": asdict(checkpoint.position),
        "network": checkpoint.network,
        "optimizer": checkpoint.optimizer,
    }
    _replace(path, lambda part: torch.save(document, part))


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a .ckpt file; only tensors and plain values are unpickled.

    Raises:
        MissingFileError: there is no such file.
        TrainingError: it is damaged, or of a later format.
    """
    if not path.is_file():
        raise MissingFileError(f"There is no checkpoint '{path}'.")
    try:
        document = torch.load(path, map_location="cpu", weights_only=True)
        if document["format"] != FORMAT:
            raise TrainingError(
                f"The checkpoint '{path}' is of a later graticule:  pip install --upgrade graticule"
            )
        return Checkpoint(Position(**document["position"]), document["network"], document["optimizer"])
    except (RuntimeError, pickle.UnpicklingError, KeyError, TypeError, EOFError, OSError) as error:
        if isinstance(error, TrainingError):
            raise
        raise TrainingError(f"The checkpoint '{path}' is damaged and cannot be gone on from.") from error


def write_weights(path: Path, tensors: dict[str, Tensor], about: dict[str, str]) -> None:
    """Write ``path`` (.safetensors) with ``about`` as its metadata, whole or not at all.

    Raises:
        TrainingError: the disk is full or not writable.
    """
    contiguous = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    _replace(path, lambda part: save_file(contiguous, part, metadata=about))


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        part.unlink(missing_ok=True)
        raise TrainingError(
            f"'{path}' cannot be written: {str(error).splitlines()[0]}.\n"
            "What was there before is intact. Make room, then go on:  graticule train --resume RUN"
        ) from error
