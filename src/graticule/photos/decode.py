"""Turns whatever holds a photo into pixels: upright, RGB, 8 bits, in memory.

Files come from strangers, so every way in which one can be broken ends as a ``PhotoError`` with a
reason that reports count by. Nothing global is changed: not Pillow's registry, not its limits, not
the warning filters.
"""

from __future__ import annotations

import io
import os
import re
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin
from PIL.ExifTags import Base

from graticule.errors import PhotoError

T = TypeVar("T")
Photo: TypeAlias = "str | Path | bytes | Image.Image | np.ndarray[Any, Any]"

MAX_PIXELS: Final = 200_000_000
"""Photos of more pixels are refused from their header, before memory is taken; phones make 200 megapixels."""

MAX_FILE_BYTES: Final = 1 << 30
"""Larger files are refused unread."""

_OTHER_PROGRAMS: Final = frozenset(["BUFR", "EPS", "FPX", "GRIB", "HDF5", "MIC", "MPEG", "WMF"])
"""Formats that Pillow hands to other programs or cannot decode; EPS would run Ghostscript."""

_WITHOUT_SIGNATURE: Final = frozenset(["IM", "IMT", "IPTC", "PCD", "SPIDER"])
"""Formats that any file may be taken for."""

_SIGNED: Final = frozenset(["AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP"])
"""Formats whose first bytes leave no doubt: when opening fails, the file is damaged rather than no image."""

_TRANSPOSE: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings each EXIF orientation upright; 1 is upright."""

_ENDS_EARLY: Final = re.compile(r"truncat|unexpected end|end of (file|data)|not enough|incomplete", re.I)
_quiet = threading.Lock()


def decode(photo: Photo, *, min_side_px: int | None = None, name: str | None = None) -> Image.Image:
    """The photo's pixels: upright, RGB, 8 bits per channel, without metadata.

    Convention:
        - ``photo``: a path, the bytes of a file, a Pillow image, or an array (H, W), (H, W, 1),
          (H, W, 3) or (H, W, 4) of ``uint8``, ``uint16`` or floats in [0, 1]
        - ``min_side_px``: a JPEG is decoded at 1/2, 1/4 or 1/8 of its size, as long as its shorter side
          keeps at least so many pixels; that is many times faster. Full size when left out
        - ``name`` begins the sentences of errors; made from the path when left out
        - transparent parts become white; of an animation the first frame is taken; 16 bits are scaled to 8

    Raises:
        PhotoError: ``reason`` is one of ``missing``, ``unreadable``, ``empty``, ``not-an-image``,
            ``truncated``, ``damaged``, ``too-large``.

    Example:
        >>> decode(np.zeros((2, 3), dtype=np.uint8)).size
        (3, 2)
    """
    if isinstance(photo, np.ndarray):
        return _to_rgb(_from_array(photo))
    if isinstance(photo, Image.Image):
        return _finish(photo, name or "The image")
    name = name or ("The photo" if isinstance(photo, bytes) else f"Photo '{photo}'")
    image = open_header(photo if isinstance(photo, bytes) else read_bytes(photo), name=name)
    if min_side_px is not None and image.format == "JPEG":
        image.draft(None, (min_side_px, min_side_px))
    return _finish(image, name, fresh=True)


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a photo's file, or of a photo inside an archive: ``photos.zip::a.jpg``.

    Raises:
        PhotoError: ``reason`` is ``missing``, ``unreadable``, ``empty``, ``not-an-image`` (a folder,
            a device) or ``too-large`` (more than ``MAX_FILE_BYTES``); inside archives also ``damaged``.
    """
    if "::" in str(path):
        from graticule.photos.archives import member_of, read_member

        inside = member_of(path)
        if inside is not None:
            return read_member(*inside, max_bytes=MAX_FILE_BYTES)
    try:
        found = Path(path).stat()  # before opening: a pipe without a writer would wait for ever
        if not stat.S_ISREG(found.st_mode):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or device"
            message = f"Photo '{path}' is {what}, and a file was expected."
            raise PhotoError(message, reason="not-an-image", advice="Name a file, or leave it out.")
        if found.st_size > MAX_FILE_BYTES:
            message = f"Photo '{path}' has {found.st_size:,} bytes; at most {MAX_FILE_BYTES:,} are read."
            raise PhotoError(message, reason="too-large")
        with Path(path).open("rb") as file:
            data = file.read()
    except PhotoError:  # which is a ValueError
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PhotoError(f"Photo '{path}' {_absent(path)}.", reason="missing") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise PhotoError(f"Photo '{path}' cannot be read: {_said(error)}.", reason="unreadable") from error
    if not data:
        raise PhotoError(f"Photo '{path}' is empty (0 bytes).", reason="empty")
    return data


