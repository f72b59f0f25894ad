"""One photo in its stored form: size, uprightness, metadata, and no loss where none is needed."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from storing_scenes import make_scene

from graticule.errors import PhotoError
from graticule.photos.decode import decode
from graticule.photos.storing.reencoding import as_it_is, reencoded, without_metadata


@pytest.fixture
def scene() -> Callable[..., bytes]:
    """The maker of scenes."""
    return make_scene


def test_the_long_side_is_what_was_asked_for(scene):
    stored = reencoded(scene(1, size=(900, 600)), max_side_px=320, quality=90)
    assert (stored.width_px, stored.height_px) == Image.open(io.BytesIO(stored.data)).size == (320, 213)
    tall = reencoded(scene(1, size=(10, 4000)), max_side_px=320, quality=90)
    assert (tall.width_px, tall.height_px) == (1, 320)


def test_the_pixels_are_those_of_the_whole_photo_scaled(scene):
    data = scene(2, size=(1600, 1200), quality=95)
    stored = np.asarray(Image.open(io.BytesIO(reencoded(data, max_side_px=300, quality=95).data)), np.float64)
    literal = np.asarray(decode(data).resize((300, 225), Image.Resampling.BICUBIC), np.float64)
    assert np.abs(stored - literal).mean() < 2


@pytest.mark.parametrize("side", [60, 1000])  # scaled, and turned only
def test_upright_and_without_metadata(scene, side):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera"
    data = scene(3, size=(200, 100), exif=exif, comment=b"secret")
    stored = reencoded(data, max_side_px=side, quality=90)
    assert (stored.width_px, stored.height_px) == (min(side, 200) // 2, min(side, 200))
    image = Image.open(io.BytesIO(stored.data))
    assert not image.getexif()
    assert b"camera" not in stored.data
    assert b"secret" not in stored.data


def test_a_small_photo_loses_its_metadata_and_no_pixel(scene):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    data = scene(4, size=(200, 100), exif=exif, comment=b"secret", icc_profile=b"p" * 200) + b"trailer"
    stored = reencoded(data, max_side_px=320, quality=50)
    for word in (b"camera", b"secret", b"trailer", b"Exif", b"ppp"):
        assert word not in stored.data
    assert np.array_equal(np.asarray(decode(stored.data)), np.asarray(decode(data)))
    again = reencoded(stored.data, max_side_px=320, quality=50)
    assert again.data == stored.data  # stored once more, nothing changes


def test_progressive_files_are_encoded_again(scene):
    data = scene(5, size=(200, 100), progressive=True)
    assert without_metadata(data) is None
    assert not Image.open(io.BytesIO(reencoded(data, max_side_px=320, quality=90).data)).info.get(
        "progressive"
    )


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x04ab", b"\xff\xd8\xff\xda\x00\x02abc"]
)
def test_what_is_no_whole_jpeg_is_left_to_the_decoder(data):
    assert without_metadata(data) is None


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_every_format_becomes_jpeg(scene, form):
    stored = reencoded(scene(6, size=(100, 80), form=form), max_side_px=320, quality=90)
    assert stored.suffix == ".jpg"
    assert Image.open(io.BytesIO(stored.data)).format == "JPEG"


@pytest.mark.parametrize(("form", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("TIFF", ".tif")])
def test_as_it_is_keeps_every_byte(scene, form, suffix):
    data = scene(7, form=form)
    assert as_it_is(data) == (data, suffix, 640, 480)


@pytest.mark.parametrize("side", [320, 1000])
def test_a_truncated_photo_is_refused(scene, side):
    data = scene(8)[:-3000]
    with pytest.raises(PhotoError) as caught:
        reencoded(data, max_side_px=side, quality=90, name="Photo 'a.jpg'")
    assert caught.value.reason == "truncated"
    assert str(caught.value).startswith("Photo 'a.jpg'")
