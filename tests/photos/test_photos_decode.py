"""Decoding: upright RGB from every format, and a reason for whatever cannot be decoded."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import time
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from graticule.errors import PhotoError
from graticule.photos.decode import MAX_PIXELS, decode, open_header, read_bytes, upright_size

TURN = Image.Transpose
AS_STORED = {
    1: None,
    2: TURN.FLIP_LEFT_RIGHT,
    3: TURN.ROTATE_180,
    4: TURN.FLIP_TOP_BOTTOM,
    5: TURN.TRANSPOSE,
    6: TURN.ROTATE_90,
    7: TURN.TRANSVERSE,
    8: TURN.ROTATE_270,
}
"""How a camera turned by each orientation stores an upright scene."""


def scene(size=(60, 40)):
    """Every corner another colour, so that no turn looks like another."""
    image = Image.new("RGB", size, "blue")
    width, height = size[0] // 2, size[1] // 2
    image.paste("red", (0, 0, width, height))
    image.paste("lime", (width, 0, size[0], height))
    image.paste("white", (0, height, width, size[1]))
    return image


def saved(image, form, **words):
    file = io.BytesIO()
    if form == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(file, **words)
    else:
        image.save(file, form, **words)
    return file.getvalue()


def heif_turned_by_exif(orientation):
    """A HEIC as a phone writes it: the box that turns the picture, and EXIF that says so once more."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    try:
        exif = Image.Exif()
        exif[0x0112] = orientation
        turn = AS_STORED[orientation]
        stored = scene() if turn is None else scene().transpose(turn)
        return saved_by_pillow(stored, "HEIF", quality=95, exif=exif.tobytes())
    finally:
        for registry in (Image.OPEN, Image.SAVE, Image.SAVE_ALL):
            registry.pop("HEIF", None)
        Image.ID.remove("HEIF")


def saved_by_pillow(image, form, **words):
    file = io.BytesIO()
    image.save(file, form, **words)
    return file.getvalue()


def distance(one, other):
    return np.abs(np.asarray(one, float) - np.asarray(other, float)).mean()


def reason_of(photo, **words):
    with pytest.raises(PhotoError) as caught:
        decode(photo, **words)
    assert str(caught.value).endswith(".")
    return caught.value.reason


@pytest.mark.parametrize("orientation", AS_STORED)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_all_eight_orientations_come_out_upright_once(form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = AS_STORED[orientation]
    if form == "HEIF":
        data = heif_turned_by_exif(orientation)
    else:
        words = {} if form == "TIFF" else {"quality": 95}
        data = saved(scene() if turn is None else scene().transpose(turn), form, exif=exif.tobytes(), **words)
    result = decode(data)
    assert result.size == (60, 40)
    assert distance(result, scene()) < 6
    assert upright_size(open_header(data)) == (60, 40)
    assert decode(result).size == (60, 40), "decoding a result again must not turn it again"


def test_an_image_of_pillows_is_turned_and_left_as_it_is():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.open(io.BytesIO(saved(scene().transpose(TURN.ROTATE_90), "PNG", exif=exif.tobytes())))
    assert decode(image).size == (60, 40)
    assert image.size == (40, 60)
    assert image.getexif()[0x0112] == 6


def test_a_mistyped_orientation_costs_no_pixels():
    exif = Image.Exif()
    exif[0x0112] = 77
    assert decode(saved(scene(), "JPEG", exif=exif.tobytes())).size == (60, 40)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "La", "RGBa"]
)
def test_every_mode_of_pillow_becomes_rgb(mode):
    result = decode(Image.new("RGB", (8, 8), (200, 200, 200)).convert(mode))
    assert result.mode == "RGB"
    grey = np.asarray(result).mean()
    assert grey == pytest.approx(200, abs=8) or mode == "1"


def test_lab_becomes_rgb():
    assert decode(Image.new("LAB", (4, 4), (255, 128, 128))).getpixel((0, 0)) == pytest.approx(
        (255,) * 3, abs=3
    )


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_files(form):
    data = saved(scene().convert("CMYK"), form)
    assert distance(decode(data), scene()) < 8


def test_sixteen_bits_are_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)
    for form in ("PNG", "TIFF"):
        grey = np.asarray(decode(saved(Image.fromarray(ramp), form)))[0, :, 0]
        assert np.abs(grey.astype(int) - np.arange(256)).max() <= 1
    wide = Image.fromarray(ramp.astype(np.int32) * 1000)
    assert np.asarray(decode(wide))[0, -1].tolist() == [255, 255, 255]
    assert np.asarray(decode(wide))[0, 128, 0] == pytest.approx(128, abs=2)


@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0, 1e6])
def test_floats_are_scaled(scale):
    light = np.array([[0, 0.5, 1.0]], dtype=np.float32) * np.float32(scale)
    grey = np.asarray(decode(saved(Image.fromarray(light), "TIFF")))[0, :, 0]
    assert grey.tolist() == pytest.approx([0, 128, 255], abs=1)