def _absent(path: str | Path) -> str:
    """Why there is nothing at a path: a link may be there that leads nowhere."""
    if os.path.islink(path):  # noqa: PTH114 -- a path may hold what Path refuses
        return f"is a link to '{os.readlink(path)}', which does not exist"  # noqa: PTH115
    return "does not exist"


def open_header(data: bytes, *, name: str = "The photo") -> ImageFile.ImageFile:
    """The image that ``data`` describes, its pixels not yet decoded; size, format and metadata are known.

    Convention:
        - ``name`` begins the sentences of errors
        - ``.size`` is (width, height) in pixels **as stored**, before orientation

    Raises:
        PhotoError: ``reason`` is ``empty``, ``not-an-image``, ``truncated``, ``damaged`` or ``too-large``.
    """
    if not data:
        raise PhotoError(f"{name} is empty (0 bytes).", reason="empty")
    image = without_warnings(lambda: _open(data, name))
    width_px, height_px = image.size
    if width_px * height_px > MAX_PIXELS:
        message = (
            f"{name} has {width_px:,} x {height_px:,} pixels; at most {MAX_PIXELS / 1e6:.0f} megapixels "
            "are decoded."
        )
        raise PhotoError(message, reason="too-large")
    return image


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) in pixels as a viewer sees the photo, from its header alone."""
    width_px, height_px = image.size
    lies = image.format != "TIFF" and _orientation(image) in (5, 6, 7, 8)  # TIFF's reader says it upright
    return (height_px, width_px) if lies else (width_px, height_px)


def without_warnings(read: Callable[[], T]) -> T:
    """What ``read`` returns, also where the caller turned warnings into errors: Pillow warns of odd metadata.

    The filters are shared by all threads, so they are touched in that case only.
    """
    try:
        return read()
    except Warning:
        with _quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()


def _open(data: bytes, name: str) -> ImageFile.ImageFile:
    """Pillow's ``Image.open``, but with our own limit on pixels, and HEIC without registering it."""
    if data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 > len(data) and data[8:12] == b"WEBP":
        raise PhotoError(f"{name} ends early: {len(data):,} bytes of a longer WebP file.", reason="truncated")
    if data.startswith(b"\xff\xd8\xff"):  # not Pillow's factory: it looks for more pictures of an MPO
        image = _open_as("JPEG", JpegImagePlugin.JpegImageFile, data, name)
        image.decodermaxblock = max(image.decodermaxblock, len(data))  # in one go: 3 % less time
        return image
    if data[4:8] == b"ftyp" and data[8:12] not in (b"avif", b"avis"):
        from pillow_heif import HeifImageFile

        return _open_as("HEIF", HeifImageFile, data, name)
    for load_plugins in (Image.preinit, Image.init):
        load_plugins()
        for known in [kind for kind in Image.ID if kind not in _OTHER_PROGRAMS | _WITHOUT_SIGNATURE]:
            factory, accepts = Image.OPEN[known]
            if _accepted(accepts, data[:16]):
                try:
                    return _open_as(known, factory, data, name)
                except PhotoError as error:
                    if known in _SIGNED or error.reason == "too-large":
                        raise
    raise PhotoError(f"{name} is not an image that can be read.", reason="not-an-image")


def _accepted(accepts: Any, prefix: bytes) -> bool:
    """Whether a plugin takes a file for its own; of very short ones some trip over the end."""
    try:
        return accepts is None or accepts(prefix) is True
    except Exception:
        return False


