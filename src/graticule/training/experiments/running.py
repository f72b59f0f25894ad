"""An experiment under way: a run folder for each row and seed; killed, it goes on where it was."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from graticule.config import usable_cores
from graticule.errors import TrainingError, UsageError
from graticule.training.callbacks import StoppedError
from graticule.training.checkpoints import LAST
from graticule.training.experiments.definition import Experiment, Row, slug
from graticule.training.experiments.measures import measure_run
from graticule.training.planet import with_photos
from graticule.training.recipe import PretrainingRecipe, Recipe
from graticule.training.run_folder import RunFolder
from graticule.training.train import resume, train
from graticule.training.whole_files import write_whole

Say = Callable[[str], None]

MEASURED: Final = "measured.json"
"""What a run that is over came to, in its folder; whoever has it is not run again."""

FEATURES: Final = "features"
"""Where rows that differ only behind a standing backbone share its features; gone when all runs are over."""


@dataclass(frozen=True)
class Finding:
    """What came of one run.

    Convention:
        - ``measured``: see ``graticule.training.experiments.measures.measure_run``; None: not run, or failed
        - ``error``: why it failed, or None
    """

    row: str
    seed: int
    run: Path
    measured: dict[str, Any] | None
    error: str | None = None


@dataclass(frozen=True)
class Course:
    """An experiment in a folder.

    Convention:
        - ``folder``: gets ``experiment.yaml``, ``runs/ROW-seed0`` and so on, and the tables
        - ``seeds``: each row is trained with each
        - ``keeps_checkpoints``: also of runs that are over; they may be gigabytes
    """

    experiment: Experiment
    folder: Path
    seeds: tuple[int, ...]
    keeps_checkpoints: bool = False

    def runs(self) -> Iterator[tuple[Row, int, Path]]:
        """Every row with the first seed, then with the next."""
        for seed in self.seeds:
            for row in self.experiment.rows:
                yield row, seed, self.folder / "runs" / f"{slug(row.name)}-seed{seed}"

    def findings(self) -> list[Finding]:
        """What is known so far, from the files alone."""
        return [Finding(row.name, seed, run, read_measured(run)) for row, seed, run in self.runs()]


def run_experiment(
    course: Course, *, say: Say = print, watch: Callable[[Sequence[Finding]], None] | None = None
) -> list[Finding]:
    """Train what is still missing; a run that was cut short goes on from its last checkpoint.

    Convention:
        - ``watch``: told all findings after each run

    Raises:
        UsageError: the folder holds another experiment.
        StoppedError: the user pressed Ctrl-C; all is saved.
        RecipeError: the recipe names no photos.
    """
    course.experiment.check_photos()
    _claim(course)
    for row in course.experiment.rows:
        with_photos(row.recipe(0), say, workers=usable_cores())  # drawn once, by several processes
    findings = course.findings()
    missing = sum(finding.measured is None for finding in findings)
    say(f"Experiment of {len(findings)} runs in '{course.folder}', {missing} to go.")
    for number, (row, seed, path) in enumerate(course.runs()):
        if findings[number].measured is not None:
            continue
        say(f"Run {number + 1} of {len(findings)}: '{row.name}', seed {seed}.")
        findings[number] = _run(course, row, seed, path, say)
        if watch is not None:
            watch(findings)
    if all(finding.measured is not None for finding in findings):
        shutil.rmtree(course.folder / FEATURES, ignore_errors=True)
    return findings


def read_measured(run: Path) -> dict[str, Any] | None:
    """What a run that is over came to; None while it is not over."""
    path = run / MEASURED
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingError(
            f"'{path}' is damaged: {error}.\nRemove that file; the same line again measures the run anew."
        ) from error
    return found


def _run(course: Course, row: Row, seed: int, path: Path, say: Say) -> Finding:
    def told(line: str) -> None:
        say(f"[{row.name}, seed {seed}] {line}")

    try:
        weights = _pretrained(course, row.pretraining_recipe(seed), told)
        run = RunFolder(path)
        recipe = row.recipe(seed, weights=weights)
        _train(run, recipe.model_copy(update={"features": course.folder / FEATURES}), told)
        measured = measure_run(run)
    except StoppedError as error:
        raise StoppedError(
            f"Stopped in '{row.name}', seed {seed}; all of it is saved.\nGo on:  the same line again"
        ) from error
    except TrainingError as error:  # a loss that diverges is a finding, too; the others go on
        told(f"failed: {error}")
        return Finding(row.name, seed, path, None, str(error).splitlines()[0])
    text = json.dumps(measured, indent=2) + "\n"
    write_whole(path / MEASURED, lambda part: part.write_text(text, encoding="utf-8"))
    if not course.keeps_checkpoints:
        shutil.rmtree(path / "checkpoints", ignore_errors=True)
    return Finding(row.name, seed, path, measured)


def _train(run: RunFolder, recipe: Recipe, say: Say) -> None:
    if run.checkpoint(LAST).is_file():
        resume(run.path, say=say)
    else:
        train(recipe, run.path, force=run.path.exists(), say=say)


def _pretrained(course: Course, recipe: PretrainingRecipe | None, say: Say) -> Path | None:
    """The folder of the run before, made or gone on with; rows that begin with the same one share it."""
    if recipe is None:
        return None
    from graticule.training.pretraining.run import pretrain, resume_pretraining

    text = json.dumps(recipe.model_dump(mode="json"), sort_keys=True)
    path = course.folder / "pretraining" / hashlib.sha256(text.encode()).hexdigest()[:8]
    over = path / "over"
    if over.is_file():
        return path
    if RunFolder(path).checkpoint(LAST).is_file():
        resume_pretraining(path, say=say)
    else:
        pretrain(with_photos(recipe, say), path, force=path.exists(), say=say)
    over.touch()
    return path


def _claim(course: Course) -> None:
    """Write ``experiment.yaml``, or check that the one there is of the same experiment."""
    experiment, path = course.experiment, course.folder / "experiment.yaml"
    rows = {
        row.name: {"recipe": row.values, "pretraining": row.pretraining, "published": dict(row.published)}
        for row in experiment.rows
    }
    said = {"experiment": experiment.about.name, "scale": experiment.scale, "rows": rows}
    text = yaml.safe_dump(said, sort_keys=False, allow_unicode=True)
    if path.is_file():
        if path.read_text(encoding="utf-8") != text:
            raise UsageError(
                f"The folder '{course.folder}' holds another experiment: its experiment.yaml differs.\n"
                "Give the words that it was begun with, or name another folder with -o."
            )
        return
    if course.folder.exists() and any(file.name != "lock" for file in course.folder.iterdir()):
        raise UsageError(
            f"The folder '{course.folder}' is not empty and holds no experiment.\nName another with -o."
        )
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
