"""Encoders of pre-training as backbones: a recipe takes the network that its first weights are of."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from graticule.errors import RecipeError
from graticule.models.weights import read_about
from graticule.training.callbacks import Say
from graticule.training.recipe import BackboneSection, NetworkSection, Recipe
from graticule.training.recipe.pretraining import PATCH_PX

LEARNED: Final = "masked-autoencoder"
"""What the weights of a run of ``graticule pretrain`` say they learned, under ``learned``."""


def with_encoder(recipe: Recipe, say: Say) -> Recipe:
    """The same recipe; where its first weights are of pre-training, with their network as the backbone.

    Convention:
        - an encoder brings its normalisation, and its image size where the recipe states none
        - ``say``: told in a sentence what takes the place of what

    Raises:
        RecipeError: the recipe has a transformer behind its backbone, or its image size is not whole patches.
        TrainingError: the weights are damaged.
    """
    section, weights = recipe.network, recipe.network.backbone.weights
    about = read_about(weights)
    if about.get("learned") != LEARNED:
        return recipe
    name = about["architecture"]
    if section.transformer is not None:
        raise RecipeError(
            f"network.transformer: the encoder of '{weights}' is a vision transformer itself, and reads "
            "photos.\nTrain it without one behind it:  --set network.transformer=null"
        )
    size_px = section.image_size_px or int(about["size_px"])
    patch_px = int(about.get("patch_px", PATCH_PX))
    if size_px % patch_px:
        near = max(2 * patch_px, round(size_px / patch_px) * patch_px)
        raise RecipeError(
            f"network.image_size_px: {size_px} px cannot be cut into the {patch_px} px patches of the "
            f"encoder of '{weights}'.\nTake a multiple of {patch_px}:  --set network.image_size_px={near}"
        )
    own = section.backbone.name
    if own.partition(".")[0] == name:
        backbone, instead = section.backbone, ""
    else:
        backbone, instead = BackboneSection(name=name, weights=weights), f", in place of '{own}'"
    if patch_px != PATCH_PX:
        backbone = backbone.model_copy(update={"kwargs": {**backbone.kwargs, "patch_size": patch_px}})
    mean, std = (tuple(map(float, about[each].split())) for each in ("mean", "std"))
    values = {"backbone": backbone.model_dump(), "image_size_px": size_px, "mean": mean, "std": std}
    say(
        f"Backbone: the encoder that '{Path(weights).name}' pre-trained, {name}{instead}; photos are "
        f"normalised as there (mean {mean}, std {std}), and are {size_px} px wide."
    )
    network = NetworkSection.model_validate({**section.model_dump(), **values})
    return recipe.model_copy(update={"network": network})