def _open_as(kind: str, factory: Any, data: bytes, name: str) -> ImageFile.ImageFile:
    try:
        image: ImageFile.ImageFile = factory(io.BytesIO(data), "")
    except Warning:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name} has too many pixels: {_said(error)}.", reason="too-large") from error
    except Exception as error:  # whatever a plugin trips over
        reason = "truncated" if _ENDS_EARLY.search(str(error)) else "damaged"
        message = f"{name} begins like {kind}, but its header cannot be read: {_said(error)}."
        raise PhotoError(message, reason=reason) from error
    return image


def _finish(image: Image.Image, name: str, *, fresh: bool = False) -> Image.Image:
    """Pixels decoded, turned upright, made RGB, metadata taken off (or a reader would turn them again).

    ``fresh``: the image is ours to change, so that no copy is needed.
    """
    with _explained(name):
        without_warnings(image.load)
        turn = upright_turn(image)  # after loading: of some formats the metadata comes last
        result = _to_rgb(image if turn is None else image.transpose(turn))
        if result is image and not fresh:
            result = image.copy()
        result.getexif().clear()
        result.info.clear()
    return result


def load_as_stored(image: Image.Image, name: str) -> Image.Image:
    """The pixels of an opened image, RGB, 8 bits, not turned upright.

    Raises:
        PhotoError: ``reason`` is ``truncated`` or ``damaged``.
    """
    with _explained(name):
        without_warnings(image.load)
        return _to_rgb(image)


def upright_turn(image: Image.Image) -> Image.Transpose | None:
    """What brings the stored pixels of a photo upright; None where they are."""
    return _TRANSPOSE.get(_orientation(image))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Whatever a decoder trips over as a ``PhotoError`` that names the photo."""
    try:
        yield
    except Exception as error:
        reason = "truncated" if _ENDS_EARLY.search(str(error)) else "damaged"
        said = "ends early" if reason == "truncated" else "is damaged"
        raise PhotoError(f"{name} {said}: {_said(error)}.", reason=reason) from error


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; HEIC, AVIF and TIFF say 1 when their decoder has turned the photo."""
    try:
        found = without_warnings(lambda: image.getexif().get(Base.Orientation, 1))
    except Exception:  # broken metadata must not cost the pixels
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        return _eight_bits(np.asarray(image), image.mode).convert("RGB")
    if image.has_transparency_data:
        through = {"1": "L", "La": "LA"}.get(image.mode)  # Pillow has no direct way from these
        layered = (image.convert(through) if through else image).convert("RGBA")
        ground = Image.new("RGB", layered.size, "white")
        ground.paste(layered, mask=layered.getchannel("A"))
        return ground
    if image.mode == "LAB":
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB") or image
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(values: np.ndarray[Any, Any], mode: str) -> Image.Image:
    """Scaled, not clipped: I;16 from 0..65535; I and F from the first of 1 (F), 255, 65535 that holds all."""
    if mode.startswith("I;16"):
        return Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))
    light = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    largest = float(light.max(initial=0.0))
    tops = (1.0, 255.0, 65535.0) if mode == "F" else (255.0, 65535.0)
    white = next((top for top in tops if largest <= top), largest)
    return Image.fromarray(np.clip(light * (255.0 / white) + 0.5, 0, 255).astype(np.uint8))


def _from_array(array: np.ndarray[Any, Any]) -> Image.Image:
    pixels = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if not fits or pixels.size == 0:
        message = f"An array of shape {array.shape} is not a photo; expected (H, W), (H, W, 3) or (H, W, 4)."
        raise PhotoError(message, reason="not-an-image", advice="Give its axes in that order.")
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    elif (
        np.issubdtype(pixels.dtype, np.floating) and pixels.min() >= 0 and pixels.max() <= 1
    ):  # false for NaN
        pixels = (pixels * 255 + 0.5).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        message = f"An array of {array.dtype} is not a photo; expected uint8, uint16 or floats in [0, 1]."
        raise PhotoError(message, reason="not-an-image", advice="Scale and convert it first.")
    return Image.fromarray(np.ascontiguousarray(pixels))


def _said(error: Exception) -> str:
    """What a library complained of, as the tail of our sentence."""
    text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()
    return text.splitlines()[0].rstrip(".")[:200] if text else type(error).__name__
