"""Which part of a photo is seen, and what is covered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.errors import RecipeError
from graticule.photos.crop import centre_crop
from graticule.training.augmentation import Cover, cut
from graticule.training.augmentation.cutting import random_part, shortest_px, window
from graticule.training.recipe import AugmentationSection


def ramp(width: int = 80, height: int = 60) -> Image.Image:
    """Red grows to the right, green downwards."""
    red = np.tile(np.linspace(0, 255, width), (height, 1))
    green = np.tile(np.linspace(0, 255, height)[:, None], (1, width))
    return Image.fromarray(np.stack([red, green, red * 0], axis=-1).astype(np.uint8))


def test_a_random_part_has_at_least_the_asked_area() -> None:
    for seed in range(50):
        part = random_part(ramp(), size_px=16, min_area=0.5, seed=seed).astype(float)
        assert part.shape == (16, 16, 3)
        wide = (part[:, -1, 0] - part[:, 0, 0]).mean() / 255 * 16 / 15
        high = (part[-1, :, 1] - part[0, :, 1]).mean() / 255 * 16 / 15
        assert 0.45 < wide * high < 1.05
        assert wide > 0  # never mirrored


def test_a_seed_fixes_the_part() -> None:
    first, again, other = (random_part(ramp(), size_px=16, min_area=0.3, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_very_long_photo_still_gives_a_square() -> None:
    assert random_part(ramp(400, 10), size_px=8, min_area=0.9, seed=0).shape == (8, 8, 3)
    assert window(ramp(400, 10), size_px=8, crop=1.0, seed=0).shape == (8, 8, 3)


def test_a_window_copies_pixels_where_sizes_agree() -> None:
    image = ramp(500, 281)  # S0's photos
    pixels = np.asarray(image)
    places = set()
    for seed in range(30):
        part = window(image, size_px=224, crop=224 / 281, seed=seed)
        left = int(np.abs(pixels[0, :, 0].astype(int) - part[0, 0, 0]).argmin())
        found = [
            (top, at)
            for top in range(281 - 224 + 1)
            for at in range(max(0, left - 2), left + 3)
            if np.array_equal(pixels[top : top + 224, at : at + 224], part)
        ]
        assert found
        places.add(found[0])
    assert len(places) > 20
    assert max(left for _, left in places) > 200  # anywhere in the width, not in the middle square alone


def test_other_windows_are_of_predictions_scale() -> None:
    image = Image.new("RGB", (90, 60), "red")
    assert window(image, size_px=20, crop=0.5, seed=0).shape == (20, 20, 3)
    middle = centre_crop(ramp(90, 60), size_px=20, crop_fraction=0.5).astype(int)
    part = window(ramp(90, 60), size_px=20, crop=0.5, seed=3).astype(int)
    assert np.abs(np.ptp(part[..., 0]) - np.ptp(middle[..., 0])) <= 3  # the same enlargement


def test_fixed_parts_are_few_and_each_photos_own() -> None:
    settings = AugmentationSection(policy="precomputed-crops", fixed_crops=3)

    def part(row: int, seed: int) -> bytes:
        square = cut(ramp(300, 200), "fixed", size_px=32, crop=0.5, seed=seed, row=row, settings=settings)
        return square.tobytes()

    assert len({part(0, seed) for seed in range(40)}) == 3
    assert {part(0, seed) for seed in range(40)}.isdisjoint({part(1, seed) for seed in range(40)})


def test_no_part_is_enlarged() -> None:
    assert shortest_px("area", size_px=100, crop=0.5, min_area=0.25) == 200
    assert shortest_px("window", size_px=100, crop=0.5, min_area=0.25) == 200
    assert shortest_px("centre", size_px=224, crop=0.875, min_area=0.25) == 256


def test_a_region_is_black_and_the_rest_untouched() -> None:
    image = Image.new("RGB", (100, 50), (9, 90, 200))
    covered = np.asarray(Cover((0.6, 0.25, 1.0, 0.75))(image))
    assert covered[30:, 25:75].max() == 0
    assert (covered.sum(axis=2) == 0).sum() == 20 * 50
    assert np.asarray(image).min() == 9  # the one given is left
    assert np.array_equal(Cover((0.5, 0.5, 0.501, 0.501))(image), image)  # less than a pixel


def test_a_mask_covers_where_it_is_dark(tmp_path: Path) -> None:
    mask = np.full((10, 20), 255, dtype=np.uint8)
    mask[:, 10:] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    cover = Cover.of(AugmentationSection(region_mask=tmp_path / "mask.png"))
    assert cover is not None
    covered = np.asarray(cover(Image.new("RGB", (100, 50), "white")))
    assert covered[:, :50].min() == 255
    assert covered[:, 50:].max() == 0
    with pytest.raises(RecipeError, match=r"region_mask: .*absent(.|\n)*dark pixels"):
        Cover.of(AugmentationSection(region_mask=tmp_path / "absent.png"))
    assert Cover.of(AugmentationSection()) is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"policy": "mask-region"}, "needs 'region'"),
        ({"region": (0.5, 0, 0.4, 1)}, "top above bottom"),
        ({"region": (0, 0, 1.2, 1)}, "shares in"),
    ],
)
def test_impossible_regions_are_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AugmentationSection.model_validate(values)
