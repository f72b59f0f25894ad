"""What a run of pre-training works with: its photos, network, probe and pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from graticule.errors import PartitionError
from graticule.models.mae import ENCODERS, MaeSettings, MaskedAutoencoder
from graticule.partitions import Partition
from graticule.training.augmentation import Cover
from graticule.training.averaging import AveragedWeights
from graticule.training.callbacks import Say, Watch
from graticule.training.cells import build_cells
from graticule.training.encoders import LEARNED
from graticule.training.loading import Photos
from graticule.training.photo_sets import PhotoSet, PhotoSets
from graticule.training.pretraining.probing import Prober, group_codes, with_places
from graticule.training.pretraining.reconstructions import Gallery
from graticule.training.ranks import ALONE, Ranks
from graticule.training.recipe import PretrainingRecipe
from graticule.training.run_folder import RunFolder
from graticule.training.telling import logged

_FEW_PLACES: Final = 20
"""With fewer photos with a place there is no probe."""


@dataclass(frozen=True, eq=False)
class Work:
    """All that a run works with; as ``graticule.training.phases.Work``."""

    run: RunFolder
    recipe: PretrainingRecipe
    sets: PhotoSets
    network: MaskedAutoencoder
    averaged: AveragedWeights | None
    prober: Prober | None
    gallery: Gallery | None
    cover: Cover | None
    say: Say
    bar: bool = False
    watch: Watch | None = None
    loggers: tuple[Any, ...] = ()
    ranks: Ranks = ALONE

    def about(self) -> dict[str, str]:
        """What a file of the network's weights says of itself."""
        section, see = self.recipe.network, self.network.preprocessing
        return {
            "architecture": ENCODERS[section.autoencoder],
            "learned": LEARNED,
            "size_px": str(see.size_px),
            "patch_px": str(section.patch_px),
            "mean": " ".join(map(str, see.mean)),
            "std": " ".join(map(str, see.std)),
        }

    def data(self, photos: PhotoSet, *, varied: bool) -> Photos:
        """Photos as they are trained with or, not ``varied``, validated with."""
        cells = np.full(len(photos), -1, dtype=np.int64)
        how = self.recipe.augmentation if varied else None
        return Photos(photos, cells, self.network.preprocessing, how, cover=self.cover)


def work_of(
    run: RunFolder,
    recipe: PretrainingRecipe,
    sets: PhotoSets,
    network: MaskedAutoencoder,
    *,
    say: Say,
    averaged: dict[str, Any] | None = None,
) -> Work:
    """What a run works with, of what its folder and recipe say; ``averaged``: the moving average so far."""
    prober = None
    if recipe.probe is not None and run.cells.is_file():
        prober = Prober.of(recipe, Partition.read(run.cells), sets.train.joined(sets.val), run.path)
    rule = recipe.averaging
    work = Work(
        run=run,
        recipe=recipe,
        sets=sets,
        network=network,
        averaged=None if rule is None else AveragedWeights(network, rule.decay, averaged),
        prober=prober,
        gallery=None,
        cover=Cover.of(recipe.augmentation),
        say=logged(run, say),
    )
    if not recipe.reconstructions:
        return work
    seen = work.data(sets.val, varied=False)
    return replace(work, gallery=Gallery(seen, recipe.reconstructions, run.path, seed=recipe.seed))


def mae_settings(recipe: PretrainingRecipe) -> MaeSettings:
    """The autoencoder that a recipe describes."""
    section = recipe.network
    return MaeSettings(
        size=section.autoencoder,
        size_px=section.image_size_px,
        weights=section.weights,
        patch_px=section.patch_px,
        mask_ratio=section.mask_ratio,
        loss=recipe.loss,
        mean=section.mean,
        std=section.std,
    )


def build_probe_cells(run: RunFolder, recipe: PretrainingRecipe, sets: PhotoSets, say: Say) -> None:
    """Write the cells that the run's probes tell apart, or say why there are none."""
    if recipe.probe is None:
        return
    photos = with_places(sets.train.joined(sets.val))
    groups = len(np.unique(group_codes(photos)))
    if len(photos) < _FEW_PLACES or groups < 2:
        say(f"No linear probe: {len(photos):,} photos of {groups:,} groups have a place.")
        return
    try:
        build_cells(recipe.partition, photos.latlon).write(run.cells)
    except PartitionError as error:
        say(f"No linear probe: {error}")
