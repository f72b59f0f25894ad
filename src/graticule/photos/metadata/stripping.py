"""A copy of a photo that holds its pixels and nothing else. JPEGs need not be encoded anew for that."""

from __future__ import annotations

import io
from typing import Any, Final

from PIL import Image, ImageCms
from PIL.ExifTags import Base

from graticule.config import nearest
from graticule.errors import PhotoError, UsageError
from graticule.photos.decode import decode, open_header, without_warnings
from graticule.photos.metadata.reading import read_metadata
from graticule.photos.metadata.segments import bare_jpeg, is_jpeg

FORMATS: Final[dict[str, str]] = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF",
    ".heic": "HEIF", ".heif": "HEIF",
}  # fmt: skip
"""Ending of a name -> the format that copies with it are written in."""

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "JPEG": {"quality": 95, "subsampling": 0, "optimize": True},
    "PNG": {},
    "WEBP": {"quality": 95},
    "TIFF": {"compression": "tiff_deflate"},
    "HEIF": {"quality": 90},
}


def format_for(suffix: str) -> str:
    """The format that a file with this ending is written in.

    Raises:
        UsageError: no such format is written.

    Example:
        >>> format_for(".JPG")
        'JPEG'
    """
    found = FORMATS.get(suffix.lower())
    if found is None:
        close = nearest(suffix.lower(), FORMATS) or ".jpg"
        raise UsageError(
            f"A clean copy cannot be written as '{suffix or 'a file without an ending'}' "
            f"(there are: {', '.join(FORMATS)}).\nName for example:  clean{close}"
        )
    return found


def format_of(data: bytes, *, name: str = "The photo") -> str:
    """The format of a copy: that of the photo for JPEG, PNG, WebP and TIFF, else JPEG.

    HEIC is written where it is asked for: encoding it takes half a minute for a phone's photo.

    Raises:
        PhotoError: the file is no image.
    """
    kind = open_header(data, name=name).format or ""
    return kind if kind in _OPTIONS and kind != "HEIF" else "JPEG"


def upright_pixels(data: bytes, *, name: str = "The photo") -> Image.Image:
    """The pixels of a photo: upright, RGB, 8 bits, in sRGB, without metadata.

    Raises:
        PhotoError: the file cannot be decoded.
    """
    image = decode(data, name=name)
    profile = open_header(data, name=name).info.get("icc_profile")
    if not profile:
        return image
    try:
        own, srgb = ImageCms.getOpenProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        turned = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB") or image
    except ImageCms.PyCMSError:  # a profile of grey or CMYK pixels, or a damaged one: leave the colours
        return image
    turned.info.clear()  # Pillow puts the new profile there
    return turned


def stripped(data: bytes, *, name: str = "The photo") -> tuple[bytes, bool]:
    """The photo without its metadata, and whether every pixel of it is as it was.

    Convention:
        - a JPEG keeps its compressed pixels, bit by bit, unless it has a colour profile: without that its
          colours would be others, so they are converted to sRGB and encoded anew
        - which way is up stays in a JPEG; all others are encoded anew, upright

    Raises:
        PhotoError: the file cannot be decoded, or the copy still tells something.
    """
    image = open_header(data, name=name)
    if is_jpeg(data) and not _needs_profile(image):
        clean = bare_jpeg(data, orientation=_orientation(image))
        if not read_metadata(clean, name=name).traces:
            return clean, True
    return encoded(upright_pixels(data, name=name), format_of(data, name=name), name=name), False


def _needs_profile(image: Image.Image) -> bool:
    """Whether the colours would be others without the profile; sRGB is what is taken for granted."""
    profile = image.info.get("icc_profile")
    if not profile:
        return False
    try:
        name = ImageCms.getProfileDescription(ImageCms.getOpenProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError):
        return False
    return not name.strip().lower().startswith("srgb")


def _orientation(image: Image.Image) -> int:
    try:
        found = without_warnings(lambda: image.getexif().get(Base.Orientation, 1))
    except Exception:  # damaged metadata, of which nothing is kept anyway
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def encoded(image: Image.Image, form: str, *, name: str = "The photo") -> bytes:
    """A file that holds the pixels of ``image`` and nothing else; it is read again to make sure.

    Convention:
        - ``image``: RGB, as ``upright_pixels`` gives it; ``form``: JPEG, PNG, WEBP, TIFF or HEIF

    Raises:
        PhotoError: the format cannot be written on this machine, or the copy still tells something.
    """
    bare = Image.frombytes("RGB", image.size, image.tobytes())
    file = io.BytesIO()
    try:
        if form == "HEIF":
            import pillow_heif

            pillow_heif.from_pillow(bare).save(file, **_OPTIONS[form])
        else:
            bare.save(file, form, **_OPTIONS[form])
    except Exception as error:  # no encoder, or sides that the format does not hold
        message = f"{name} cannot be written as {form}: {error}."
        raise PhotoError(message, reason="damaged", advice="Write it as .png or .jpg instead.") from error
    clean = file.getvalue()
    if left := read_metadata(clean).traces:
        message = f"The copy of {name} still tells: {'; '.join(trace.words for trace in left)}."
        raise PhotoError(message, reason="damaged", advice="It was not written; write it as .png instead.")
    return clean


def suffix_for(form: str) -> str:
    """The usual ending of files of a format.

    Example:
        >>> suffix_for("HEIF")
        '.heic'
    """
    return next(suffix for suffix, kind in FORMATS.items() if kind == form)
