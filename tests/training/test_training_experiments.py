"""Experiments: what is read and refused, means over seeds, going on after a kill, and the table."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from graticule.errors import MissingFileError, RecipeError, UsageError
from graticule.training.experiments.definition import (
    Experiment,
    find_experiment,
    list_experiments,
    read_experiment,
)
from graticule.training.experiments.means import mean_over_seeds
from tiny_world import tiny_values

PHASES = [{"name": "all", "epochs": 2, "learning_rate": 0.003}]
HEADS = {
    "MC": {"set": {"network.head": "mc"}, "published": {"top-1": 0.5}},
    "HTree": {"set": {"network.head": "htree"}},
}


def write_files(folder: Path, table: Path, **changes: Any) -> Path:
    values = tiny_values(table, phases=PHASES)
    scales = {"smoke": {"phases.0.epochs": 1, "network.dropout": 0.3}}
    (folder / "mine.yaml").write_text(yaml.safe_dump({**values, "scales": scales}))
    said: dict[str, Any] = {
        "recipe": str(folder / "mine.yaml"),
        "seeds": [0, 1],
        "columns": {"top-1": "top1", "loss": "loss"},
        "rows": HEADS,
        **changes,
    }
    path = folder / "experiment.yaml"
    path.write_text(
        "# Source: the tests\n# Reproduces: nothing\n# Published: nothing\n"
        + yaml.safe_dump(said, sort_keys=False)
    )
    return path


def test_every_shipped_experiment_fits_its_recipe_at_every_scale() -> None:
    found = list_experiments()
    names = {
        "hierarchy",
        "backbones",
        "photo_count",
        "cell_count",
        "resnets",
        "weights_smoothing",
        "vit_steps",
    }
    assert names | {"precomputed_crops", "loss_or_accuracy", "pretraining"} == {item.name for item in found}
    for item in found:
        assert all((item.source, item.reproduces, item.published)), item.name
        for scale in (None, "smoke", "small"):
            experiment = read_experiment(item.name, scale=scale)  # also refuses rows that are the same
            assert any(row.published for row in experiment.rows)
            if scale is not None:
                assert all(row.recipe(0).photos.synthetic for row in experiment.rows)
                weights = {row.recipe(0).network.backbone.weights for row in experiment.rows}
                assert weights <= {"none", "default"}  # nothing is downloaded


def test_hierarchy_is_the_thesis_table_at_full_scale() -> None:
    experiment = read_experiment("hierarchy")
    rates = {row.name: row.recipe(0).phases[0].learning_rate for row in experiment.rows}
    assert rates == {"MC": 1e-4, "HMC": 1e-2, "HMC-sol": 1e-4, "HMC-smooth": 1e-6, "HTree": 1e-4}
    smoke = {
        row.recipe(0).phases[0].learning_rate for row in read_experiment("hierarchy", scale="smoke").rows
    }
    assert smoke == {1e-3}


def test_changes_come_in_order(tmp_path: Path, world: Path) -> None:
    rows = {
        "one": {"set": {"network.dropout": 0.4}},
        "two": {
            "set": {"network.dropout": 0.1},
            "scales": {"smoke": {"network.dropout": 0.2}, "full": {"network.dense": 4}},
        },
        "three": {},
    }
    path = write_files(
        tmp_path, world, rows=rows, set={"network.dense": 8}, scales={"full": {"batch_size": 4}}
    )

    def dropouts(**words: Any) -> list[float]:
        return [row.recipe(0).network.dropout for row in read_experiment(path, **words).rows]

    assert dropouts(scale="smoke") == [0.4, 0.2, 0.3]  # the row's set; its scale; the recipe's own scale
    smoke = read_experiment(path, scale="smoke").rows[0].recipe(7)
    overridden = read_experiment(path, overrides=("batch_size=2",)).rows[0].recipe(7)
    assert (overridden.batch_size, read_experiment(path).rows[0].recipe(7).batch_size) == (2, 4)
    assert (smoke.phases[0].epochs, smoke.network.dense, smoke.batch_size, smoke.seed) == (1, (8,), 8, 7)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rows": {"MC": {}}}, "rows: Dictionary should have at least 2 items"),
        (
            {"rows": {**HEADS, "x": {"published": {"top1": 1.0}}}},
            "rows.x.published: there is no column 'top1'",
        ),
        ({"rows": {"HMC.": {}, "hmc": {}}}, "their names have to differ in letters or digits"),
        ({"seeds": [1, 1]}, "seeds are different whole numbers"),
        ({"columns": {"x": "top2"}}, "columns.x.measure: Input should be 'loss', 'top1'"),
        (
            {"rows": {**HEADS, "same": {"set": {"network.head": "mc"}}}},
            "the rows 'MC' and 'same' are the same recipe",
        ),
        ({"rows": {**HEADS, "x": {"set": {"network.haed": "mc"}}}}, "Did you mean 'network.head'"),
        (
            {"rows": {**HEADS, "x": {"published": {}, "scalse": {}}}},
            "rows.x.scalse: unknown key. Did you mean 'rows.x.scales'?",
        ),
        ({"colums": {}}, "colums: unknown key. Did you mean 'columns'?"),
    ],
)
def test_wrong_experiments_are_refused(
    tmp_path: Path, world: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        read_experiment(write_files(tmp_path, world, **changes))
    assert sentence in str(caught.value)


def test_unknown_names_say_the_nearest() -> None:
    with pytest.raises(MissingFileError, match=r"no experiment 'hierachy'(.|\n)*Did you mean 'hierarchy'"):
        find_experiment("hierachy")
    with pytest.raises(MissingFileError, match="graticule experiment"):
        find_experiment("xyzzy")


def test_means_over_seeds_have_students_interval() -> None:
    values = [0.2, 0.25, 0.36]
    mean = sum(values) / 3
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / 2)
    found = mean_over_seeds(values)
    assert found.value == pytest.approx(mean)
    assert found.half_width == pytest.approx(
        4.302652729911275 * deviation / math.sqrt(3)
    )  # a table's t, 2 degrees
    assert mean_over_seeds([]).count == 0
    assert math.isnan(mean_over_seeds([0.5]).half_width)
    assert mean_over_seeds([0.5, 0.5]).half_width == 0
    assert not mean_over_seeds([-1.0, 1.0]).excludes_zero
    assert mean_over_seeds([1.0, 1.1]).excludes_zero


def findings_of(experiment: Experiment, numbers: dict[str, dict[int, float]]) -> list[Any]:
    from graticule.training.experiments.running import Finding

    return [
        Finding(
            row,
            seed,
            Path("run"),
            {"split": "test", "photos": 9, "best_loss": {"top1": top1, "loss": 1 - top1}},
        )
        for row, by_seed in numbers.items()
        for seed, top1 in by_seed.items()
    ]


def test_rows_are_compared_seed_by_seed(tmp_path: Path, world: Path) -> None:
    from graticule.training.experiments.tables import build_table

    experiment = read_experiment(write_files(tmp_path, world))
    numbers = {"MC": {0: 0.1, 1: 0.3, 2: 0.9}, "HTree": {0: 0.2, 1: 0.4}}  # seed 2 has no partner
    table = build_table(experiment, findings_of(experiment, numbers))
    difference = table.cells["HTree"]["top-1"].against_first
    assert difference is not None
    assert difference.count == 2
    assert difference.value == pytest.approx(0.1)
    assert difference.half_width == pytest.approx(0.0)  # the seeds differ by far, the rows by the same
    assert table.cells["MC"]["top-1"].against_first is None
    assert table.rows()[0] == ["", "top-1, % (source)", "top-1, % (here)", "loss (here)"]
    assert table.rows()[1][:2] == ["MC", "50.0"]
    assert table.difference_rows()[1][1] == "10.0 ± 0.0 *"
    assert "| MC | 50.0 | 43.3 ± " in table.markdown()


def test_an_experiment_that_was_cut_short_goes_on(tmp_path: Path, world: Path) -> None:
    from graticule.training.callbacks import StoppedError
    from graticule.training.experiments.running import Course, run_experiment
    from graticule.training.experiments.tables import build_table

    experiment = read_experiment(write_files(tmp_path, world))
    course = Course(experiment, tmp_path / "out", (0,))

    def stop_in_the_second(line: str) -> None:
        if "[HTree, seed 0] all 1/2" in line:
            raise StoppedError("stopped")

    with pytest.raises(StoppedError, match=r"'HTree', seed 0(.|\n)*the same line again"):
        run_experiment(course, say=stop_in_the_second)
    lines: list[str] = []
    findings = run_experiment(course, say=lines.append)
    assert "2 runs" in lines[0]
    assert "1 to go" in lines[0]
    assert any("Going on with" in line for line in lines)
    assert not any("[MC" in line for line in lines)  # it was over
    folder = tmp_path / "out" / "runs" / "htree-seed0"
    metrics = json.loads((folder / "evaluation" / "best_loss_test" / "metrics.json").read_text())
    assert findings[1].measured is not None
    assert findings[1].measured["best_loss"]["top1"] == metrics["top_k"]["1"]
    assert not (folder / "checkpoints").exists()
    assert build_table(experiment, findings).runs().height == 4  # two runs, two kept states each
    other = read_experiment(write_files(tmp_path, world), overrides=("batch_size=4",))
    with pytest.raises(UsageError, match="holds another experiment"):
        run_experiment(Course(other, tmp_path / "out", (0,)), say=lines.append)


def test_a_run_that_fails_is_told_of_and_the_others_go_on(tmp_path: Path, world: Path) -> None:
    from graticule.cli.experiment import command
    from graticule.errors import TrainingError

    rows = {"diverges": {"set": {"phases.0.learning_rate": 1e30}}, "learns": {}}
    path = write_files(tmp_path, world, rows=rows, seeds=[0])
    words = [str(path), "--scale", "smoke", "-o", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(command, words)
    assert isinstance(done.exception, TrainingError)
    assert "1 of 2 runs failed; the first, 'diverges' with seed 0" in str(done.exception)
    document = json.loads(done.stdout)
    assert document["rows"]["learns"]["top-1"]["here"]["seeds"] == 1
    assert document["rows"]["diverges"]["top-1"]["here"]["seeds"] == 0
    assert "'diverges', seed 0:" in (tmp_path / "out" / "table.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_row_begins_with_an_encoder_trained_before(tmp_path: Path, world: Path) -> None:
    from graticule.training.experiments.running import Course, run_experiment

    step = {
        "recipe": "mae_tiny",
        "set": {
            "photos.where": "usable",
            "network.image_size_px": 32,
            "phases.0.epochs": 1,
            "probe": None,
            "reconstructions": 0,
        },
    }
    backbone = {"network.backbone": {"name": "vit_tiny_patch16_224", "weights": "none"}}
    rows = {"ViT": {"set": backbone}, "pre-trained": {"set": backbone, "pretraining": step}}
    path = write_files(tmp_path, world, rows=rows, seeds=[0], set={"phases.0.epochs": 1})
    experiment = read_experiment(path)
    before = experiment.rows[1].pretraining_recipe(3)
    assert before is not None
    assert (before.photos.table, before.photos.where, before.seed) == (
        world,
        "usable",
        3,
    )
    assert experiment.rows[1].recipe(3).photos.where is None  # the halves are the step's alone
    course = Course(experiment, tmp_path / "out", (0,), keeps_checkpoints=True)
    findings = run_experiment(course, say=lambda _: None)
    assert [finding.error for finding in findings] == [None, None]
    (folder,) = (tmp_path / "out" / "pretraining").iterdir()
    recipe = yaml.safe_load((findings[1].run / "recipe.yaml").read_text())
    assert recipe["network"]["backbone"]["weights"] == str(folder)


def test_without_a_name_the_experiments_are_listed() -> None:
    from graticule.cli.experiment import command

    done = CliRunner().invoke(command, [])
    assert "hierarchy  (source: S4" in done.stdout
    assert {
        item["name"] for item in json.loads(CliRunner().invoke(command, ["--json"]).stdout)["experiments"]
    } == {item.name for item in list_experiments()}


def test_full_scale_without_photos_says_what_to_type(tmp_path: Path) -> None:
    from graticule.cli.experiment import command

    done = CliRunner().invoke(command, ["hierarchy", "-o", str(tmp_path / "out")])
    assert isinstance(done.exception, RecipeError)
    assert "--set photos.table=FOLDER" in str(done.exception)
    assert not (tmp_path / "out").exists()
