"""What the baselines may know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graticule.errors import CoordinateError, TableError
from graticule.evaluation import TrainingPlaces
from graticule.partitions import build_s2


def test_rows_without_place_or_weight_are_left_out() -> None:
    places = TrainingPlaces.of([[1, 2], [np.nan, 2], [3, 4]], "test", weights=[5, 1, 0])
    assert places.latlon.tolist() == [[1.0, 2.0]]
    assert places.weights.tolist() == [5.0]


def test_nothing_left_says_what_to_give() -> None:
    with pytest.raises(TableError, match=r"from a file hold no position.*\n.*--train-places TABLE"):
        TrainingPlaces.of([[np.nan, np.nan]], "a file")
    with pytest.raises(CoordinateError):
        TrainingPlaces.of([[91.0, 0.0]], "a file")


def test_read_takes_the_train_split(tmp_path: Path) -> None:
    file = tmp_path / "photos.csv"
    file.write_text("id,lat,lon,split\na,1,2,train\nb,3,4,test\nc,5,6,train\n")
    places = TrainingPlaces.read(file)
    assert places.latlon.tolist() == [[1.0, 2.0], [5.0, 6.0]]
    assert places.source == "the 2 places of photos.csv (split train)"
    assert not places.is_in_sample


def test_of_table_and_of_test() -> None:
    frame = pl.DataFrame({"latitude": [1.0, None], "longitude": [2.0, None]})
    assert len(TrainingPlaces.of_table(frame, "test")) == 1
    assert TrainingPlaces.of_test([[1.0, 2.0]]).is_in_sample


def test_cells_weigh_their_photos_by_the_ground_a_circle_covers() -> None:
    partition = build_s2([[48.86, 2.35]] * 40 + [[39.9, 116.4]] * 30, max_photos=50, min_photos=10)
    places = TrainingPlaces.of_partition(partition)
    assert places.weights.tolist() == partition.photos.tolist()
    assert "2 cells" in places.source
    near = places.within(25.0)
    areas = partition.areas_km2
    np.testing.assert_allclose(near.weights, partition.photos * np.pi * 625 / areas)
    assert sorted(places.within(1e5).weights) == [30.0, 40.0]


def test_thinned_draws_by_weight() -> None:
    latlon = np.stack([np.arange(1000) / 20, np.zeros(1000)], axis=1)
    weights = np.where(np.arange(1000) < 500, 3.0, 1.0)
    places = TrainingPlaces.of(latlon, "test", weights=weights)
    few = places.thinned(100)
    assert len(few) == 100
    assert (few.latlon[:, 0] < 25).sum() == 75
    assert np.array_equal(few.latlon, places.thinned(100).latlon)
    assert places.thinned(1000) is places
