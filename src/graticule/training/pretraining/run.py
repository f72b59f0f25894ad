"""Pre-training: from a recipe to a run folder with an encoder, and on from where a run was stopped."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import torch

from graticule.config import require
from graticule.errors import GraticuleError, MissingFileError, RecipeError, TrainingError
from graticule.models import read_tensors
from graticule.models.mae import create_autoencoder
from graticule.photos.opening import is_photo_table
from graticule.reports.training_curves import training_curves
from graticule.training.callbacks import Say, Watch
from graticule.training.checkpoints import (
    BEST_LOSS,
    LAST,
    Checkpoint,
    Position,
    read_checkpoint,
    write_checkpoint,
)
from graticule.training.loggers import create_loggers
from graticule.training.photo_sets import read_photo_sets
from graticule.training.planet import with_photos
from graticule.training.pretraining.phases import train_phase
from graticule.training.pretraining.photos import make_photo_table
from graticule.training.pretraining.probing import read_probes
from graticule.training.pretraining.work import Work, build_probe_cells, mae_settings, work_of
from graticule.training.ranks import Ranks, joined
from graticule.training.recipe import PretrainingRecipe
from graticule.training.recipe.files import with_absolute_paths
from graticule.training.run_folder import RESTORING_HISTORY, RunFolder
from graticule.training.seeds import derived_seed
from graticule.training.telling import logged, silent, told_how_to_go_on

VERB: Final = "pretrain"


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
        network = create_autoencoder(mae_settings(recipe))
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
        build_probe_cells(run, recipe, sets, logged(run, say))
        work = work_of(run, recipe, sets, network, say=say)
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
    network = create_autoencoder(replace(mae_settings(recipe), weights="none"))
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
    work = work_of(run, recipe, sets, network, say=say, averaged=checkpoint.averaged)
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
            train_phase(work, position, begun)
        if position.phase + 1 >= len(work.recipe.phases):
            break
        position, begun = position.next_phase(), None
    if first:
        _finish(work)
    work.ranks.wait()
    return PretrainingReport(
        work.run.path, len(work.sets.train), position.history, read_probes(work.run.path)
    )


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
