"""Which photos a run learns from: filtered, split, counted, and refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graticule.errors import MissingFileError, RecipeError, TrainingError
from graticule.photos.table import read_photo_table, write_photo_table
from graticule.training.photo_sets import read_photo_sets
from graticule.training.recipe import PhotosSection
from tiny_world import PER_TOWN, TOWNS


def changed(world: Path, tmp_path: Path, *columns: pl.Expr) -> Path:
    write_photo_table(read_photo_table(world).with_columns(*columns), tmp_path)
    return tmp_path


def test_every_row_is_in_a_set_or_counted(world: Path) -> None:
    sets = read_photo_sets(PhotosSection(table=world))
    towns = len(TOWNS)
    assert [len(part) for part in (sets.train, sets.val, sets.test)] == [
        towns * count for count in PER_TOWN.values()
    ]
    assert sum(sets.dropped.values()) == 0
    assert all(path.is_file() for path in sets.val.paths)
    assert sets.train.latlon.shape == (40, 2)
    assert sets.in_words() == "Photos: 68 in the table; 40 to learn from, 16 to validate, 12 to test."


def test_where_chooses_and_counts(world: Path) -> None:
    sets = read_photo_sets(PhotosSection(table=world, where="usable AND country <> 'FR'"))
    assert set(sets.train.table["country"]) == {"JP", "BR", "AU"}
    assert sets.train.table["usable"].all()
    assert sets.dropped["not where the recipe says"] == 68 - sum(map(len, (sets.train, sets.val, sets.test)))


def test_halves_part_the_training_photos_by_group(world: Path) -> None:
    whole = read_photo_sets(PhotosSection(table=world))
    first, last = (read_photo_sets(PhotosSection(table=world, half=half)) for half in ("first", "last"))
    assert sorted([*first.train.ids, *last.train.ids]) == sorted(whole.train.ids)
    assert not set(first.train.table["group"]) & set(last.train.table["group"])
    assert min(len(first.train), len(last.train)) >= 10
    assert first.val.ids == last.val.ids == whole.val.ids
    assert first.dropped["in the other half"] == len(last.train)
    assert f"left out: {len(last.train)} in the other half" in first.in_words()


@pytest.mark.parametrize("where", ["usabel", "usable AND", "photo_id", "latitude +"])
def test_where_must_be_a_condition_on_the_columns(world: Path, where: str) -> None:
    with pytest.raises(RecipeError, match=r"photos\.where: .* is not a condition") as caught:
        read_photo_sets(PhotosSection(table=world, where=where))
    assert "usable (Boolean)" in str(caught.value)


def test_photos_without_a_place_and_of_other_splits_are_counted(world: Path, tmp_path: Path) -> None:
    unplaced = pl.when(pl.col("country") == "JP").then(None)
    table = changed(
        world,
        tmp_path,
        unplaced.otherwise(pl.col("latitude")).alias("latitude"),
        unplaced.otherwise(pl.col("longitude")).alias("longitude"),
        pl.col("split").replace("test", "extra"),
    )
    sets = read_photo_sets(PhotosSection(table=table))
    assert sets.dropped == {
        "not where the recipe says": 0,
        "without a place": 17,
        "in no split of the recipe": 9,
    }
    assert "left out: 17 without a place, 9 in no split of the recipe" in sets.in_words()


def test_without_splits_whole_groups_are_held_out_the_same_each_time(world: Path, tmp_path: Path) -> None:
    table = changed(world, tmp_path, pl.lit(None, dtype=pl.String).alias("split"))
    sets = read_photo_sets(PhotosSection(table=table, holdout=0.3))
    assert 0 < len(sets.val) < len(sets.train)
    assert len(sets.val) + len(sets.train) == 68
    assert not set(sets.train.table["group"]) & set(sets.val.table["group"])
    again = read_photo_sets(PhotosSection(table=table, holdout=0.3))
    assert again.val.ids == sets.val.ids


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"photos\.table: no photo table is named"):
        read_photo_sets(PhotosSection())
    with pytest.raises(MissingFileError):
        read_photo_sets(PhotosSection(table=tmp_path / "absent"))


def test_no_photo_with_a_place(world: Path, tmp_path: Path) -> None:
    nothing = pl.lit(None, dtype=pl.Float64)
    table = changed(world, tmp_path, nothing.alias("latitude"), nothing.alias("longitude"))
    with pytest.raises(TrainingError, match=r"No photo in .* has a place \(68 rows\)"):
        read_photo_sets(PhotosSection(table=table))


def test_a_split_without_photos_names_what_there_is(world: Path) -> None:
    with pytest.raises(TrainingError, match=r"split 'validation' .* has 0 photos .*'train' \(40\)"):
        read_photo_sets(PhotosSection(table=world, val="validation"))


def test_validation_photos_are_held_out_where_none_is_stated(world: Path, tmp_path: Path) -> None:
    table = changed(world, tmp_path, pl.col("split").replace("val", "test"))
    sets = read_photo_sets(PhotosSection(table=table, holdout=0.3))
    whole = read_photo_sets(PhotosSection(table=world))
    assert sets.val_held_out
    assert "Those to validate are held out of those to learn from." in sets.in_words()
    assert 0 < len(sets.val) < len(sets.train)
    assert {*sets.train.ids, *sets.val.ids} == set(whole.train.ids)
    assert {*sets.test.ids} == {*whole.val.ids, *whole.test.ids}
    assert not set(sets.train.table["group"]) & set(sets.val.table["group"])


def test_another_word_for_validation_is_not_passed_over(world: Path, tmp_path: Path) -> None:
    table = changed(world, tmp_path, pl.col("split").replace("val", "validation"))
    with pytest.raises(TrainingError, match=r"split 'val' .* has 0 photos .*'validation' \(16\)"):
        read_photo_sets(PhotosSection(table=table))


def test_photos_of_a_country_stand_at_its_point(world: Path, tmp_path: Path) -> None:
    unplaced = pl.when(pl.col("country") == "JP").then(None)
    table = changed(
        world,
        tmp_path,
        unplaced.otherwise(pl.col("latitude")).alias("latitude"),
        unplaced.otherwise(pl.col("longitude")).alias("longitude"),
    )
    sets = read_photo_sets(PhotosSection(table=table, country_points=True))
    assert sets.by_country == 17
    without_test = read_photo_sets(PhotosSection(table=table, country_points=True, test="none"))
    assert without_test.by_country == 17 - PER_TOWN["test"]
    assert "Of 17 photos only the country is known" in sets.in_words()
    japan, others = (sets.train[mask] for mask in _split_by(sets.train.table["country"] == "JP"))
    assert japan.table["by_country"].all()
    assert not others.table["by_country"].any()
    np.testing.assert_allclose(japan.latlon, np.tile([35.69, 139.69], (len(japan), 1)), atol=0.05)
    placed = read_photo_sets(PhotosSection(table=world)).train.table.filter(pl.col("country") != "JP")
    assert others.table.drop("by_country").equals(placed)


def test_where_every_photo_has_a_place_none_is_moved(world: Path) -> None:
    plain = read_photo_sets(PhotosSection(table=world))
    sets = read_photo_sets(PhotosSection(table=world, country_points=True))
    assert sets.by_country == 0
    assert sets.in_words() == plain.in_words()
    assert sets.train.table.drop("by_country").equals(plain.train.table)


def test_photos_with_countries_alone_are_told_how_to_be_learned_from(world: Path, tmp_path: Path) -> None:
    nothing = pl.lit(None, dtype=pl.Float64)
    table = changed(world, tmp_path, nothing.alias("latitude"), nothing.alias("longitude"))
    with pytest.raises(TrainingError, match=r"68 of them have a country.*photos\.country_points=true"):
        read_photo_sets(PhotosSection(table=table))
    japan = pl.lit("Japan").alias("country")
    table = changed(world, tmp_path, nothing.alias("latitude"), nothing.alias("longitude"), japan)
    with pytest.raises(TrainingError, match=r"has a town to stand at \('Japan'\)(.|\n)*such as JP"):
        read_photo_sets(PhotosSection(table=table, country_points=True))


def _split_by(mask: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    return mask.to_numpy(), ~mask.to_numpy()
