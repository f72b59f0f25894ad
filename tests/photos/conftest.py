"""Photos that the tests make: with any GPS block, in any format, broken in any way."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from PIL import Image, PngImagePlugin
from PIL.ExifTags import IFD

from graticule.photos.table import COLUMNS

ASCII, RATIONAL, SIGNED = 2, 5, 10
"""Types of EXIF values that a GPS block uses, and signed rationals, which it should not."""


def make_photo(
    gps: dict[int, Any] | None = None,
    *,
    size: tuple[int, int] = (64, 48),
    form: str = "JPEG",
    orientation: int | None = None,
    xmp: str | None = None,
    exif: bytes | None = None,
) -> bytes:
    """The bytes of a photo; ``gps`` is its EXIF GPS block by tag number, ``exif`` a whole EXIF block."""
    image = Image.new("RGB", size, "steelblue")
    block = Image.Exif()
    if orientation is not None:
        block[0x0112] = orientation
    if gps is not None:
        block[IFD.GPSInfo] = dict(gps)
    words: dict[str, Any] = {"exif": exif or block.tobytes()} if exif or len(block) else {}
    if xmp is not None:
        words |= _xmp_words(form, xmp)
    file = io.BytesIO()
    if form == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(file, quality=90, **words)
    else:
        image.save(file, form, **words)
    return file.getvalue()


def _xmp_words(form: str, xmp: str) -> dict[str, Any]:
    """How Pillow wants to be told of XMP, per format."""
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp)
        return {"pnginfo": text}
    return {"tiffinfo": {700: xmp.encode()}} if form == "TIFF" else {"xmp": xmp.encode()}


def gps_block(latitude: Any, longitude: Any, refs: tuple[Any, Any] = ("N", "E")) -> dict[int, Any]:
    """A GPS block for ``make_photo``; None leaves a value out."""
    block = {1: refs[0], 2: latitude, 3: refs[1], 4: longitude}
    return {tag: value for tag, value in block.items() if value is not None}


def raw_exif(entries: list[tuple[int, int, Any]]) -> bytes:
    """An EXIF block whose GPS entries have any type: (tag, ASCII, text) or (tag, RATIONAL, [(1, 2), ...])."""
    start = 8 + 2 + 12 + 4  # header, a directory with the one entry that points to the GPS directory
    room = start + 2 + 12 * len(entries) + 4
    directory, values = struct.pack("<H", len(entries)), b""
    for tag, kind, value in entries:
        if kind == ASCII:
            data, count = value, len(value)
        else:
            form = "<ii" if kind == SIGNED else "<II"
            data, count = b"".join(struct.pack(form, *pair) for pair in value), len(value)
        if len(data) <= 4:
            directory += struct.pack("<HHI4s", tag, kind, count, data)
        else:
            directory += struct.pack("<HHII", tag, kind, count, room + len(values))
            values += data
    top = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<HHHIII", 1, IFD.GPSInfo, 4, 1, start, 0)
    return b"Exif\0\0" + top + directory + struct.pack("<I", 0) + values


@pytest.fixture(scope="session")
def photo() -> Callable[..., bytes]:
    """The maker of photos."""
    return make_photo


@pytest.fixture(scope="session")
def gps() -> Callable[..., dict[int, Any]]:
    """The maker of GPS blocks."""
    return gps_block


@pytest.fixture(scope="session")
def exif_of() -> Callable[..., bytes]:
    """The maker of EXIF blocks with values of any type."""
    return raw_exif


def make_frame(latlon: Any, **columns: Any) -> pl.DataFrame:
    """A photo table of places (N, 2), None for a photo without one; ``columns`` fills others."""
    rows: dict[str, Any] = {name: [None] * len(latlon) for name in COLUMNS}
    rows["photo_id"] = [f"p{number}" for number in range(len(latlon))]
    rows["path"] = [f"p{number}.jpg" for number in range(len(latlon))]
    rows["latitude"] = [None if place is None else float(place[0]) for place in latlon]
    rows["longitude"] = [None if place is None else float(place[1]) for place in latlon]
    own = {name: values for name, values in columns.items() if name not in COLUMNS}
    rows |= {name: list(values) for name, values in columns.items() if name in COLUMNS}
    return pl.DataFrame(rows, schema=COLUMNS).with_columns(
        pl.Series(name, values) for name, values in own.items()
    )


@pytest.fixture(scope="session")
def frame_of() -> Callable[..., pl.DataFrame]:
    """The maker of photo tables."""
    return make_frame
