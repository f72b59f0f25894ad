"""Batches: in what order, of what, and without what cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from graticule.models import Preprocessing
from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode
from graticule.training.augmentation import Cover
from graticule.training.loading import (
    KeptFeatures,
    Loaded,
    Photos,
    collate,
    ordered_loader,
    training_loader,
    worker_count,
)
from graticule.training.photo_sets import PhotoSet, read_photo_sets
from graticule.training.recipe import AugmentationSection, PhotosSection
from graticule.training.sampling import EpochOrder, RoundBatches

PREPROCESSING = Preprocessing(24, 0.75, (0.5,) * 3, (0.5,) * 3)


@pytest.fixture
def val(world: Path) -> PhotoSet:
    return read_photo_sets(PhotosSection(table=world)).val


def cells_of(photos: PhotoSet) -> np.ndarray:
    return np.arange(len(photos), dtype=np.int64) % 4


def test_validation_sees_what_prediction_sees(val: PhotoSet) -> None:
    row, _, cell, square, _ = Photos(val, cells_of(val), PREPROCESSING)[(5, 0)]
    image = decode(val.paths[5], min_side_px=short_side_px(24, 0.75))
    assert (row, cell) == (5, 1)
    assert np.array_equal(square, centre_crop(image, size_px=24, crop_fraction=0.75))


def test_augmented_photos_follow_their_seed(val: PhotoSet) -> None:
    photos = Photos(val, cells_of(val), PREPROCESSING, AugmentationSection(policy="crop"))
    assert np.array_equal(photos[(0, 7)].square, photos[(0, 7)].square)
    assert not np.array_equal(photos[(0, 7)].square, photos[(0, 8)].square)
    plain = Photos(val, cells_of(val), PREPROCESSING, AugmentationSection(policy="none"))
    assert np.array_equal(plain[(0, 7)].square, plain[(0, 8)].square)


def test_unreadable_photos_are_left_out_and_named(val: PhotoSet, tmp_path: Path) -> None:
    broken = PhotoSet(val.table, tmp_path)  # a folder without the photos
    batch = collate([Photos(broken, cells_of(val), PREPROCESSING)[(row, 0)] for row in range(3)])
    assert batch.unreadable == [0, 1, 2]
    assert len(batch.inputs) == len(batch.cells) == len(batch.rows) == 0
    mixed = collate([Photos(val, cells_of(val), PREPROCESSING)[(1, 7)], Loaded(2, 9, 2, None, 0.5)])
    assert mixed.inputs.shape == (1, 3, 24, 24)
    assert (mixed.rows.tolist(), mixed.seeds.tolist(), mixed.unreadable) == ([1], [7], [2])
    assert mixed.loading_s > 0.5
    assert collate([]).is_padding
    assert not mixed.is_padding
    assert not batch.is_padding


def test_what_is_covered_is_black_in_training_and_in_validation(val: PhotoSet) -> None:
    section = AugmentationSection(policy="mask-region", region=(0.5, 0, 1, 1))
    for augmentation in (None, AugmentationSection(policy="none", region=(0.5, 0, 1, 1))):
        photos = Photos(val, cells_of(val), PREPROCESSING, augmentation, cover=Cover.of(section))
        square = photos[(0, 7)].square
        assert square is not None
        assert square[13:].max() == 0
        assert square[:11].min() > 0


def test_worker_processes_give_what_the_main_process_gives(val: PhotoSet) -> None:
    photos = Photos(val, cells_of(val), PREPROCESSING, AugmentationSection(policy="crop"))
    batches = RoundBatches(EpochOrder(len(val), seed=2), batch_size=6, phase=0)
    here = list(training_loader(photos, batches, workers=0))
    there = list(training_loader(photos, batches, workers=2))
    for one, other in zip(here, there, strict=True):
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.rows, other.rows)


def test_kept_features_come_in_the_same_batches(val: PhotoSet) -> None:
    features = torch.arange(2 * 16 * 3, dtype=torch.float32).view(2, 16, 3)
    readable = np.arange(16) != 3
    kept = KeptFeatures(features, cells_of(val), readable)
    batches = RoundBatches(EpochOrder(16, seed=0), batch_size=5, phase=0)
    asked = list(batches)
    unreadable = []
    for items, batch in zip(asked, training_loader(kept, batches, workers=0), strict=True):
        found = [(row, seed) for row, seed in items if row != 3]
        unreadable += batch.unreadable
        assert batch.rows.tolist() == [row for row, _ in found]
        assert torch.equal(batch.inputs, torch.stack([features[seed % 2, row] for row, seed in found]))
        assert batch.cells.tolist() == [row % 4 for row, _ in found]
    assert unreadable == [3]
    ordered = list(ordered_loader(kept, batch_size=5, workers=0))
    assert torch.cat([batch.rows for batch in ordered]).tolist() == [*range(3), *range(4, 16)]


def test_the_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graticule.training.loading.usable_cores", lambda: 4)
    assert worker_count(None) == 3
    assert worker_count(0) == 0
    monkeypatch.setattr("graticule.training.loading.usable_cores", lambda: 64)
    assert worker_count(None) == 8
