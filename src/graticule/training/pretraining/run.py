"""Pre-training: from a recipe to a run folder with an encoder, and on from where a run was stopped."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import torch

from graticule.config import require
from graticule.errors import GraticuleError, MissingFileError, PartitionError, RecipeError, TrainingError
from graticule.models import read_tensors
from graticule.models.mae import ENCODERS, MaeSettings, MaskedAutoencoder, create_autoencoder
from graticule.partitions import Partition
from graticule.photos.opening import is_photo_table
from graticule.reports.training_curves import training_curves
from graticule.training.augmentation import Cover
from graticule.training.averaging import AveragedWeights
from graticule.training.callbacks import Keeper, Say, Watch
from graticule.training.cells import build_cells
from graticule.training.checkpoints import (
    BEST_LOSS,
    LAST,
    Checkpoint,
    Position,
    read_checkpoint,
    write_checkpoint,
)
from graticule.training.compute import prepare_compute
from graticule.training.encoders import LEARNED
from graticule.training.fitting import explained, fit_phase, loading_processes, plan_batches
from graticule.training.loading import Photos, ordered_loader, training_loader, worker_count
from graticule.training.loggers import create_loggers
from graticule.training.photo_sets import PhotoSet, PhotoSets, read_photo_sets
from graticule.training.planet import with_photos
from graticule.training.pretraining.module import Restorer, Study
from graticule.training.pretraining.photos import make_photo_table
from graticule.training.pretraining.probing import Prober, group_codes, read_probes, with_places
from graticule.training.pretraining.reconstructions import Gallery
from graticule.training.ranks import ALONE, Ranks, joined
from graticule.training.recipe import AutoencoderSection, PretrainingRecipe
from graticule.training.recipe_files import with_absolute_paths
from graticule.training.run_folder import RESTORING_HISTORY, RunFolder
from graticule.training.sampling import EpochOrder
from graticule.training.seeds import derived_seed
from graticule.training.telling import logged, silent, told_how_to_go_on
from graticule.training.trainable import set_trainable
from graticule.training.unreadable import NO_CELLS, name_unreadable

VERB: Final = "pretrain"
_FEW_PLACES: Final = 20
"""With fewer photos with a place there is no probe."""


@dataclass(frozen=True)
class PretrainingReport:
    """What came of a run: its folder, photos, one row per validation, and the linear probes."""

    run: Path
    photos: int
    history: list[dict[str, Any]]
    probes: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "run": str(self.run),
            "photos": self.photos,
            "epochs": len(self.history),
            "best_loss": min(self.history, key=lambda row: row["val_loss"]),
            "last": self.history[-1],
            "probes": self.probes,
            "reconstructions": str(self.run / "reconstructions.png"),
        }


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


def pretrain(
    recipe: PretrainingRecipe,
    output: str | Path,
    *,
    force: bool = False,
    say: Say = print,
    bar: bool = False,
    watch: Watch | None = None,
) -> PretrainingReport:
    """Train the autoencoder that ``recipe`` describes, into a new run folder.

    Convention:
        - ``recipe.photos.table``: a photo table, or anything that ``ingest`` reads; no photo needs a place
        - ``say``, ``bar``, ``watch``: as in ``graticule.training.train.train``

    Raises:
        TrainingError: the folder is not empty, the photos do not suffice, or the loss diverges.
        StoppedError: the user pressed Ctrl-C; all is saved.
        RecipeError, MissingFileError, TableError: what the recipe names cannot be used.
        MissingPackageError: a logger of the recipe is not installed.
    """
    with joined() as ranks:
        if ranks.is_first:
            work, beginning = _begin(recipe, Path(output), say, force=force)
            ranks.wait()
            work = replace(work, bar=bar, watch=watch, ranks=ranks)
            with told_how_to_go_on(work.run):
                return _run(work, beginning)
        ranks.wait()  # until the first rank has written what a run begins with
        return _go_on(Path(output), ranks, say=silent)


def resume_pretraining(
    run_path: str | Path, *, say: Say = print, bar: bool = False, watch: Watch | None = None
) -> PretrainingReport:
    """Go on with a run that was stopped or killed, to the same numbers.

    Raises:
        MissingFileError: this is no run, or it was stopped before it began.
        TrainingError: the checkpoint is damaged, or photos or network are no longer those of the run.
    """
    with joined() as ranks:
        said = say if ranks.is_first else silent
        return _go_on(Path(run_path), ranks, say=said, bar=bar and ranks.is_first, watch=watch)


def _begin(recipe: PretrainingRecipe, output: Path, say: Say, *, force: bool) -> tuple[Work, Checkpoint]:
    """Make the run folder, with all that it needs to go on from the beginning."""
    recipe = with_absolute_paths(with_photos(recipe, say))
    run = RunFolder(output, VERB)
    run.check_free(force=force)  # before minutes of work, and so that a wrong name leaves nothing behind
    for name in recipe.loggers:
        require(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(recipe.seed))
        network = create_autoencoder(_settings(recipe.network, recipe))
    source = recipe.photos.table
    if source is None:
        raise RecipeError(
            "photos.table: no photos are named.\n"
            "Name a folder of photos or a photo table; no places are needed:  --set photos.table=PHOTOS"
        )
    if not is_photo_table(source):
        photos = recipe.photos.model_copy(update={"table": run.path.resolve() / "photos"})
        recipe = recipe.model_copy(update={"photos": photos})
    if recipe.photos.table == source:
        read_photo_sets(recipe.photos, placed_only=False)  # its errors come before anything is written
    run.begin(recipe, force=force)
    try:
        if recipe.photos.table != source:
            make_photo_table(source, run.path / "photos", logged(run, say))
        sets = read_photo_sets(recipe.photos, placed_only=False)
        _build_probe_cells(run, recipe, sets, logged(run, say))
        work = _work(run, recipe, sets, network, say=say)
    except GraticuleError:
        shutil.rmtree(run.path)  # nothing has been learned yet: what is left would only be in the way
        raise
    run.write_counts(sets)
    work.say(sets.in_words())
    for line in network.in_words():
        work.say(line)
    beginning = Checkpoint(Position(), network.state_dict())
    write_checkpoint(run.checkpoint(LAST), beginning)
    return work, beginning


def _build_probe_cells(run: RunFolder, recipe: PretrainingRecipe, sets: PhotoSets, say: Say) -> None:
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


def _go_on(
    path: Path, ranks: Ranks, *, say: Say, bar: bool = False, watch: Watch | None = None
) -> PretrainingReport:
    run = RunFolder(path, VERB)
    recipe = run.read_pretraining()
    if not run.checkpoint(LAST).is_file():
        raise MissingFileError(
            f"The run '{run.path}' was stopped before it began: it has no checkpoint.\n{run.start_over()}"
        )
    checkpoint = read_checkpoint(run.checkpoint(LAST), verb=VERB)
    sets, planned = read_photo_sets(recipe.photos, placed_only=False), run.read_counts()
    network = create_autoencoder(replace(_settings(recipe.network, recipe), weights="none"))
    try:
        network.load_state_dict(checkpoint.network)
    except RuntimeError as error:
        raise TrainingError(
            f"The checkpoint of '{run.path}' is of another network than its recipe says: "
            f"{str(error).splitlines()[-1].strip()}\nGive the run its own recipe.yaml back, or "
            "pre-train anew."
        ) from error
    now = (len(sets.train), len(sets.val))
    if now != (planned["train"], planned["val"]):
        raise TrainingError(
            f"The photo table of '{run.path}' has changed: the run began with {planned['train']:,} photos to "
            f"learn from and {planned['val']:,} to validate, now there are {now[0]:,} and {now[1]:,}.\n"
            "Put the table back, or pre-train anew."
        )
    work = _work(run, recipe, sets, network, say=say, averaged=checkpoint.averaged)
    work = replace(work, bar=bar, watch=watch, ranks=ranks)
    if not ranks.is_first:
        work = replace(work, say=silent)
    work.say(f"Going on with '{run.path}' in {checkpoint.position.in_words()}.")
    with told_how_to_go_on(run):
        return _run(work, checkpoint)


def _run(work: Work, checkpoint: Checkpoint) -> PretrainingReport:
    position, first = checkpoint.position, work.ranks.is_first
    begun = None if checkpoint.optimizer is None else checkpoint
    if first:
        work = replace(work, loggers=create_loggers(work.recipe, work.run))
        work.run.write_history(position.history)
        if work.prober is not None and not position.steps and not work.prober.file(0).is_file():
            work.say(
                f"Running the encoder over {len(work.prober.photos):,} photos, for the first linear probe."
            )
            work.say(work.prober(work.network, step=0).in_words())
    work.ranks.wait()
    while True:
        if not position.phase_is_over:
            _train_phase(work, position, begun)
        if position.phase + 1 >= len(work.recipe.phases):
            break
        position, begun = position.next_phase(), None
    if first:
        _finish(work)
    work.ranks.wait()
    return PretrainingReport(
        work.run.path, len(work.sets.train), position.history, read_probes(work.run.path)
    )


def _train_phase(work: Work, position: Position, begun: Checkpoint | None) -> None:
    recipe, run, ranks = work.recipe, work.run, work.ranks
    phase = recipe.phases[position.phase]
    work.say(f"{set_trainable(work.network, phase)}, at {phase.learning_rate:g}, {phase.schedule}.")
    prepare_compute(work.network, recipe.compute)
    workers = loading_processes(recipe, ranks)
    try:
        train_data = work.data(work.sets.train, varied=True)
        val_data = work.data(work.sets.val, varied=False)
        order = EpochOrder(len(work.sets.train), seed=recipe.seed)
        batches, timetable = plan_batches(run, recipe, position, order, ranks)
    except (RuntimeError, MemoryError) as error:
        raise explained(error, recipe, run) from error
    study = Study(recipe, work.sets.train, work.sets.val, work.prober, work.gallery)
    module = Restorer(
        work.network,
        study,
        position,
        batches,
        timetable,
        begun=begun,
        averaged=work.averaged,
        ranks=ranks,
    )
    keeper = Keeper(run, work.about(), work.say, loading_processes=worker_count(workers), watch=_told(work))
    fit_phase(
        module.train(),
        training_loader(train_data, batches, workers=workers),
        ordered_loader(val_data, batch_size=recipe.batch_size, workers=workers, ranks=ranks),
        keeper,
        loggers=work.loggers,
        bar=work.bar,
    )
    if ranks.is_first:
        unreadable = {"train": position.unreadable, "val": sorted(module.tally.unreadable)}
        name_unreadable(run, work.sets, unreadable, work.say, meaning=NO_CELLS)


def _told(work: Work) -> Watch:
    """Says each new probe once its epoch is booked; then tells the watch of the caller."""

    def watch(history: list[dict[str, Any]]) -> None:
        latest = history[-1]
        if work.ranks.is_first and latest["probe_top1"] is not None and work.prober is not None:
            work.say(work.prober.latest().in_words())
        if work.watch is not None:
            work.watch(history)

    return watch


def _finish(work: Work) -> None:
    """Load what is kept, look at it once more, and draw the curves."""
    run = work.run
    kept = read_checkpoint(run.checkpoint(BEST_LOSS)).position.steps
    work.network.load_state_dict(read_tensors(run.weights(BEST_LOSS)).tensors)
    if work.gallery is not None:
        work.gallery.draw(work.network, kept)
    if work.prober is not None and all(row["step"] != kept for row in read_probes(run.path)):
        work.say(work.prober(work.network, step=kept).in_words())
    for name, canvas in training_curves(pl.read_csv(run.history, schema_overrides=RESTORING_HISTORY)).items():
        run.figures.mkdir(parents=True, exist_ok=True)
        (run.figures / f"{name}.svg").write_text(canvas.svg(), encoding="utf-8")
    work.say(f"Kept is the encoder after {kept} steps, where the validation loss was least.")
    work.say(f"Train from it:  graticule train RECIPE --set network.backbone.weights={run.path} -o RUN")


def _work(
    run: RunFolder,
    recipe: PretrainingRecipe,
    sets: PhotoSets,
    network: MaskedAutoencoder,
    *,
    say: Say,
    averaged: dict[str, Any] | None = None,
) -> Work:
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


def _settings(section: AutoencoderSection, recipe: PretrainingRecipe) -> MaeSettings:
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
