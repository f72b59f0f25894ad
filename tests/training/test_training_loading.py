"""Batches: in what order, of what, and without what cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from graticule.models import Preprocessing
from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode
from graticule.training.loading import (
    EpochBatches,
    KeptFeatures,
    Photos,
    collate,
    ordered_loader,
    training_loader,
    worker_count,
)
from graticule.training.photo_sets import PhotoSet, read_photo_sets
from graticule.training.recipe import AugmentationSection, PhotosSection

PREPROCESSING = Preprocessing(24, 0.75, (0.5,) * 3, (0.5,) * 3)


@pytest.fixture
def val(world: Path) -> PhotoSet:
    return read_photo_sets(PhotosSection(table=world)).val


def cells_of(photos: PhotoSet) -> np.ndarray:
    return np.arange(len(photos), dtype=np.int64) % 4


@pytest.mark.parametrize(("count", "batch_size"), [(10, 4), (9, 4), (8, 4), (3, 4), (1, 4)])
def test_each_photo_comes_once_per_epoch(count: int, batch_size: int) -> None:
    batches = EpochBatches(count, batch_size=batch_size, seed=0)
    found = list(batches)
    assert len(found) == len(batches)
    assert sorted(row for batch in found for row, _ in batch) == list(range(count))
    assert all(len(batch) > 1 for batch in found) or count == 1  # BatchNorm cannot learn from one photo


def test_order_and_seeds_depend_on_the_position_alone() -> None:
    first, second = EpochBatches(20, batch_size=4, seed=0), EpochBatches(20, batch_size=4, seed=0)
    list(first)  # an epoch more or less before makes no difference
    first.position = second.position = (1, 3)
    assert list(first) == list(second)
    second.position = (1, 4)
    assert list(first) != list(second)
    assert list(first) != list(EpochBatches(20, batch_size=4, seed=1))


def test_skipped_batches_are_empty_and_the_others_the_same() -> None:
    batches = EpochBatches(20, batch_size=4, seed=0)
    whole = list(batches)
    batches.skip = 2
    assert list(batches) == [[], [], *whole[2:]]
    assert len(batches) == 5


def test_validation_sees_what_prediction_sees(val: PhotoSet) -> None:
    row, cell, square = Photos(val, cells_of(val), PREPROCESSING)[(5, 0)]
    image = decode(val.paths[5], min_side_px=short_side_px(24, 0.75))
    assert (row, cell) == (5, 1)
    assert np.array_equal(square, centre_crop(image, size_px=24, crop_fraction=0.75))


def test_augmented_photos_follow_their_seed(val: PhotoSet) -> None:
    photos = Photos(val, cells_of(val), PREPROCESSING, AugmentationSection(policy="crop"))
    assert np.array_equal(photos[(0, 7)][2], photos[(0, 7)][2])
    assert not np.array_equal(photos[(0, 7)][2], photos[(0, 8)][2])
    plain = Photos(val, cells_of(val), PREPROCESSING, AugmentationSection(policy="none"))
    assert np.array_equal(plain[(0, 7)][2], plain[(0, 8)][2])


def test_unreadable_photos_are_left_out_and_named(val: PhotoSet, tmp_path: Path) -> None:
    broken = PhotoSet(val.table, tmp_path)  # a folder without the photos
    batch = collate([Photos(broken, cells_of(val), PREPROCESSING)[(row, 0)] for row in range(3)])
    assert batch.unreadable == [0, 1, 2]
    assert len(batch.inputs) == len(batch.cells) == len(batch.rows) == 0
    mixed = collate([Photos(val, cells_of(val), PREPROCESSING)[(1, 0)], (2, 2, None)])
    assert mixed.inputs.shape == (1, 3, 24, 24)
    assert (mixed.rows.tolist(), mixed.unreadable) == ([1], [2])


def test_worker_processes_give_what_the_main_process_gives(val: PhotoSet) -> None:
    photos = Photos(val, cells_of(val), PREPROCESSING, AugmentationSection(policy="crop"))
    batches = EpochBatches(len(val), batch_size=6, seed=2)
    here = list(training_loader(photos, batches, workers=0))
    there = list(training_loader(photos, batches, workers=2))
    for one, other in zip(here, there, strict=True):
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.rows, other.rows)


def test_kept_features_come_in_the_same_batches(val: PhotoSet) -> None:
    features = torch.arange(2 * 16 * 3, dtype=torch.float32).view(2, 16, 3)
    kept = KeptFeatures(features, cells_of(val))
    batches = EpochBatches(16, batch_size=5, seed=0)
    asked = list(batches)
    for items, batch in zip(asked, training_loader(kept, batches, workers=0), strict=True):
        assert batch.rows.tolist() == [row for row, _ in items]
        assert torch.equal(batch.inputs, torch.stack([features[seed % 2, row] for row, seed in items]))
        assert batch.cells.tolist() == [row % 4 for row, _ in items]
    ordered = list(ordered_loader(kept, batch_size=5, workers=0))
    assert torch.cat([batch.rows for batch in ordered]).tolist() == list(range(16))


def test_the_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graticule.training.loading.usable_cores", lambda: 4)
    assert worker_count(None) == 3
    assert worker_count(0) == 0
    monkeypatch.setattr("graticule.training.loading.usable_cores", lambda: 64)
    assert worker_count(None) == 8