def test_floats_that_are_no_numbers_are_black():
    assert decode(Image.fromarray(np.array([[np.nan, 1.0]], dtype=np.float32))).getpixel((0, 0)) == (0, 0, 0)


def test_transparent_parts_become_white():
    clear = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    clear.paste((200, 0, 0, 255), (0, 0, 4, 8))
    for image in (clear, clear.convert("LA")):
        result = decode(saved(image, "PNG"))
        assert result.getpixel((6, 4)) == (255, 255, 255)
        assert result.getpixel((1, 4)) != (255, 255, 255)


@pytest.mark.parametrize("transparency", [1, bytes([255, 0])])
def test_a_palette_with_transparency(transparency):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([200, 0, 0, 0, 0, 250])
    image.paste(0, (0, 0, 4, 8))
    result = decode(saved(image, "PNG", transparency=transparency))
    assert result.getpixel((1, 4)) == (200, 0, 0)
    assert result.getpixel((6, 4)) == (255, 255, 255)


def test_a_colour_that_means_transparent():
    result = decode(saved(Image.new("RGB", (4, 4), (1, 2, 3)), "PNG", transparency=(1, 2, 3)))
    assert result.getpixel((0, 0)) == (255, 255, 255)


def test_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for form in ("GIF", "WEBP", "PNG"):
        data = saved(frames[0], form, save_all=True, append_images=frames[1:])
        assert decode(data).getpixel((4, 4)) == pytest.approx((255, 0, 0), abs=8), form


def test_the_ending_of_a_name_does_not_matter(tmp_path):
    (tmp_path / "really.jpg").write_bytes(saved(scene(), "PNG"))
    assert distance(decode(tmp_path / "really.jpg"), scene()) == 0


def test_several_pictures_in_one_jpeg():
    data = saved(scene(), "MPO", save_all=True, append_images=[scene()], quality=95)
    assert distance(decode(data), scene()) < 6


@pytest.mark.parametrize("form", ["BMP", "PPM", "TGA", "ICO", "JPEG2000", "DDS", "SGI", "PCX", "QOI"])
def test_rarer_formats(form):
    result = decode(saved(scene((64, 64)), form))
    assert result.mode == "RGB"
    assert distance(result, scene((64, 64))) < 12


@pytest.mark.parametrize(
    ("side_px", "expected"),
    [
        (None, (1600, 1200)),
        (1200, (1600, 1200)),
        (600, (800, 600)),
        (256, (400, 300)),
        (100, (200, 150)),
        (1, (200, 150)),
    ],
)
def test_a_jpeg_is_scaled_while_it_is_decoded_but_never_below_what_is_needed(side_px, expected):
    data = saved(scene((1600, 1200)), "JPEG")
    result = decode(data, min_side_px=side_px)
    assert result.size == expected
    assert distance(result, scene(expected)) < 4


def test_a_scaled_jpeg_is_turned_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(scene((1600, 1200)).transpose(TURN.ROTATE_90), "JPEG", exif=exif.tobytes())
    result = decode(data, min_side_px=300)
    assert result.size == (400, 300)
    assert distance(result, scene((400, 300))) < 4


@pytest.mark.parametrize(
    ("array", "pixel"),
    [
        (np.full((4, 5), 7, np.uint8), (7, 7, 7)),
        (np.full((4, 5, 1), 7, np.uint8), (7, 7, 7)),
        (np.full((4, 5, 3), (1, 2, 3), np.uint8), (1, 2, 3)),
        (np.full((4, 5, 4), (1, 2, 3, 0), np.uint8), (255, 255, 255)),
        (np.full((4, 5), 65535, np.uint16), (255, 255, 255)),
        (np.full((4, 5, 3), 0.5, np.float32), (128, 128, 128)),
        (np.ones((4, 5), bool), (255, 255, 255)),
    ],
)
def test_arrays(array, pixel):
    result = decode(array)
    assert result.size == (5, 4)
    assert result.getpixel((0, 0)) == pixel


@pytest.mark.parametrize(
    "array",
    [np.zeros(5, np.uint8), np.zeros((4, 5, 2), np.uint8), np.zeros((0, 5), np.uint8), np.full((4, 5), 1.5),
     np.full((4, 5), np.nan), np.zeros((4, 5), np.int64), np.zeros((3, 40, 50), np.uint8)],
)  # fmt: skip
def test_arrays_that_are_no_photo(array):
    with pytest.raises(PhotoError, match="is not a photo; expected") as caught:
        decode(array)
    assert caught.value.reason == "not-an-image"


