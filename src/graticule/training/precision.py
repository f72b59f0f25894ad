"""In which precision a network's passes are computed, as far as the hardware has it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from graticule.errors import TrainingError


class Precision:
    """The precision that a recipe asks for, on the device that trains.

    Convention:
        - ``name``: ``float32``, ``bf16``, ``fp16`` or ``auto``, as in ``ComputeSection``
        - ``scaler_state``: of the checkpoint to go on from

    Raises:
        TrainingError: the device cannot compute so.
    """

    def __init__(self, name: str, device: torch.device, scaler_state: dict[str, Any] | None = None) -> None:
        self.device = device
        on_gpu = device.type == "cuda"
        if name == "auto":
            name = "bf16" if on_gpu and torch.cuda.is_bf16_supported() else "float32"
        if name == "fp16" and not on_gpu:
            raise TrainingError(
                f"compute.precision 'fp16' needs a GPU, and this run is on '{device}'.\n"
                "Train in float32, or as the hardware allows:  --set compute.precision=auto"
            )
        if name == "bf16" and on_gpu and not torch.cuda.is_bf16_supported():
            raise TrainingError(
                "This GPU does not compute in bf16.\nTake fp16:  --set compute.precision=fp16"
            )
        self.name = name
        self.dtype = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[name]
        self.scaler = torch.amp.GradScaler("cuda") if name == "fp16" else None
        if self.scaler is not None and scaler_state:
            self.scaler.load_state_dict(scaler_state)

    def passes(self) -> AbstractContextManager[Any]:
        """Within it the network computes in this precision."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return self.scaler.state_dict() if self.scaler is not None else {}
