"""The cells of a run: from photos, from places, from a file; their points; the prior."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graticule.errors import PartitionError, RecipeError, UsageError
from graticule.geo.sphere import great_circle_km
from graticule.partitions import Partition, build_s2
from graticule.partitions.methods import OPTIONS
from graticule.partitions.partition import MultiPartition
from graticule.training.cells import build_cells, prior_shift, with_centres
from graticule.training.recipe import PartitionSection
from graticule.training.recipe.files import check_recipe

MINIMAL = {
    "network": {"backbone": {"name": "resnet18"}},
    "phases": [{"trainable": "head", "epochs": 1, "learning_rate": 0.1}],
}
PARIS, TOKYO = (48.86, 2.35), (35.68, 139.69)


def around(place: tuple[float, float], count: int, seed: int = 0, spread: float = 0.1) -> np.ndarray:
    return np.array(place) + np.random.default_rng(seed).normal(0, spread, (count, 2))


@pytest.fixture
def photos() -> np.ndarray:
    return np.concatenate([around(PARIS, 20), around(TOKYO, 20)])


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """Ten places near Tokyo, 30 around Paris but a degree further south."""
    latlon = np.concatenate([around(TOKYO, 10), around((47.86, 2.35), 30)])
    path = tmp_path / "places.csv"
    pl.DataFrame({"latitude": latlon[:, 0], "longitude": latlon[:, 1]}).write_csv(path)
    return path


def test_cells_of_the_photos(photos: np.ndarray) -> None:
    partition = build_cells(PartitionSection(max_photos=25, min_photos=5, end_level=6), photos)
    assert partition.count == 2
    assert sorted(partition.photos.tolist()) == [20, 20]


@pytest.mark.parametrize(
    ("method", "words", "cells"),
    [
        ("kd", {"cells": 4, "min_photos": 5}, 4),
        ("quadtree", {"max_photos": 20}, 2),
        ("admin", {"cells": 2, "min_photos": 5}, 2),
        ("multi", {"of": "kd", "resolutions": [20, 10], "min_photos": 5}, 6),
        ("s2", {"preset": "cnn-vit", "min_photos": 5, "merge_small": True}, 2),
    ],
)
def test_cells_by_any_method(photos: np.ndarray, method: str, words: dict, cells: int) -> None:
    partition = build_cells(PartitionSection.model_validate({"method": method, **words}), photos)
    assert partition.count == cells
    assert (partition.encode(photos) >= 0).all()


def test_every_option_of_every_method_is_a_key() -> None:
    assert set(OPTIONS) <= set(PartitionSection.model_fields)
    assert PartitionSection().options() == {
        "max_photos": 300,
        "min_photos": 30,
        "start_level": 2,
        "end_level": 30,
    }
    assert PartitionSection(preset="hmc-4").options() == {"preset": "hmc-4"}
    assert PartitionSection(method="clusters").options() == {}


def test_options_of_another_method_are_refused_with_the_key() -> None:
    with pytest.raises(RecipeError, match=r"takes no depth \(it takes cells(?s:.*)partition\.depth=null"):
        check_recipe({**MINIMAL, "partition": {"method": "admin", "depth": 3}}, "x.yaml")
    with pytest.raises(RecipeError, match=r"partition\.method: there is no such method; did you mean 'kd'\?"):
        check_recipe({**MINIMAL, "partition": {"method": "kdd"}}, "x.yaml")
    PartitionSection(method="admin", depth=3, file=Path("cells.parquet"))  # a file's cells are made already


def test_errors_of_building_name_keys_of_the_recipe(photos: np.ndarray) -> None:
    with pytest.raises(PartitionError, match=r"partition\.max_photos=600 --set partition\.min_photos=20$"):
        build_cells(PartitionSection(max_photos=600, min_photos=500), photos)
    with pytest.raises(UsageError, match=r"Did you mean:  --set partition\.preset=hmc-14"):
        build_cells(PartitionSection(preset="hmc14"), photos)
    with pytest.raises(PartitionError, match=r"Cut finer:  (?s:.*) --set partition\.cells=129$"):
        build_cells(PartitionSection(method="admin", cells=1), photos)


def test_remarks_are_said(photos: np.ndarray) -> None:
    said: list[str] = []
    build_cells(PartitionSection(method="admin", cells=40, min_photos=15), photos, said.append)
    assert any("Lower partition.min_photos to cut further" in line for line in said)


def test_the_points_of_all_resolutions_move(photos: np.ndarray, places: Path) -> None:
    section = PartitionSection(method="multi", resolutions=(40, 20), min_photos=5, end_level=8)
    moved = build_cells(section.model_copy(update={"places": places, "centres_from": "places"}), photos)
    still = build_cells(section, photos)
    assert isinstance(moved, MultiPartition)
    for name, each in moved.resolutions.items():
        cell = int(each.encode([TOKYO])[0])
        assert not np.array_equal(each.centres[cell], still.resolutions[name].centres[cell])
    assert np.array_equal(moved.centres, moved.finest.centres)
    assert Partition.read(moved.to_bytes()).fingerprint == still.fingerprint


def test_cells_of_a_file_are_taken_as_they_are(photos: np.ndarray, tmp_path: Path) -> None:
    made = build_s2(photos, max_photos=10, min_photos=2)
    made.write(tmp_path / "cells.parquet")
    section = PartitionSection(file=tmp_path / "cells.parquet", max_photos=1)
    assert build_cells(section, photos).fingerprint == made.fingerprint


def test_points_come_from_where_the_recipe_says(photos: np.ndarray, places: Path) -> None:
    section = PartitionSection(max_photos=25, min_photos=5, end_level=4, places=places, centres_from="places")
    partition = build_cells(section, photos)
    cell = int(partition.encode([PARIS])[0])
    assert great_circle_km(partition.centres[cell], (47.86, 2.35)) < 20
    both = build_cells(section.model_copy(update={"centres_from": "both"}), photos)
    assert 30 < great_circle_km(both.centres[cell], (47.86, 2.35)) < 60  # 20 photos, 30 places, 111 km apart
    assert both.fingerprint == partition.fingerprint


def test_cells_may_come_from_the_places(photos: np.ndarray, places: Path) -> None:
    section = PartitionSection(
        max_photos=35, min_photos=20, end_level=4, places=places, cells_from="places", centres_from="places"
    )
    with pytest.raises(PartitionError, match="a model needs at least two cells"):
        build_cells(section, photos)  # Tokyo has 10 places, so one cell is left
    partition = build_cells(section.model_copy(update={"min_photos": 5}), photos)
    assert sorted(partition.photos.tolist()) == [10, 30]


def test_the_densest_point_is_a_place_where_most_are() -> None:
    lone, many = np.array([[30.0, 2.0]] * 3), around((25.0, 3.0), 20, spread=0.05)
    latlon = np.concatenate([lone, many])
    partition = build_s2(latlon, max_photos=100, min_photos=1, start_level=0, end_level=0)
    mean = with_centres(partition, latlon).centres[0]
    densest = with_centres(partition, latlon, point="densest").centres[0]
    assert great_circle_km(densest, (25.0, 3.0)) < 15 < great_circle_km(mean, (25.0, 3.0))
    assert (np.abs(latlon - densest).sum(axis=1) < 1e-9).any()


def test_cells_without_places_keep_their_point(photos: np.ndarray) -> None:
    partition = build_s2(photos, max_photos=25, min_photos=5, end_level=6)
    moved = with_centres(partition, around(TOKYO, 5, seed=9))
    paris = int(partition.encode([PARIS])[0])
    assert np.array_equal(moved.centres[paris], partition.centres[paris])
    assert not np.array_equal(moved.centres[1 - paris], partition.centres[1 - paris])


def test_a_partition_that_covers_no_photo_is_refused(photos: np.ndarray, tmp_path: Path) -> None:
    build_s2(around((-33.9, 151.2), 50, spread=3), max_photos=20, min_photos=1).write(
        tmp_path / "sydney.parquet"
    )
    with pytest.raises(PartitionError, match=r"0 of 40 training photos lie in them(.|\n)*--set partition"):
        build_cells(PartitionSection(file=tmp_path / "sydney.parquet"), photos)


def test_a_partition_that_leaves_no_cell_is_refused(photos: np.ndarray) -> None:
    with pytest.raises(PartitionError, match="No cell is left"):
        build_cells(PartitionSection(max_photos=600, min_photos=500), photos)


def test_the_prior_is_the_ratio_of_the_shares(photos: np.ndarray) -> None:
    partition = build_s2(photos, max_photos=25, min_photos=5, end_level=6)
    places = np.concatenate([around(PARIS, 300), around(TOKYO, 100)])
    shift = prior_shift(partition, photos, places, strength=1.0)
    paris = int(partition.encode([PARIS])[0])
    counted = (
        np.array([300.5, 100.5]) / 401 / (np.array([20.5, 20.5]) / 41)
    )  # literally, with half a photo more
    expected = np.log(counted if paris == 0 else counted[::-1])
    assert shift == pytest.approx(expected)
    assert prior_shift(partition, photos, places, strength=0.5) == pytest.approx(expected / 2)


def test_a_prior_without_places_in_cells_is_refused(photos: np.ndarray) -> None:
    partition = build_s2(photos, max_photos=25, min_photos=5, end_level=6)
    with pytest.raises(PartitionError, match="None of the places"):
        prior_shift(partition, photos, np.array([[-80.0, 0.0]]), strength=1.0)
