"""A search under way: an Optuna study in SQLite, a run folder per trial; killed, it goes on where it was."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import optuna
import torch
import yaml
from optuna.trial import FrozenTrial, Trial, TrialState

from graticule.config import usable_cores
from graticule.errors import GraticuleError, TrainingError, UsageError
from graticule.training.callbacks import StoppedError
from graticule.training.checkpoints import LAST
from graticule.training.planet import with_photos
from graticule.training.recipe import Recipe
from graticule.training.recipe.files import with_absolute_paths, write_recipe
from graticule.training.run_folder import RunFolder
from graticule.training.search.space import GOALS, SearchSpace
from graticule.training.seeds import derived_seed
from graticule.training.train import resume, train
from graticule.training.whole_files import write_whole

Say = Callable[[str], None]
History = list[dict[str, Any]]

DEFAULT_TRIALS: Final = 20
_NAME: Final = "search"
_RUN, _ERROR = "run", "error"
"""What a trial remembers: its run folder; what went wrong."""


@dataclass(frozen=True)
class Search:
    """A search in a folder.

    Convention:
        - ``folder``: gets ``study.db``, ``space.yaml``, ``trials/0000`` and so on
        - ``trials``: how many are to end, those of earlier starts among them
        - ``seed``: of what is tried; the runs have that of their recipe
    """

    space: SearchSpace
    folder: Path
    trials: int
    seed: int = 0

    @classmethod
    def of(cls, space: SearchSpace, folder: Path, *, trials: int | None = None, seed: int = 0) -> Search:
        """A search of ``trials``, or of as many as the space says."""
        usual = len(space.section.grid(seed=seed)) if space.section.sampler == "grid" else DEFAULT_TRIALS
        return cls(space, folder, trials or space.section.trials or usual, seed)

    def study(self) -> optuna.Study:
        """The study, made where there is none; a sampler draws other numbers each time it is started."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        section = self.space.section
        url = f"sqlite:///{self.folder / 'study.db'}"
        storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 100}})
        begun = len(storage.get_all_trials(study)) if (study := _study_id(storage)) is not None else 0
        seed = derived_seed(self.seed, begun, multiprocessing.current_process().pid or 0) % 2**32
        if multiprocessing.parent_process() is None:
            seed = derived_seed(self.seed, begun) % 2**32  # one job: the same trials each time
        samplers = optuna.samplers
        sampler = samplers.TPESampler(seed=seed) if section.sampler == "tpe" else samplers.RandomSampler(seed)
        rule = section.pruning
        pruner = (
            optuna.pruners.NopPruner()
            if rule is None
            else optuna.pruners.MedianPruner(rule.after_trials, rule.after_validations)
        )
        return optuna.create_study(
            storage=storage,
            study_name=_NAME,
            direction=GOALS[section.goal],
            sampler=sampler,
            pruner=pruner,
            load_if_exists=True,
        )


def run_search(search: Search, *, jobs: int = 1, say: Say = print) -> optuna.Study:
    """Run the trials that are still missing; those that were cut short go on from their last checkpoint.

    Convention:
        - ``jobs``: processes that train at once; with more than one, call this under
          ``if __name__ == "__main__"``

    Raises:
        UsageError: the folder holds another search.
        StoppedError: the user pressed Ctrl-C; all is saved.
        TrainingError: every trial failed, or a process was ended from outside.
    """
    _claim(search)
    recipe = with_photos(search.space.recipe({}), say, workers=usable_cores())  # once, before jobs do
    if search.space.section.sampler == "grid":
        _enqueue_grid(search)
    study = search.study()
    _take_up(study, search.folder)
    missing = search.trials - len(ended(study))
    say(
        f"Search of {search.trials} trials in '{search.folder}', {max(0, missing)} to go: "
        f"{', '.join(search.space.section.parameters)}; goal: {GOALS[search.space.section.goal]} "
        f"{search.space.section.goal}, {recipe.network.backbone.name}."
    )
    jobs = max(1, min(jobs, missing))
    if jobs == 1:
        work(search, missing, say)
    else:
        _in_processes(search, missing, jobs)
    study = search.study()
    if not [trial for trial in study.trials if trial.state == TrialState.COMPLETE]:
        said = next((trial.user_attrs[_ERROR] for trial in study.trials if _ERROR in trial.user_attrs), "")
        raise TrainingError(
            f"No trial of '{search.folder}' went through. The first that failed said:\n{said}"
        )
    return study


def work(search: Search, count: int, say: Say) -> None:
    """Run ``count`` trials in this process."""
    study = search.study()
    for _ in range(count):
        trial = study.ask()
        try:
            value = _run_trial(search, trial, say)
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
            say(f"Trial {trial.number} ends: others were better by then.")
        except StoppedError as error:  # stays under way, and goes on next time
            raise StoppedError(
                f"Stopped in trial {trial.number}; all of it is saved.\nGo on:  the same line again"
            ) from error
        except GraticuleError as error:
            trial.set_user_attr(_ERROR, str(error).splitlines()[0])
            study.tell(trial, state=TrialState.FAIL)
            say(f"Trial {trial.number} failed: {str(error).splitlines()[0]}")
        else:
            study.tell(trial, value)
        _make_room(study, search.folder)


