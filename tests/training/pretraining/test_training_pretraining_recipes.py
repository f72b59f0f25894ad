"""Recipes of pre-training: all of them are valid, at every scale, and documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from graticule.errors import RecipeError
from graticule.models.mae import ENCODERS, MaeSettings, create_autoencoder
from graticule.training.experiments.definition import read_experiment
from graticule.training.recipe import AutoencoderSection, PretrainingRecipe, ProbeSection, Section
from graticule.training.recipe.files import (
    PRETRAINING,
    list_recipes,
    read_pretraining,
    recipes_folder,
    with_absolute_paths,
)

DOCS = Path(__file__).parents[3] / "docs" / "pretraining.md"


def test_every_recipe_is_valid_at_every_scale() -> None:
    found = list_recipes(recipes_folder() / PRETRAINING)
    assert {each.name for each in found} == {f"mae_{size}" for size in ENCODERS}
    for each in found:
        assert all((each.source, each.reproduces, each.published)), each.name
        full = read_pretraining(each.name)
        assert full.network.autoencoder == each.name.removeprefix("mae_")
        assert full.photos.synthetic is None
        for scale in ("smoke", "small"):
            smaller = read_pretraining(each.name, scale=scale)
            assert smaller.photos.synthetic is not None
            assert smaller.phases[0].epochs < full.phases[0].epochs  # type: ignore[operator]


def test_the_base_recipe_has_s3s_numbers() -> None:
    recipe = read_pretraining("mae_base")
    phase = recipe.phases[0]
    assert (recipe.batch_size, phase.epochs, phase.learning_rate) == (64, 20, 0.0001)
    assert (phase.weight_decay, phase.clip_norm, phase.step_factor) == (0.01, 0.1, 0.5)
    assert (recipe.network.mask_ratio, recipe.network.image_size_px) == (0.75, 224)


@pytest.mark.parametrize(("size", "patch", "near"), [("null", 33, 231), ("64", 7, 63), ("64", 64, 128)])
def test_photos_are_cut_into_whole_patches(size: str, patch: int, near: int) -> None:
    words = [f"network.image_size_px={size}", f"network.patch_px={patch}"]
    with pytest.raises(RecipeError, match=f"image_size_px is a multiple of {patch}, such as {near}"):
        read_pretraining("mae_tiny", words)
    given = None if size == "null" else int(size)
    with pytest.raises(RecipeError, match=f"Take a multiple of {patch}, such as {near}"):
        create_autoencoder(MaeSettings("tiny", size_px=given, patch_px=patch))


def test_the_default_loss_is_that_of_the_network() -> None:
    values = {"phases": [{"name": "restore", "epochs": 1, "learning_rate": 0.1}]}
    assert PretrainingRecipe.model_validate(values).loss == MaeSettings().loss
    with pytest.raises(RecipeError, match="loss: Input should be 'masked-normalised' or 'all-summed'"):
        read_pretraining("mae_tiny", ["loss=mse"])


def test_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first").mkdir()
    recipe = with_absolute_paths(
        read_pretraining("mae_tiny", ["photos.table=photos", "network.weights=first"])
    )
    assert recipe.photos.table == tmp_path / "photos"
    assert recipe.network.weights == str(tmp_path / "first")


def test_s3s_study_halves_by_group_and_pretrains_on_the_other_half() -> None:
    rows = {row.name: row for row in read_experiment("pretraining", scale="smoke").rows}
    halves = {name: row.recipe(0).photos.half for name, row in rows.items()}
    assert sorted(halves.values(), key=str) == [None] * 3 + ["last"] * 3
    before = {name: row.pretraining_recipe(0) for name, row in rows.items()}
    found = {name: recipe.photos.half for name, recipe in before.items() if recipe is not None}
    assert sorted(found.values(), key=str) == [None, "first"]
    assert all(halves[name] == ("last" if half else None) for name, half in found.items())
    assert not [row.recipe(0).photos.where for row in rows.values() if row.recipe(0).photos.where]


@pytest.mark.parametrize("section", [AutoencoderSection, ProbeSection, PretrainingRecipe])
def test_every_key_is_documented(section: type[Section]) -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert not [name for name in section.model_fields if f"`{name}`" not in text]
