"""Batches from shards for torch: every photo once, whatever the number of processes and ranks."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from PIL import Image

from graticule.photos.archives import reading
from graticule.photos.dealing import Dealing, DealtPhotos
from graticule.photos.ingest import IngestSettings, ingest
from graticule.photos.reading import PhotoReader
from graticule.photos.regions import Region
from graticule.photos.storing import Storage
from graticule.photos.table import photo_paths, read_photo_table
from graticule.training.shard_loading import ShardLoader, loading_rate
from graticule.training.squares import random_square, square_of
from graticule.training.train import train
from tiny_world import draw_world, tiny_recipe

MAKE = partial(random_square, size_px=16, min_area=0.5)


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> PhotoReader:
    """Thirty photos in shards of eight; what is red tells which one it is."""
    folder = tmp_path_factory.mktemp("shards")
    (folder / "in").mkdir()
    lines = ["path,latitude,longitude"]
    for number in range(30):
        Image.new("RGB", (48, 40), (number * 8, 100, 0)).save(folder / "in" / f"{number}.jpg", quality=95)
        lines.append(f"{number}.jpg,{number},2")
    (folder / "in" / "photos.csv").write_text("\n".join(lines))
    settings = IngestSettings(
        storage=Storage(max_side_px=40, shards=True, photos_per_shard=8), duplicates="keep"
    )
    ingest(folder / "in", folder / "out", settings)
    return PhotoReader(photo_paths(read_photo_table(folder / "out"), folder / "out"))


def loader_of(reader, *, rank=0, ranks=1, workers=0, batch_size=4) -> ShardLoader:
    dealing = Dealing(
        len(reader), batch_size=batch_size, seed=1, rank=rank, ranks=ranks, shards=reader.shards
    )
    return ShardLoader(reader, DealtPhotos(dealing), MAKE, workers=workers)


def test_rows_and_pictures_belong_together(reader):
    loader = loader_of(reader)
    rows = []
    for images, batch_rows, seeds, unreadable in loader:
        assert images.shape == (len(batch_rows), 3, 16, 16)
        assert len(seeds) == len(batch_rows)
        assert unreadable == []
        assert np.abs(images[:, 0].float().mean(dim=(1, 2)).numpy() - batch_rows.numpy() * 8).max() < 4
        rows += batch_rows.tolist()
    assert sorted(rows) == list(range(30))


@pytest.mark.parametrize("workers", [1, 2])
def test_the_order_does_not_depend_on_the_number_of_processes(reader, workers):
    here, there = loader_of(reader), loader_of(reader, workers=workers)
    for _ in range(2):
        for one, other in zip(list(here), list(there), strict=True):
            assert one[1].tolist() == other[1].tolist()
            assert one[0].equal(other[0])
    assert there.state_dict()["epoch"] == 2


def test_two_ranks_with_two_processes_each(reader):
    loaders = [loader_of(reader, rank=rank, ranks=2, workers=2) for rank in range(2)]
    rows = [row for loader in loaders for batch in loader for row in batch[1].tolist()]
    assert sorted(rows) == list(range(30))


@pytest.mark.parametrize("workers", [0, 2])
def test_going_on_in_the_middle_of_an_epoch(reader, workers):
    whole = [batch[1].tolist() for batch in loader_of(reader)]
    stopped = loader_of(reader, workers=workers)
    iterator = iter(stopped)
    first = [next(iterator)[1].tolist() for _ in range(3)]  # processes have made more than was taken
    state = stopped.state_dict()
    gone_on = loader_of(reader, workers=workers)
    gone_on.load_state_dict(state)
    assert len(gone_on) == len(whole) - 3
    assert first + [batch[1].tolist() for batch in gone_on] == whole


def test_unreadable_photos_are_told_and_left_out(reader, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    mixed = PhotoReader([*list(reader.paths)[:3], tmp_path / "bad.jpg", tmp_path / "none.jpg"])
    (images, rows, _, unreadable), *rest = list(loader_of(mixed, batch_size=5))
    assert not rest
    assert sorted(rows.tolist()) == [0, 1, 2]
    assert sorted(unreadable) == [3, 4]
    assert len(images) == 3
    only_bad = PhotoReader([tmp_path / "bad.jpg", tmp_path / "none.jpg"])
    assert [len(batch[0]) for batch in loader_of(only_bad)] == [0]


@pytest.mark.parametrize("turn", [None, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE])
@pytest.mark.parametrize("side", [9, 40, 16])
def test_squares_are_those_of_pillow(turn, side):
    generator = np.random.default_rng(0)
    image = Image.fromarray(generator.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    region = Region(image, (5, 7, 5 + side, 7 + side), turn)
    part = image.crop(region.box).resize((16, 16), Image.Resampling.BILINEAR)
    ours, pillow = square_of(region, 16), np.asarray(part if turn is None else part.transpose(turn))
    assert ours.shape == pillow.shape == (16, 16, 3)
    assert np.abs(ours.astype(int) - pillow.astype(int)).max() <= 1


def test_the_rate_is_of_what_comes_out(reader):
    assert loading_rate(loader_of(reader), lambda batch: len(batch[1])) > 1


def test_a_recipe_whose_table_points_into_shards_trains(tmp_path, monkeypatch):
    draw_world(tmp_path / "world", per_town={"train": 4, "val": 2, "test": 1})
    settings = IngestSettings(storage=Storage(max_side_px=48, shards=True, photos_per_shard=10))
    ingest(tmp_path / "world", tmp_path / "shards", settings)
    table = read_photo_table(tmp_path / "shards")
    assert table["split"].value_counts().sort("count")["count"].to_list() == [4, 8, 16]
    monkeypatch.setattr(reading, "_look_through", lambda path, _: pytest.fail(f"{path} was looked through"))
    phase = {"name": "all", "epochs": 1, "learning_rate": 0.003}
    recipe = tiny_recipe(tmp_path / "shards", phases=[phase], partition={"max_photos": 8, "min_photos": 2})
    train(recipe, tmp_path / "run", say=[].append)
    history = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert len(history) == 2
