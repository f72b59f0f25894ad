"""How much the photos of each cell count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graticule.config import nearest
from graticule.errors import RecipeError
from graticule.geo.countries import CONTINENTS, continent_of
from graticule.geo.outlines import country_of
from graticule.training.losses.targets import Loss, LossCells, Targets
from graticule.training.recipe.loss import ClassWeightsSection

Array = NDArray[np.float64]


def class_weights(section: ClassWeightsSection, cells: LossCells) -> Array:
    """(K,) what the loss of a photo in each cell is multiplied by.

    Raises:
        RecipeError: a list of another length than the cells, no continent of that name, or photos are needed
            and nobody counted them.

    Example:
        >>> cells = LossCells(np.array([[48.9, 2.4], [35.7, 139.7]]), photos=np.array([30, 10]))
        >>> class_weights(ClassWeightsSection(by="continent", weights={"Europe": 1.5}), cells).tolist()
        [1.5, 1.0]
        >>> class_weights(ClassWeightsSection(by="inverse-frequency"), cells).tolist()
        [0.6666666666666666, 2.0]
    """
    return WEIGHTS[section.by](section, cells)


def weighted(loss: Loss, weights: Array) -> Loss:
    """The loss with each photo's multiplied by the weight of its cell."""
    table = torch.from_numpy(weights).float()

    def of_photos(scores: Tensor, targets: Targets) -> Tensor:
        return loss(scores, targets) * table.to(scores.device)[targets.cells.clamp(min=0)]

    return of_photos


def _by_list(section: ClassWeightsSection, cells: LossCells) -> Array:
    if not isinstance(section.weights, tuple) or len(section.weights) != cells.count:
        given = len(section.weights) if section.weights else "no"
        raise RecipeError(
            f"loss.class_weights has {given} weights, but the partition has {cells.count} cells.\n"
            "Give one weight for each cell, in their order, or weigh by something else:  "
            "--set loss.class_weights.by=effective-number"
        )
    return np.array(section.weights)


def _by_continent(section: ClassWeightsSection, cells: LossCells) -> Array:
    """S0: the cross-entropy of photos in European countries was multiplied by 1.5."""
    if not isinstance(section.weights, dict):
        raise RecipeError(
            "loss.class_weights by continent needs a mapping from continents to weights.\n"
            "For example:  --set 'loss.class_weights={by: continent, weights: {Europe: 1.5}}'"
        )
    codes = {_continent(name): weight for name, weight in section.weights.items()}
    countries = country_of(cells.centres)
    continents = [None if code is None else continent_of(code) for code in countries]
    return np.array([codes.get(continent or "", 1.0) for continent in continents])


def _continent(name: str) -> str:
    names = {label.casefold(): code for code, label in CONTINENTS.items()}
    code = names.get(name.casefold(), name.upper())
    if code not in CONTINENTS:
        close = nearest(name, list(CONTINENTS.values()))
        advice = f"Did you mean '{close}'?" if close else f"They are: {', '.join(CONTINENTS.values())}."
        raise RecipeError(f"loss.class_weights: '{name}' is no continent.\n{advice}")
    return code


def _by_frequency(section: ClassWeightsSection, cells: LossCells) -> Array:
    """Photos / (cells x photos of the cell): all cells weigh the same together, all photos 1 on average."""
    photos = _counted(section, cells)
    weights: Array = photos.sum() / (np.count_nonzero(photos) * np.maximum(photos, 1.0))
    return weights


def _by_effective_number(section: ClassWeightsSection, cells: LossCells) -> Array:
    """1 / ((1 - beta^n) / (1 - beta)), scaled so that all photos weigh 1 on average.

    Source:
        Y. Cui et al., "Class-Balanced Loss Based on Effective Number of Samples" (2019), equation 2.
    """
    photos = _counted(section, cells)
    weights: Array = (1 - section.beta) / -np.expm1(np.maximum(photos, 1.0) * np.log(section.beta))
    scaled: Array = weights * (photos.sum() / (weights * photos).sum())
    return scaled


def _counted(section: ClassWeightsSection, cells: LossCells) -> Array:
    if cells.photos is None or not cells.photos.sum():
        raise RecipeError(
            f"loss.class_weights by {section.by} needs the number of training photos in each cell, "
            "and there are none.\nGive the photos:  LossCells(centres, photos)"
        )
    return cells.photos.astype(np.float64)


WEIGHTS: Final[dict[str, Callable[[ClassWeightsSection, LossCells], Array]]] = {
    "list": _by_list,
    "continent": _by_continent,
    "inverse-frequency": _by_frequency,
    "effective-number": _by_effective_number,
}
"""Each way of weighing by the name that recipes use."""
