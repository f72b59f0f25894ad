"""Searches: what is tried, what is refused, going on after a kill, and what a search leaves."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from graticule.errors import MissingFileError, RecipeError, UsageError
from graticule.training.recipe.files import list_recipes, read_recipe, recipes_folder
from graticule.training.search.space import check_space, find_space, read_space
from tiny_world import tiny_values

PHASES = [{"name": "all", "epochs": 2, "learning_rate": 0.003}]


def write_files(folder: Path, table: Path, **space: object) -> tuple[str, Path]:
    recipe, path = folder / "mine.yaml", folder / "space.yaml"
    recipe.write_text(yaml.safe_dump(tiny_values(table, phases=PHASES)))
    rate = {"phases.0.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}}
    path.write_text(yaml.safe_dump({"recipe": "mine", "parameters": rate, **space}))
    return str(recipe), path


def test_every_shipped_space_fits_its_recipe_at_every_scale() -> None:
    paths = sorted((recipes_folder() / "search").iterdir())
    assert paths
    for path in paths:
        for scale in (None, "smoke", "small"):
            recipe = yaml.safe_load(path.read_text(encoding="utf-8"))["recipe"]
            assert recipe in {summary.name for summary in list_recipes()}
            space = read_space(recipe, path, scale=scale)
            ends = [
                {k: p.choices[-1] if p.choices else p.high for k, p in space.section.parameters.items()},
                {k: p.choices[0] if p.choices else p.low for k, p in space.section.parameters.items()},
            ]
            assert all(space.recipe(values) for values in ends)


def test_scale_comes_after_the_space_and_overrides_last() -> None:
    name = "country_resnet50"
    assert read_space(name).recipe({}).phases[0].epochs == 15  # the space's own
    smoke = read_recipe(name, scale="smoke").phases[0].epochs
    assert read_space(name, scale="smoke").recipe({}).phases[0].epochs == smoke
    changed = read_space(name, scale="smoke", overrides=("phases.0.epochs=1",))
    assert changed.recipe({}).phases[0].epochs == 1


def test_spaces_are_found_by_recipe_name_and_path(tmp_path: Path) -> None:
    assert find_space("country_resnet50", None).stem == "country_resnet50"
    with pytest.raises(MissingFileError, match=r"no search space 'quick'(.|\n)*--space FILE"):
        find_space("quick", None)
    with pytest.raises(MissingFileError, match="There is no recipe 'quik'"):
        read_space("quik")


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        ({"low": 1}, "give 'low' and 'high', or 'choices'"),
        ({"low": 2, "high": 1}, "low has to lie below high"),
        ({"low": 0, "high": 1, "log": True}, "log needs a range above 0"),
        ({"choices": []}, "at least one"),
    ],
)
def test_wrong_ranges_are_refused(parameter: dict[str, object], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        check_space({"recipe": "quick", "parameters": {"seed": parameter}}, "mine.yaml")


def test_wrong_keys_of_a_space_name_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"parameters\.seed\.lwo: unknown key\. Did you mean 'parameters"):
        check_space({"recipe": "quick", "parameters": {"seed": {"lwo": 1, "high": 2}}}, "mine.yaml")
    with pytest.raises(RecipeError, match=r"smapler: unknown key\. Did you mean 'sampler'"):
        check_space(
            {"recipe": "quick", "smapler": "grid", "parameters": {"seed": {"low": 1, "high": 2}}}, "x"
        )


def test_a_grid_needs_choices_and_has_every_combination_once() -> None:
    ranged = {"low": 1, "high": 2}
    with pytest.raises(RecipeError, match="a grid needs 'choices' for every parameter, and 'seed'"):
        check_space({"recipe": "quick", "sampler": "grid", "parameters": {"seed": ranged}}, "mine.yaml")
    parameters = {"seed": {"choices": [0, 1]}, "batch_size": {"choices": [8, 16, 32]}}
    grid = check_space({"recipe": "quick", "sampler": "grid", "parameters": parameters}, "x").grid(seed=3)
    assert len({tuple(row.values()) for row in grid}) == len(grid) == 6


def test_unknown_fields_are_named_before_anything_runs(tmp_path: Path, world: Path) -> None:
    recipe, space = write_files(tmp_path, world, parameters={"network.dropuot": {"low": 0.0, "high": 0.5}})
    with pytest.raises(RecipeError, match=r"network\.dropuot: unknown key\. Did you mean 'network\.dropout'"):
        read_space(recipe, space)


def test_a_search_leaves_table_page_and_best_recipe(tmp_path: Path, world: Path) -> None:
    pytest.importorskip("optuna")
    from graticule.training.search.results import write_results
    from graticule.training.search.study import Search, run_search

    recipe, space = write_files(
        tmp_path,
        world,
        sampler="grid",
        parameters={"phases.0.trainable": {"choices": ["head", "all"]}, "batch_size": {"choices": [8]}},
    )
    folder = tmp_path / "search"
    search = Search.of(read_space(recipe, space), folder)
    assert search.trials == 2
    lines: list[str] = []
    study = run_search(search, say=lines.append)
    results = write_results(search, study)
    table = pl.read_csv(folder / "trials.csv")
    assert set(table["phases.0.trainable"]) == {"head", "all"}
    assert table["value"].is_not_null().all()
    assert results.best is not None
    assert results.best["value"] == table["value"].min()
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "too few trials went through to tell" in page
    best = read_recipe(folder / "best.yaml")
    assert best.phases[0].trainable == results.best["phases.0.trainable"]
    kept = [path.parent.name for path in folder.glob("trials/*/checkpoints")]
    assert kept == [Path(results.best["run"]).name]  # the others' checkpoints made room

    again = run_search(search, say=lines.append)  # nothing is left to do
    assert len(again.trials) == 2
    assert "0 to go" in lines[-1]
    with pytest.raises(UsageError, match="holds another search"):
        run_search(Search.of(read_space(recipe, space, overrides=("seed=5",)), folder), say=lines.append)


def test_a_trial_that_was_cut_short_goes_on_in_its_run_folder(tmp_path: Path, world: Path) -> None:
    pytest.importorskip("optuna")
    from graticule.training.callbacks import StoppedError
    from graticule.training.search.study import Search, run_search

    search = Search.of(read_space(*write_files(tmp_path, world, pruning=None)), tmp_path / "search", trials=1)

    def stop_in_the_middle(line: str) -> None:
        if "all 1/2" in line:
            raise StoppedError("stopped")

    with pytest.raises(StoppedError, match="the same line again"):
        run_search(search, say=stop_in_the_middle)
    lines: list[str] = []
    study = run_search(search, say=lines.append)
    first, second = study.trials
    assert first.state.name == "FAIL"
    assert second.state.name == "COMPLETE"
    assert second.params == first.params
    assert any("Going on with" in line for line in lines)
    assert [path.name for path in (tmp_path / "search" / "trials").iterdir()] == ["0000"]


def test_bad_trials_are_pruned_and_failed_ones_told_of(tmp_path: Path, world: Path) -> None:
    pytest.importorskip("optuna")
    from graticule.training.search.results import write_results
    from graticule.training.search.study import Search, run_search

    recipe, space = write_files(
        tmp_path,
        world,
        sampler="grid",
        pruning={"after_trials": 1, "after_validations": 0},
        parameters={"phases.0.trainable_stages": {"choices": [None, 99]}},
    )
    search = Search.of(read_space(recipe, space), tmp_path / "search")
    study = run_search(search, say=[].append)
    rows = write_results(search, study).rows
    failed = next(row for row in rows if row["state"] == "failed")
    assert "trainable_stages: 99 of a backbone" in failed["error"]
    assert sum(row["state"] == "complete" for row in rows) == 1
