"""What a search found, as files: a table of trials, importances, a page, and the recipe of the best trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import polars as pl
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

from graticule.reports.search import SearchResults, write_search_report
from graticule.training.search.space import GOALS
from graticule.training.search.study import Search, run_of, tried, write_best


def write_results(search: Search, study: optuna.Study) -> SearchResults:
    """Write ``trials.csv``, ``report.html`` with its figures, and ``best.yaml`` into the folder of a search.

    Raises:
        MissingFileError, TrainingError: they cannot be written.
    """
    goal = search.space.section.goal
    results = SearchResults(
        title=f"Search for {goal}: {Path(search.space.name).stem}",
        goal=goal,
        is_lower_better=GOALS[goal] == "minimize",
        parameters=tuple(search.space.section.parameters),
        rows=rows(search, study),
        importances=importances(study),
    )
    table = pl.DataFrame(results.rows, infer_schema_length=None, strict=False)
    table.write_csv(search.folder / "trials.csv")
    write_search_report(search.folder, results)
    if results.best is not None:
        write_best(search, study)
    return results


def rows(search: Search, study: optuna.Study) -> list[dict[str, Any]]:
    """One row per trial, in order; a trial that was killed and gone on with stands once, where it ended.

    Convention:
        - ``state``: complete, pruned, failed, running, waiting; ``value``: None where there is none
        - a parameter's choice that is no plain value stands as JSON
    """
    found = []
    for trial in study.trials:
        if trial.state == TrialState.FAIL and "error" not in trial.user_attrs:
            continue  # cut short; it goes on under another number
        chosen = tried(search.space, trial.params)
        seconds = None if trial.duration is None else round(trial.duration.total_seconds(), 1)
        found.append(
            {
                "trial": trial.number,
                "state": "failed" if trial.state == TrialState.FAIL else trial.state.name.lower(),
                "value": trial.value,
                **{
                    name: _plain(chosen.get(name), trial.params.get(name))
                    for name in search.space.section.parameters
                },
                "seconds": seconds,
                "run": str(run_of(trial, search.folder).relative_to(search.folder)),
                "error": trial.user_attrs.get("error"),
            }
        )
    return found


def importances(study: optuna.Study) -> dict[str, float] | None:
    """How much each parameter matters, shares of 1; None when too few trials went through to tell.

    Source:
        S. Watanabe, A. Bansal, F. Hutter, "PED-ANOVA" (2023), as Optuna has it.
    """
    if len(study.get_trials(states=[TrialState.COMPLETE])) < 3:
        return None
    try:
        return dict(get_param_importances(study, evaluator=PedAnovaImportanceEvaluator()))
    except (RuntimeError, ValueError):  # all trials alike
        return None


def _plain(value: Any, stored: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else stored
