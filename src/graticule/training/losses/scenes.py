"""The auxiliary task of telling the scene of a photo: urban, natural or indoor. In nats."""

from __future__ import annotations

import polars as pl
import torch
from torch import Tensor
from torch.nn import functional

from graticule.errors import TableError
from graticule.photos.layouts.scene import SCENES
from graticule.training.losses.targets import Loss, LossCells, Targets
from graticule.training.recipe.loss import LossTerm


def scene(term: LossTerm, cells: LossCells) -> Loss:  # noqa: ARG001
    """-log p(scene of the photo); nothing for a photo whose scene the table does not say.

    Source:
        E. Müller-Budack, K. Pustu-Iren, R. Ewerth, "Geolocation Estimation of Photos using a Hierarchical
        Model and Scene Classification" (2018), 3.2: their multi-task network MTN learns scenes beside cells.
    """

    def loss(logits: Tensor, targets: Targets) -> Tensor:
        if targets.scenes is None:
            raise ValueError("the loss 'scene' needs the scenes of the photos")
        return functional.cross_entropy(logits, targets.scenes, ignore_index=-1, reduction="none")

    return loss


def scenes_tensor(table: pl.DataFrame) -> Tensor:
    """(N,) number of each photo's scene in ``SCENES``, -1 where it is none of them or not said.

    Raises:
        TableError: the table has no column ``scene``, or no photo has one.
    """
    known = {name: number for number, name in enumerate(SCENES)}
    names = table["scene"].to_list() if "scene" in table.columns else []
    found = torch.tensor([known.get(str(name).lower(), -1) for name in names], dtype=torch.long)
    if not bool((found >= 0).any()):
        raise TableError(
            "network.scene learns the scenes of photos, but the photo table says none: it has no column "
            f"'scene' with {', '.join(SCENES)}.\nTrain without them:  --set network.scene=false"
        )
    return found
