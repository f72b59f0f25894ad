"""Parts of photos: the right part, upright, whatever the scale that was decoded at."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from graticule.errors import PhotoError
from graticule.photos.crop import centre_crop, middle_box
from graticule.photos.decode import decode
from graticule.photos.regions import ASPECTS, decode_region, random_box


def photo_of(size=(800, 600), orientation=None, form="JPEG") -> bytes:
    """A smooth photo in which every part looks different."""
    coarse = np.random.default_rng(5).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, form, exif=exif.tobytes(), **({"quality": 95} if form == "JPEG" else {}))
    return file.getvalue()


@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
def test_the_part_is_the_one_of_the_upright_photo(orientation):
    data = photo_of(orientation=orientation)
    upright = decode(data)
    width, height = upright.size
    box = (0.1 * width, 0.3 * height, 0.55 * width, 0.9 * height)  # nothing about it is symmetric
    literal = np.asarray(upright.resize((64, 64), Image.Resampling.BILINEAR, box=box), np.float64)
    seen = []
    region = decode_region(data, lambda *size: seen.append(size) or box, size_px=64)
    assert seen == [(width, height)]
    assert np.abs(region.square(64) - literal).mean() < 1.5
    assert region.image.size[0] < 800 / 3  # decoded at a quarter


@pytest.mark.parametrize(
    ("size", "box", "scale"),
    [
        ((1600, 1200), (0, 0, 1600, 1200), 4),
        ((1600, 1200), (0, 0, 448, 448), 2),
        ((1600, 1200), (0, 0, 447, 448), 1),
        ((1600, 1200), (0, 0, 30, 30), 1),
        ((4000, 3000), (0, 0, 4000, 1792), 8),
    ],
)
def test_the_scale_is_the_least_at_which_nothing_is_enlarged(size, box, scale):
    region = decode_region(photo_of(size), lambda *_: box, size_px=224)
    assert region.image.size == (size[0] // scale, size[1] // scale)
    left, top, right, bottom = region.box
    assert min(right - left, bottom - top) >= 224 or scale == 1


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_other_formats_and_pixels(form):
    box = (10.0, 20.0, 200.0, 210.0)
    data = photo_of((400, 300), form=form)
    literal = np.asarray(decode(data).resize((50, 50), Image.Resampling.BILINEAR, box=box))
    assert np.array_equal(decode_region(data, lambda *_: box, size_px=50).square(50), literal)
    assert np.array_equal(decode_region(decode(data), lambda *_: box, size_px=50).square(50), literal)


def test_the_middle_is_what_prediction_sees():
    data = photo_of((900, 600))
    region = decode_region(
        data, lambda width, height: middle_box(width, height, crop_fraction=0.8), size_px=200
    )
    literal = centre_crop(decode(data, min_side_px=250), size_px=200, crop_fraction=0.8)
    assert np.array_equal(region.square(200), literal)


def test_photos_that_cannot_be_read(tmp_path):
    with pytest.raises(PhotoError, match="does not exist"):
        decode_region(tmp_path / "none.jpg", middle_box, size_px=8)
    (tmp_path / "half.jpg").write_bytes(photo_of()[:-2000])
    with pytest.raises(PhotoError, match=r"Photo '.*half.jpg' ends early") as caught:
        decode_region(tmp_path / "half.jpg", middle_box, size_px=8)
    assert caught.value.reason == "truncated"


@pytest.mark.parametrize(("width", "height"), [(800, 600), (300, 301), (1, 1), (1000, 10)])
def test_random_boxes_lie_inside_and_are_large_enough(width, height):
    generator = np.random.default_rng(0)
    for _ in range(200):
        left, top, right, bottom = random_box(width, height, min_area=0.3, generator=generator)
        assert -1e-9 <= left < right <= width + 1e-9
        assert -1e-9 <= top < bottom <= height + 1e-9
        wide, high = right - left, bottom - top
        if min(width, height) > 10:
            assert wide * high >= 0.3 * width * height - 1e-6
        assert ASPECTS[0] - 1e-9 <= wide / high <= ASPECTS[1] + 1e-9


def test_a_scaled_photo_gets_the_scaled_part():
    small = random_box(80, 60, min_area=0.2, generator=np.random.default_rng(3))
    large = random_box(800, 600, min_area=0.2, generator=np.random.default_rng(3))
    assert np.allclose(np.asarray(large), np.asarray(small) * 10)
