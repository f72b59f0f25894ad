"""The keys of a recipe's sections ``compute`` and ``validation``. Needs no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from graticule.training.recipe.section import Section


class ComputeSection(Section):
    """How steps are computed; what is learned is the same but for rounding.

    Convention:
        - ``precision``: of the network's passes; weights stay float32. ``auto``: bf16 on a GPU that has it,
          else float32; ``fp16`` needs a GPU
        - ``activation_checkpointing``: backbone activations are computed twice instead of kept: less
          memory, more time
        - ``compile``: the backbone goes through ``torch.compile``
    """

    precision: Literal["float32", "bf16", "fp16", "auto"] = "float32"
    activation_checkpointing: bool = False
    compile: bool = False


class ValidationSection(Section):
    """When the validation photos are looked at: every ``every_steps`` steps, or after each epoch."""

    every_steps: int | None = Field(default=None, gt=0)
