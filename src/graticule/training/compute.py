"""How a network's passes are computed: less memory for more time, or compiled."""

from __future__ import annotations

from graticule.errors import RecipeError
from graticule.models import PlaceNetwork
from graticule.training.recipe import ComputeSection


def prepare_compute(network: PlaceNetwork, section: ComputeSection) -> None:
    """Switch on what a recipe asks for; names of tensors stay as they are, so checkpoints fit.

    Raises:
        RecipeError: timm cannot keep this backbone's activations out of memory.
    """
    if section.activation_checkpointing:
        switch = getattr(network.backbone, "set_grad_checkpointing", None)
        try:
            if switch is None:
                raise AttributeError(f"{type(network.backbone).__name__} has none")
            switch(True)
        except (AssertionError, AttributeError) as error:
            raise RecipeError(
                f"compute.activation_checkpointing: this backbone cannot do that ({error}).\n"
                "Leave the key out; smaller batches save memory too:  --set batch_size=8 --set accumulate=4"
            ) from error
    if section.compile:
        network.backbone.compile()
