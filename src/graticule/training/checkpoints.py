"""Where a run stands, in one file that is replaced whole or not at all; beside it weights without pickle."""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from graticule.errors import MissingFileError, TrainingError
from graticule.training.whole_files import write_whole

FORMAT: Final = 2
LAST: Final = "last"
BEST_LOSS: Final = "best_loss"
BEST_ACCURACY: Final = "best_accuracy"

_CONTENTS: Final = ("network", "optimizer", "averaged", "scaler", "cells")


@dataclass
class Position:
    """Where a run stands.

    Convention:
        - ``phase``: number of the phase, from 0; ``batch``: batches of it that are done, over all its
          epochs of ``per_epoch`` batches; ``phase_is_over``: the phase stopped early or is complete
        - ``steps``: steps of the optimiser in the whole run
        - ``stale``: validations of this phase since its loss was lowest, at ``lowest_loss``; the two beside
          them with ``plateau_``: the same for the rate, which is multiplied by ``plateau_share``
        - ``history``: one mapping per validation, with the columns of ``history.csv``
        - ``loss_sum``, ``photos``: since the latest validation; ``unreadable``: rows that taught nothing
        - ``loading_s`` (added up over processes), ``waiting_s``, ``computing_s``: since the latest validation
    """

    phase: int = 0
    batch: int = 0
    per_epoch: int = 0
    steps: int = 0
    phase_is_over: bool = False
    stale: int = 0
    lowest_loss: float = float("inf")
    plateau_stale: int = 0
    plateau_lowest: float = float("inf")
    plateau_share: float = 1.0
    history: list[dict[str, Any]] = field(default_factory=list)
    loss_sum: float = 0.0
    photos: int = 0
    unreadable: list[int] = field(default_factory=list)
    loading_s: float = 0.0
    waiting_s: float = 0.0
    computing_s: float = 0.0

    def next_round(self) -> None:
        """Begin to count anew, after a validation."""
        self.loss_sum, self.photos = 0.0, 0
        self.loading_s = self.waiting_s = self.computing_s = 0.0

    def next_phase(self) -> Position:
        """The beginning of the phase after this one."""
        return Position(phase=self.phase + 1, steps=self.steps, history=self.history)

    def in_words(self) -> str:
        """Such as "phase 2, after 3 epochs and 17 batches"."""
        epochs, batches = divmod(self.batch, self.per_epoch) if self.per_epoch else (0, self.batch)
        words = f"phase {self.phase + 1}, after {epochs} epochs"
        return f"{words} and {batches} batches" if batches else words


@dataclass(frozen=True)
class Checkpoint:
    """A position with all that goes on from there.

    Convention:
        - ``network``: its tensors; ``averaged``: their moving average, as ``AveragedWeights`` keeps it
        - ``optimizer``: its state, None at the beginning of a phase; ``scaler``: of fp16, else empty
        - ``cells``: fingerprint of the partition
    """

    position: Position
    network: dict[str, Tensor]
    optimizer: dict[str, Any] | None = None
    averaged: dict[str, Any] | None = None
    scaler: dict[str, Any] = field(default_factory=dict)
    cells: str = ""


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``path`` (.ckpt); what was there before stays until all is written.

    Raises:
        TrainingError: the disk is full or not writable.
    """
    document = {name: getattr(checkpoint, name) for name in _CONTENTS}
    document |= {"format": FORMAT, "position": asdict(checkpoint.position)}
    write_whole(path, lambda part: torch.save(document, part))


def read_checkpoint(path: Path, *, verb: str = "train") -> Checkpoint:
    """Read a .ckpt file; only tensors and plain values are unpickled.

    Convention:
        - ``verb``: what the run is of, for the message

    Raises:
        MissingFileError: there is no such file.
        TrainingError: it is damaged, or of a later format.
    """
    if not path.is_file():
        raise MissingFileError(f"There is no checkpoint '{path}'.")
    try:
        document = torch.load(path, map_location="cpu", weights_only=True)
        if document["format"] != FORMAT:
            age = "a later" if document["format"] > FORMAT else "an earlier"
            raise TrainingError(
                f"The checkpoint '{path}' is of {age} graticule (format {document['format']}, this one reads "
                f"{FORMAT}).\nGo on with the graticule that made it, or train anew."
            )
        values = {name: document[name] for name in _CONTENTS}
        return Checkpoint(Position(**document["position"]), **values)
    except (RuntimeError, pickle.UnpicklingError, KeyError, TypeError, EOFError, OSError) as error:
        if isinstance(error, TrainingError):
            raise
        run = path.parents[1]
        raise TrainingError(
            f"The checkpoint '{path}' is damaged and cannot be gone on from.\n"
            f"Start that run over:  graticule {verb} {run / 'recipe.yaml'} -o {run} --force"
        ) from error


def write_weights(path: Path, tensors: dict[str, Tensor], about: dict[str, str]) -> None:
    """Write ``path`` (.safetensors) with ``about`` as its metadata, whole or not at all.

    Raises:
        TrainingError: the disk is full or not writable.
    """
    contiguous = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_whole(path, lambda part: save_file(contiguous, part, metadata=about))
