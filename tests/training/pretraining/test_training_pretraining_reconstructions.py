"""The pictures of what is restored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from graticule.models.mae import MaeSettings, create_autoencoder
from graticule.photos.opening import is_photo_table
from graticule.training.loading import Photos
from graticule.training.photo_sets import PhotoSet, read_photo_sets
from graticule.training.pretraining.photos import make_photo_table
from graticule.training.pretraining.reconstructions import MARGIN_PX, Gallery, sheet
from graticule.training.recipe import PhotosSection


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture
def photos(world: Path) -> PhotoSet:
    return read_photo_sets(PhotosSection(table=world)).val


def gallery(photos: PhotoSet, folder: Path, count: int) -> Gallery:
    network = create_autoencoder(MaeSettings("tiny", size_px=32))
    return Gallery(Photos(photos, np.full(len(photos), -1), network.preprocessing), count, folder)


def test_a_sheet_has_a_row_of_each_kind() -> None:
    red = torch.zeros(2, 3, 8, 8)
    red[:, 0] = 1
    picture = sheet([red, torch.zeros_like(red), torch.ones_like(red)])
    assert picture.size == (MARGIN_PX + 2 * 10, 3 * 10)
    colours = [picture.getpixel((MARGIN_PX + 13, 4 + 10 * row)) for row in range(3)]
    assert colours == [(255, 0, 0), (0, 0, 0), (255, 255, 255)]


@pytest.mark.parametrize(("wanted", "there"), [(1, 1), (3, 3), (16, 16), (64, 16)])
def test_as_many_photos_as_there_are(photos: PhotoSet, tmp_path: Path, wanted: int, there: int) -> None:
    assert len(gallery(photos, tmp_path, wanted).squares) == there


def test_the_same_patches_are_hidden_each_time(photos: PhotoSet, tmp_path: Path) -> None:
    network = create_autoencoder(MaeSettings("tiny", size_px=32)).train()
    pictures = gallery(photos, tmp_path, 2)
    for step in (1, 2):
        pictures.draw(network, step)
    one, two = (Image.open(tmp_path / "reconstructions" / f"step_000000{step}.png") for step in (1, 2))
    assert one.tobytes() == two.tobytes()
    assert network.training
    assert (tmp_path / "reconstructions.png").read_bytes() == (
        tmp_path / "reconstructions" / "step_0000002.png"
    ).read_bytes()


def test_photos_that_cannot_be_read_are_not_drawn(photos: PhotoSet, tmp_path: Path) -> None:
    broken = PhotoSet(photos.table.with_columns(path=pl.lit("absent.jpg")), photos.table_path)
    pictures = gallery(broken, tmp_path / "run", 2)
    pictures.draw(create_autoencoder(MaeSettings("tiny", size_px=32)), 1)
    assert not (tmp_path / "run").exists()


def test_a_broken_place_keeps_its_photo(shared: Path, tmp_path: Path) -> None:
    said: list[str] = []
    source = shared / "data" / "exif_no_position"
    assert not is_photo_table(source)
    assert make_photo_table(source, tmp_path / "photos", said.append) == 11
    assert is_photo_table(tmp_path / "photos")
    section = PhotosSection(table=tmp_path / "photos", holdout=0.3)
    sets = read_photo_sets(section, placed_only=False)
    assert all(path.is_file() for path in (*sets.train.paths, *sets.val.paths))
    assert np.isnan(sets.train.latlon).all()
    assert said == [f"Photos of '{source}' (layout exif): 11, 0 of them with a place."]
