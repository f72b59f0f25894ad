"""Features of photos, computed once while the backbone stands still."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graticule.errors import TrainingError
from graticule.models import PlaceNetwork
from graticule.models.mae import MaskedAutoencoder
from graticule.training.augmentation import vary_batch
from graticule.training.loading import KeptFeatures, Photos, ordered_loader
from graticule.training.module import as_image
from graticule.training.recipe import PretrainingRecipe, Recipe
from graticule.training.seeds import derived_seed


@torch.no_grad()
def keep_features(
    network: PlaceNetwork | MaskedAutoencoder,
    photos: Photos,
    recipe: Recipe | PretrainingRecipe,
    *,
    phase: int,
    views: int,
) -> KeptFeatures:
    """Features of ``views`` views of every photo: the first is its centre, the others are augmented.

    Raises:
        TrainingError: no photo can be read.
    """
    network.eval()
    network.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    readable, kept = np.ones(len(photos), dtype=np.bool_), []
    for view in range(views):
        dataset = Photos(
            photos.photos,
            photos.cells,
            photos.preprocessing,
            photos.augmentation if view else None,
            cover=photos.cover,
        )
        features, unreadable = _view(network, dataset, recipe, derived_seed(recipe.seed, phase, view))
        readable[unreadable] = False
        kept.append(features)
    return KeptFeatures(torch.stack(kept), photos.cells, readable)


def _view(
    network: PlaceNetwork | MaskedAutoencoder, photos: Photos, recipe: Recipe | PretrainingRecipe, seed: int
) -> tuple[Tensor, list[int]]:
    device = next(network.parameters()).device
    features: Tensor | None = None
    unreadable: list[int] = []
    for batch in ordered_loader(photos, batch_size=recipe.batch_size, workers=recipe.workers, seed=seed):
        unreadable += batch.unreadable
        if len(batch.rows):
            image = as_image(batch.inputs.to(device))
            if photos.augmentation is not None:
                image = vary_batch(image, batch.seeds, photos.augmentation)
            found = network.embed(image).float().cpu()
            if features is None:
                features = torch.zeros(len(photos), found.shape[1])
            features[batch.rows] = found
    if features is None:
        raise TrainingError("None of the photos can be read.\nCheck them:  graticule ingest PHOTOS -o FOLDER")
    return features, unreadable
