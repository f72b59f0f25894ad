"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colour_network import colour_network
from graticule.partitions import Partition, build_s2
from tiny_world import draw_world, tiny_recipe

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side; threads of torch would only fight

SHARED = Path(__file__).parents[1].parent / "shared"

PARIS, BEIJING, SYDNEY = (48.86, 2.35), (39.9, 116.4), (-33.9, 151.2)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos, places and backbones beside the checkout; the test skips without it."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the real data in ../shared is not on this machine")
    return SHARED


@pytest.fixture(scope="session")
def three_cells() -> Partition:
    """A partition of three cells around Paris, Beijing and Sydney."""
    places = np.repeat([PARIS, BEIJING, SYDNEY], 20, axis=0)
    return build_s2(places, max_photos=50, min_photos=5, start_level=3, end_level=8)


@pytest.fixture(scope="session")
def colour_bundle(tmp_path_factory: pytest.TempPathFactory, three_cells: Partition) -> Path:
    """A bundle that places photos by their colour: the first cell's are red, then green, then blue."""
    from graticule.bundle import BundleCard, write_bundle

    folder = tmp_path_factory.mktemp("bundle") / "colours"
    card = BundleCard(
        name="colours", architecture="mean colour", head="MC", licence="CC0-1.0", conformal={"0.9": 0.9}
    )
    write_bundle(
        folder,
        model_onnx=colour_network(three_cells),
        partition=three_cells,
        card=card,
        model_card="# Colours\n",
    )
    return folder


@pytest.fixture
def colour_photos(tmp_path: Path) -> Path:
    """A folder with a red, a green and a blue photo (the last in a folder of its own) and a broken one."""
    folder = tmp_path / "photos"
    (folder / "trip").mkdir(parents=True)
    Image.new("RGB", (40, 30), (255, 0, 0)).save(folder / "a-red.jpg", quality=95)
    Image.new("RGB", (30, 40), (0, 255, 0)).save(folder / "b-green.png")
    Image.new("RGB", (30, 30), (0, 0, 255)).save(folder / "trip" / "c-blue.webp", lossless=True)
    (folder / "z-broken.jpg").write_bytes(b"this is no photo")
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a photo table of four towns whose photos say by their colour where they are."""
    return draw_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def finished_run(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of ``graticule train`` on that world that went through."""
    pytest.importorskip("torch")
    from graticule.training.train import train

    path = tmp_path_factory.mktemp("finished") / "run"
    train(tiny_recipe(world), path, say=[].append)
    return path
