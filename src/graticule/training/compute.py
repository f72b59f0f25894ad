"""How a network's passes are computed: less memory for more time, or compiled."""

from __future__ import annotations

from torch import nn

from graticule.errors import RecipeError
from graticule.training.recipe import ComputeSection


def prepare_compute(backbone: nn.Module, section: ComputeSection) -> None:
    """Switch on what a recipe asks for; names of tensors stay as they are, so checkpoints fit.

    Convention:
        - ``backbone``: the part of a network that this is about: a network of timm, or a masked autoencoder

    Raises:
        RecipeError: timm cannot keep this backbone's activations out of memory.
    """
    if section.activation_checkpointing:
        switch = getattr(backbone, "set_grad_checkpointing", None)
        try:
            if switch is None:
                raise AttributeError(f"{type(backbone).__name__} has none")
            switch(True)
        except (AssertionError, AttributeError) as error:
            raise RecipeError(
                f"compute.activation_checkpointing: this backbone cannot do that ({error}).\n"
                "Leave the key out; smaller batches save memory too:  --set batch_size=8 --set accumulate=4"
            ) from error
    if section.compile:
        backbone.compile()
