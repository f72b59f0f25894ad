"""Photos without colours of their own."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from graticule.photos.colours import GREY_FILL, MONOCHROME, ONE_COLOUR, wrong_colours
from graticule.photos.synthetic.scene import render


@pytest.fixture(scope="module")
def scenes() -> list[Image.Image]:
    """Streets in the sun, in the snow and in the desert."""
    places = [(48.0, 2.0), (66.0, -161.0), (27.0, 27.0), (-1.0, 35.0)]
    return [
        render(place, rng=np.random.default_rng(number), size_px=(160, 120))[0]
        for number, place in enumerate(places)
    ]


def stored(image: Image.Image) -> Image.Image:
    """The picture after JPEG, which leaves colours in grey."""
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=60)
    return Image.open(file)


def test_scenes_have_colours_until_they_are_taken_away(scenes: list[Image.Image]) -> None:
    for scene in scenes:
        grey = scene.convert("L")
        sepia = ImageOps.colorize(grey, (30, 15, 0), (255, 240, 200), mid=(140, 105, 70))
        infrared = ImageOps.colorize(grey, (10, 0, 20), (240, 220, 255))
        assert wrong_colours(stored(scene)) is None
        for toned in (grey, sepia, infrared):
            assert wrong_colours(stored(toned)) == MONOCHROME


@pytest.mark.parametrize("colour", ["black", "white", "steelblue", "red"])
def test_one_colour(colour: str) -> None:
    flat = np.asarray(Image.new("RGB", (80, 60), colour), dtype=np.int16)
    noise = np.random.default_rng(0).normal(0, 6, flat.shape)
    noisy = Image.fromarray(np.clip(flat + noise, 0, 255).astype(np.uint8))
    assert wrong_colours(stored(noisy)) == ONE_COLOUR


def test_a_part_that_is_missing(scenes: list[Image.Image], shared: Path) -> None:
    for scene in scenes:
        cut = scene.copy()
        cut.paste((128, 128, 128), (0, 90, 160, 120))
        assert wrong_colours(stored(cut)) == GREY_FILL
        assert wrong_colours(stored(cut).rotate(90, expand=True)) == GREY_FILL
    assert wrong_colours(Image.new("RGB", (60, 60), (128, 128, 128))) == ONE_COLOUR
    name = "254994149_844b89545b_115_79267922@N00.jpg"
    assert wrong_colours(Image.open(shared / "data" / "layouts" / "im2gps3k" / "images" / name)) == GREY_FILL


def test_two_colours_of_one_brightness_are_colours() -> None:
    halves = Image.new("RGB", (60, 60), (128, 0, 0))
    halves.paste((0, 65, 0), (0, 0, 30, 60))
    assert wrong_colours(halves) is None


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16"])
def test_any_mode_and_size(mode: str) -> None:
    assert wrong_colours(Image.new(mode, (1, 1))) == ONE_COLOUR


def test_of_real_photos_only_grey_ones_are_found(shared: Path) -> None:
    files = sorted((shared / "data" / "photos" / "images").rglob("*.jpg"))[:120]
    found = [wrong_colours(Image.open(file).reduce(8)) for file in files]
    assert sum(each is not None for each in found) < 0.1 * len(files)
    assert all(wrong_colours(Image.open(file).reduce(8).convert("L")) for file in files[:20])