def test_files_that_are_no_photo(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no image\n" * 50)
    assert reason_of(tmp_path / "empty.jpg") == "empty"
    assert reason_of(tmp_path / "text.jpg") == "not-an-image"
    assert reason_of(tmp_path / "none.jpg") == "missing"
    assert reason_of(tmp_path / "text.jpg" / "inside.jpg") == "missing"
    assert reason_of(tmp_path) == "not-an-image"
    assert reason_of(b"") == "empty"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason_of(tmp_path / "pipe.jpg") == "not-an-image"


def test_a_huge_file_is_refused_unread(tmp_path):
    with (tmp_path / "huge.tif").open("wb") as file:
        file.truncate(3 << 30)
    assert reason_of(tmp_path / "huge.tif") == "too-large"


@pytest.mark.parametrize(
    "data", [b"\0" * 400, b"\n" + b"text" * 99, b"<html>", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"BM", b"MZ"]
)
def test_bytes_that_are_no_photo(data):
    assert reason_of(data) in ("not-an-image", "damaged", "truncated")


def test_postscript_is_never_run():
    data = saved(scene(), "EPS")
    assert reason_of(data) == "not-an-image"


def test_a_file_that_cannot_be_read_says_why(tmp_path, monkeypatch):
    def refuse(*_args, **_words):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.jpg").write_bytes(saved(scene(), "JPEG"))
    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(PhotoError, match="cannot be read: Permission denied") as caught:
        read_bytes(tmp_path / "a.jpg")
    assert caught.value.reason == "unreadable"


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "HEIF"])
def test_a_file_that_ends_early(form, share):
    data = saved(Image.effect_noise((200, 150), 60).convert("RGB"), form)
    header_only = form == "HEIF" and share < 0.1  # there the boxes end, and libheif does not say why
    assert reason_of(data[: int(len(data) * share)]) == ("damaged" if header_only else "truncated")


def test_a_truncated_jpeg_is_found_when_scaled_too():
    data = saved(Image.effect_noise((1000, 800), 60), "JPEG")
    assert reason_of(data[:-200], min_side_px=64) == "truncated"


def bomb(width_px, height_px):
    """A PNG of a few hundred bytes whose header promises so many pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_from_its_header():
    started_s = time.process_time()
    tracemalloc.start()
    with pytest.raises(PhotoError, match=r"20,000 x 15,000 pixels; at most 200 megapixels") as caught:
        decode(bomb(20_000, 15_000))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.reason == "too-large"
    assert time.process_time() - started_s < 0.5
    assert peak_bytes < 5e6


def test_the_bomb_takes_no_memory_outside_pythons_either(tmp_path):
    (tmp_path / "bomb.png").write_bytes(bomb(20_000, 15_000))
    program = (
        "import resource, sys\n"
        "from graticule.photos.decode import PhotoError, decode\n"
        "memory_kb = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before_kb = memory_kb()\n"
        "try: decode(sys.argv[1])\n"
        "except PhotoError as error: print(error.reason, memory_kb() - before_kb)"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "bomb.png")]
    reason, grown_kb = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert reason == "too-large"
    assert int(grown_kb) < 50_000


def test_the_limit_is_ours_not_pillows():
    """Photos between Pillow's limits (89 and 179 megapixels) and ours are opened without a warning."""
    assert open_header(bomb(16_000, 12_000)).size == (16_000, 12_000)
    assert MAX_PIXELS == 200_000_000
    assert Image.MAX_IMAGE_PIXELS is not None


def test_nothing_global_is_changed(tmp_path):
    state = (
        "import numpy, PIL.Image as I, PIL.ImageFile as F, warnings as w; s = lambda: (I.MAX_IMAGE_PIXELS, "
    )
    state += "F.LOAD_TRUNCATED_IMAGES, 'HEIF' in I.OPEN, list(w.filters)); before = s()\n"
    state += "import sys; from graticule.photos.decode import decode\n"
    state += "for name in sys.argv[1:]: decode(name)\n"
    state += "assert s() == before, (s(), before)"
    for form in ("JPEG", "HEIF", "WEBP", "TIFF"):
        (tmp_path / form).write_bytes(saved(scene(), form))
    subprocess.run([sys.executable, "-c", state, *map(str, tmp_path.iterdir())], check=True)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_odd_metadata_is_no_error_where_warnings_are():
    """Pillow warns of a corrupt EXIF block; the pixels are fine."""
    block = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 30, 0x010F, 2, 9_000, 70_000)
    data = saved(scene(), "JPEG", exif=block)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(data).size == (60, 40)


def test_damage_of_any_kind_is_a_photo_error_or_a_picture():
    """600 damaged files of every format: nothing but pictures and PhotoErrors comes out."""
    chance = random.Random(7)
    noise = Image.effect_noise((48, 40), 60).convert("RGB")
    forms = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "HEIF", "AVIF", "JPEG2000", "ICO", "TGA", "PCX"]
    whole = [saved(noise, form) for form in forms]
    reasons = set()
    for number in range(600):
        data = bytearray(whole[number % len(whole)])
        for _ in range(chance.randrange(1, 12)):
            place = chance.randrange(min(len(data), 60) if chance.random() < 0.5 else len(data))
            data[place] ^= 1 << chance.randrange(8)
        try:
            assert decode(bytes(data)).mode == "RGB"
        except PhotoError as error:
            reasons.add(error.reason)
    assert {"damaged", "truncated", "not-an-image"} <= reasons
