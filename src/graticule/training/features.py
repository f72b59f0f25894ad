"""Features of photos, computed once while the backbone stands still; on request kept for other runs, too."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from graticule.errors import TrainingError
from graticule.models import PlaceNetwork
from graticule.models.mae import MaskedAutoencoder
from graticule.photos.archives.reading import SEPARATOR
from graticule.training.augmentation import vary_batch
from graticule.training.callbacks import Say
from graticule.training.loading import KeptFeatures, Photos, ordered_loader
from graticule.training.module import as_image
from graticule.training.recipe import PretrainingRecipe, Recipe
from graticule.training.recipe.network import NetworkSection
from graticule.training.seeds import derived_seed
from graticule.training.whole_files import write_whole


def shared_features(
    network: PlaceNetwork, photos: Photos, recipe: Recipe, *, phase: int, views: int, say: Say | None
) -> KeptFeatures:
    """As ``keep_features``, but read from the folder ``features`` of the recipe where a run left them there.

    A file of that folder that is damaged is computed and written anew.

    Convention:
        - ``say``: told of a folder that cannot be written, which stops no run; None in processes that are
          not the first, which write nothing

    Raises:
        TrainingError: no photo can be read.
    """
    if recipe.features is None:
        return keep_features(network, photos, recipe, phase=phase, views=views)
    seeds = [derived_seed(recipe.seed, phase, view) for view in range(views)]
    path = recipe.features / f"{_fingerprint(network, photos, recipe.network, seeds)}.safetensors"
    try:
        found = load_file(path)
        return KeptFeatures(found["features"], photos.cells, found["readable"].numpy())
    except (OSError, SafetensorError, KeyError):
        kept = keep_features(network, photos, recipe, phase=phase, views=views)
    tensors = {"features": kept.features, "readable": torch.from_numpy(kept.readable)}
    if say is not None:
        try:
            write_whole(path, lambda part: save_file(tensors, part))
        except TrainingError as error:
            reason = str(error).partition("\n")[0]
            say(f"The features are kept for this run alone: {reason}")
    return kept


def _fingerprint(network: PlaceNetwork, photos: Photos, settings: NetworkSection, seeds: list[int]) -> str:
    """Names all that the features depend on: the network up to them, and which photos are seen how."""
    known = hashlib.sha256()
    seen = settings.model_dump(mode="json", include={"backbone", "transformer", "pooling"})
    drawn = None if photos.augmentation is None else photos.augmentation.model_dump(mode="json")
    region = None if photos.cover is None else photos.cover.region
    known.update(repr((seen, photos.preprocessing, drawn, region, seeds)).encode())
    if photos.cover is not None and photos.cover.mask is not None:
        known.update(photos.cover.mask.tobytes())
    parts = network.parts()
    for part in network.embedding_parts():
        for name, tensor in parts[part].state_dict().items():
            known.update(f"{part}.{name} {tuple(tensor.shape)}".encode())
            known.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    for file in photos.photos.paths:
        known.update(f"{file} {_state_of(file)}".encode())
    return known.hexdigest()[:32]


def _state_of(path: Path) -> tuple[int, int] | None:
    """Size and time of change of a file, or of the archive that a photo is a member of."""
    try:
        found = Path(str(path).partition(SEPARATOR)[0]).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


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
