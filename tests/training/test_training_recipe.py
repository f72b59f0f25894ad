"""Recipes: what is read, what is refused, and in which words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from graticule.errors import MissingFileError, RecipeError
from graticule.training.recipe import Recipe
from graticule.training.recipe.files import (
    check_recipe,
    find_recipe,
    list_recipes,
    override,
    parse_yaml,
    read_recipe,
    recipes_folder,
    with_absolute_paths,
    write_recipe,
)
from tiny_world import tiny_values


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(tiny_values(Path("photos"))))
    return path


def message(values: dict[str, object]) -> str:
    with pytest.raises(RecipeError) as caught:
        check_recipe(values, "mine.yaml")
    return str(caught.value)


def test_every_shipped_recipe_is_valid_and_says_where_it_comes_from() -> None:
    names = {summary.name for summary in list_recipes()}
    assert names == {
        "coordinate_regression",
        "country_clusters_resnet34",
        "country_resnet50",
        "default",
        "hmc_efficientnet",
        "hybrid",
        "multi_resolution",
        "municipality_vit",
        "quick",
        "s2_cnn_vit",
    }
    for summary in list_recipes():
        assert isinstance(read_recipe(summary.name), Recipe)
        assert all((summary.source, summary.reproduces, summary.published)), summary.name


def test_every_shipped_recipe_has_a_scale_of_minutes_that_needs_nothing() -> None:
    for summary in list_recipes():
        smoke = read_recipe(summary.name, scale="smoke")
        assert smoke.photos.synthetic is not None
        assert smoke.photos.synthetic.photos <= 1500
        assert smoke.network.image_size_px is not None
        assert smoke.network.image_size_px <= 96
        assert smoke.network.backbone.weights in {"none", "default"}  # nothing is downloaded


def test_recipes_are_found_by_name_and_by_path() -> None:
    by_name = find_recipe("quick")
    assert by_name == recipes_folder() / "quick.yaml"
    assert read_recipe(by_name) == read_recipe("quick")
    with pytest.raises(MissingFileError, match=r"no recipe 'quik'(.|\n)*Did you mean 'quick'"):
        find_recipe("quik")
    with pytest.raises(MissingFileError, match="graticule recipes"):
        find_recipe("xyzzy.yaml")


def test_recipes_need_no_torch() -> None:
    words = (
        "import sys, graticule.training.recipe.files as r; r.read_recipe('quick'); r.list_recipes();"
        "print([m for m in ('torch', 'timm', 'lightning') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("network.dropuot", "network.dropuot: unknown key. Did you mean 'network.dropout'?"),
        ("netwrok", "netwrok: unknown key. Did you mean 'network'?"),
        (
            "phases.1.learning_rat",
            "phases.1.learning_rat: unknown key. Did you mean 'phases.1.learning_rate'?",
        ),
        ("network.backbone.nme", "network.backbone.nme: unknown key. Did you mean 'network.backbone.name'?"),
        (
            "dropout",
            "dropout: unknown key. Did you mean 'network.dropout'?",
        ),  # the right key in the wrong place
        ("prior.stregth", "prior.stregth: unknown key. Did you mean 'prior.strength'?"),
        ("loss.zzzzzz", "loss.zzzzzz: unknown key. Known here: name, "),
    ],
)
def test_an_unknown_key_names_the_nearest(path: str, sentence: str) -> None:
    values = override(tiny_values(Path("photos"), prior={}, loss={}), [f"{path}=1"])
    assert message(values).startswith(f"mine.yaml: {sentence}")


def test_a_batch_of_one_says_why_and_what_instead() -> None:
    text = message(override(tiny_values(Path("photos")), ["batch_size=1"]))
    assert "batch_size: BatchNorm compares the photos of a batch" in text
    assert "accumulate" in text


def test_values_out_of_range_name_their_key() -> None:
    values = override(tiny_values(Path("photos")), ["network.dropout=1.5", "phases.0.epochs=many"])
    text = message(values)
    assert "network.dropout: Input should be less than 1 (found 1.5)." in text
    assert "phases.0.epochs: Input should be a valid integer" in text


def test_what_does_not_go_together_is_refused() -> None:
    values = override(tiny_values(Path("photos")), ["phases.1.cached_views=2"])
    assert "phases.1: cached_views needs 'trainable: head'" in message(values)
    values = override(tiny_values(Path("photos")), ["partition.centres_from=places"])
    assert "centres_from other than 'photos' need 'places'" in message(values)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("network:\n  dropout: [0.1\nseed: 1\n", "mine.yaml: line 3, column 5:"),
        ("seed: 1\nseed: 2\n", "mine.yaml: line 2, column 1: the key 'seed' is given twice."),
        ("- a\n- b\n", "mine.yaml: a recipe is a mapping of sections"),
        ("a: \x00\n", "mine.yaml: this is not YAML"),
    ],
)
def test_broken_yaml_says_where(text: str, sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_yaml(text, "mine.yaml")
    assert str(caught.value).startswith(sentence)


def test_a_recipe_in_another_encoding_says_where_and_what_to_type(recipe_file: Path) -> None:
    text = recipe_file.read_text() + "card: {description: Städte}\n"
    recipe_file.write_bytes(text.encode("latin-1"))
    with pytest.raises(
        RecipeError, match=r"line \d+: this is not UTF-8 text \(byte 0xe4\)(.|\n)*iconv -f latin1"
    ):
        read_recipe(recipe_file)


def test_what_would_fail_later_is_refused_when_read(recipe_file: Path) -> None:
    with pytest.raises(RecipeError, match=r"network\.std: std is what photos are divided by"):
        read_recipe(recipe_file, ["network.std=[0, 0, 0]"])
    for coverage in ("[0]", "[1.0]", "[0.5, 90]"):
        with pytest.raises(RecipeError, match=r"evaluation\.coverage: coverage holds shares between 0 and 1"):
            read_recipe(recipe_file, [f"evaluation.coverage={coverage}"])
    assert read_recipe(recipe_file, ["evaluation.coverage=[0.5]"]).evaluation.coverage == (0.5, 0.9)


def test_overrides_reach_into_lists_and_make_missing_sections(recipe_file: Path) -> None:
    words = [
        "phases.1.epochs=7",
        "early_stopping.patience=2",
        "network.backbone.kwargs.pad_type=same",
        "seed=3",
    ]
    recipe = read_recipe(recipe_file, words)
    assert recipe.phases[1].epochs == 7
    assert recipe.early_stopping is not None
    assert recipe.early_stopping.patience == 2
    assert recipe.network.backbone.kwargs == {"pad_type": "same"}
    assert recipe.seed == 3
    assert (
        read_recipe(recipe_file, ["early_stopping.patience=2", "early_stopping=null"]).early_stopping is None
    )


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("seed", "expected KEY=VALUE"),
        ("=3", "expected KEY=VALUE"),
        ("phases.9.epochs=1", "'9' is not an item of this list; it has 2, counted from 0"),
        ("network.dropout.deeper=1", "'deeper' cannot be set, since what it lies in is a plain value"),
        ("seed=[1", "the value is not YAML"),
    ],
)
def test_overrides_that_cannot_be_are_refused(word: str, sentence: str, recipe_file: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe(recipe_file, [word])
    assert sentence in str(caught.value)


def test_overriding_leaves_the_given_mapping_alone() -> None:
    values = tiny_values(Path("photos"))
    override(values, ["network.dropout=0.9"])
    assert values["network"]["dropout"] == 0.1


def test_the_resolved_recipe_reads_back_the_same(tmp_path: Path) -> None:
    recipe = read_recipe("default", ["photos.table=photos", "prior.places=places.csv"])
    write_recipe(recipe, tmp_path / "recipe.yaml")
    assert read_recipe(tmp_path / "recipe.yaml") == recipe
    assert "early_stopping: null" in (tmp_path / "recipe.yaml").read_text()


def test_paths_become_absolute_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.safetensors").touch()
    words = ["photos.table=photos", "prior.places=p.csv", "network.backbone.weights=w.safetensors"]
    recipe = with_absolute_paths(read_recipe("quick", words))
    assert recipe.photos.table == tmp_path / "photos"
    assert recipe.prior is not None
    assert recipe.prior.places == tmp_path / "p.csv"
    assert recipe.network.backbone.weights == str(tmp_path / "w.safetensors")
    assert with_absolute_paths(read_recipe("quick")).network.backbone.weights == "default"


def test_numbers_in_scientific_notation_are_numbers(recipe_file: Path) -> None:
    assert read_recipe(recipe_file, ["phases.0.learning_rate=3e-4"]).phases[0].learning_rate == 3e-4