def ended(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that are over: those that went through, were ended early, or failed with an error."""
    over = (TrialState.COMPLETE, TrialState.PRUNED)
    return [trial for trial in study.trials if trial.state in over or _ERROR in trial.user_attrs]


def run_of(trial: FrozenTrial | Trial, folder: Path) -> Path:
    """The run folder of a trial."""
    return folder / "trials" / str(trial.user_attrs.get(_RUN, f"{trial.number:04d}"))


def tried(search: SearchSpace, parameters: dict[str, Any]) -> dict[str, Any]:
    """What a trial put into the recipe, from what Optuna stores of it."""
    section = search.section.parameters
    return {
        name: value if section[name].choices is None else json.loads(value)
        for name, value in parameters.items()
    }


def write_best(search: Search, study: optuna.Study) -> Path:
    """Write ``best.yaml``, the whole recipe of the best trial, ready for ``graticule train``."""
    recipe = search.space.recipe(tried(search.space, study.best_trial.params))
    path = search.folder / "best.yaml"
    write_whole(path, lambda part: write_recipe(with_absolute_paths(recipe), part))
    return path


def _run_trial(search: Search, trial: Trial, say: Say) -> float:
    goal = search.space.section.goal
    better = min if GOALS[goal] == "minimize" else max
    _suggest(search, trial)
    chosen = tried(search.space, trial.params)
    recipe = search.space.recipe(chosen)
    run = RunFolder(run_of(trial, search.folder))
    told = 0

    def watch(history: History) -> None:
        nonlocal told
        for number, row in enumerate(history[told:], told + 1):
            trial.report(row[goal], number)
        told = len(history)
        if trial.should_prune():
            raise optuna.TrialPruned

    def prefixed(line: str) -> None:
        say(f"[{trial.number}] {line}")

    say(f"Trial {trial.number}: {', '.join(f'{name}={value}' for name, value in chosen.items())}")
    report = _train(run, recipe, prefixed, watch)
    return float(better(row[goal] for row in report.history))


def _train(run: RunFolder, recipe: Recipe, say: Say, watch: Callable[[History], None]) -> Any:
    if run.checkpoint(LAST).is_file():
        return resume(run.path, say=say, watch=watch)
    return train(recipe, run.path, force=run.path.exists(), say=say, watch=watch)


def _suggest(search: Search, trial: Trial) -> None:
    for name, values in search.space.section.parameters.items():
        if values.choices is not None:
            trial.suggest_categorical(name, values.labels)
        elif isinstance(values.low, int) and isinstance(values.high, int):
            trial.suggest_int(name, values.low, values.high, log=values.log)
        else:
            assert values.low is not None  # checked when it was read, like the next
            assert values.high is not None
            trial.suggest_float(name, values.low, values.high, log=values.log)


def _claim(search: Search) -> None:
    """Write ``space.yaml``, or check that the one there is of the same search."""
    path = search.folder / "space.yaml"
    said = {"space": search.space.section.model_dump(mode="json"), "recipe": search.space.values}
    text = yaml.safe_dump(said, sort_keys=False, allow_unicode=True)
    if not path.is_file():
        if search.folder.exists() and any(file.name != "lock" for file in search.folder.iterdir()):
            raise UsageError(
                f"The folder '{search.folder}' is not empty and holds no search.\nName another with -o."
            )
        write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
        return
    if path.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"The folder '{search.folder}' holds another search: its space.yaml differs.\n"
            "Give the words that it was begun with, or name another folder with -o."
        )


def _enqueue_grid(search: Search) -> None:
    study = search.study()
    for row in search.space.section.grid(seed=search.seed)[: search.trials]:
        study.enqueue_trial(row, skip_if_exists=True)


def _take_up(study: optuna.Study, folder: Path) -> None:
    """Have trials that a killed process left under way tried again, in their own run folders."""
    waiting = {trial.user_attrs.get(_RUN) for trial in study.get_trials(states=[TrialState.WAITING])}
    for trial in study.get_trials(states=[TrialState.RUNNING]):
        run = run_of(trial, folder).name
        if trial.params and run not in waiting:
            study.enqueue_trial(trial.params, user_attrs={_RUN: run})
        study.tell(trial.number, state=TrialState.FAIL)


def _make_room(study: optuna.Study, folder: Path) -> None:
    """Of trials that are over, only the best keeps its checkpoints: they may be gigabytes."""
    complete = study.get_trials(states=[TrialState.COMPLETE])
    best = run_of(study.best_trial, folder) if complete else None
    for trial in ended(study):
        run = run_of(trial, folder)
        if run != best:
            shutil.rmtree(run / "checkpoints", ignore_errors=True)


def _in_processes(search: Search, count: int, jobs: int) -> None:
    spawn = multiprocessing.get_context("spawn")  # threads of torch and Polars do not survive a fork
    shares = [count // jobs + (number < count % jobs) for number in range(jobs)]
    processes = [spawn.Process(target=_worker, args=(search, share, jobs)) for share in shares]
    for process in processes:
        process.start()
    stopped = False
    for process in processes:
        try:
            process.join()
        except KeyboardInterrupt:  # each process has got it, too, and saves
            stopped = True
            process.join()
    if stopped or any(process.exitcode == StoppedError.exit_status for process in processes):
        raise StoppedError("Stopped; all of it is saved.\nGo on:  the same line again")
    if any(process.exitcode for process in processes):
        raise TrainingError(
            "A process of the search was ended from outside, for want of memory perhaps.\n"
            "The same line again goes on; with fewer at once:  --jobs 1"
        )


def _worker(search: Search, count: int, jobs: int) -> None:
    import sys

    torch.set_num_threads(max(1, usable_cores() // jobs))
    try:
        work(search, count, lambda line: print(line, file=sys.stderr))  # noqa: T201 -- a process's own log
    except StoppedError:
        sys.exit(StoppedError.exit_status)


def _study_id(storage: optuna.storages.RDBStorage) -> int | None:
    try:
        return storage.get_study_id_from_name(_NAME)
    except KeyError:
        return None
