"""One photo in its stored form: upright, at most so long, JPEG, without metadata."""

from __future__ import annotations

import io
import re
from typing import Final, NamedTuple

from PIL import Image

from graticule.photos.decode import decode, open_header, upright_size

_CHECK_SIDE_PX: Final = 64

_LOSES_NOTHING: Final = frozenset([0xC0, 0xC1, 0xC4, 0xDB, 0xDD, 0xE0, 0xEE])
"""Segments that the pixels of a baseline JPEG depend on: frames, tables, restarts, JFIF and Adobe headers."""

_NEXT_MARKER: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.S)


class Encoded(NamedTuple):
    """The bytes of a photo, the ending of its name, and its size in pixels, upright."""

    data: bytes
    suffix: str
    width_px: int
    height_px: int


def reencoded(data: bytes, *, max_side_px: int, quality: int, name: str = "The photo") -> Encoded:
    """A photo scaled down, upright, as JPEG without metadata.

    Convention:
        - ``data``: the bytes of a file of any format; ``name`` begins the sentences of errors
        - the long side has at most ``max_side_px`` pixels; a smaller photo keeps its size
        - an upright baseline JPEG that is small enough is not encoded again: it loses its metadata only

    Raises:
        PhotoError: the file cannot be decoded.
    """
    header = open_header(data, name=name)
    width_px, height_px = upright_size(header)
    scale = min(1.0, max_side_px / max(width_px, height_px))
    if scale == 1.0 and header.format == "JPEG" and header.size == (width_px, height_px):
        plain = without_metadata(data) if header.getexif().get(0x0112, 1) == 1 else None
        if plain is not None:
            decode(plain, min_side_px=_CHECK_SIDE_PX, name=name)  # whole, or a PhotoError
            return Encoded(plain, ".jpg", width_px, height_px)
    size = max(1, round(width_px * scale)), max(1, round(height_px * scale))
    image = decode(data, min_side_px=min(size), name=name)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=quality)
    return Encoded(written.getvalue(), ".jpg", *size)


def as_it_is(data: bytes, *, name: str = "The photo") -> Encoded:
    """A photo's own bytes, with the ending that belongs to them.

    Raises:
        PhotoError: the file cannot be decoded.
    """
    header = open_header(data, name=name)
    width_px, height_px = upright_size(header)
    kind = (header.format or "img").lower()
    decode(data, min_side_px=_CHECK_SIDE_PX, name=name)
    return Encoded(
        data, {"jpeg": ".jpg", "tiff": ".tif", "heif": ".heic"}.get(kind, f".{kind}"), width_px, height_px
    )


def without_metadata(data: bytes) -> bytes | None:
    """A baseline JPEG of one scan without EXIF, XMP, comments, profiles and what follows its end.

    Convention:
        - None for any other file: progressive, of several scans, or not to be understood

    Source:
        ITU-T T.81, annex B: a file is segments, each with a marker and a length, up to the scan; inside the
        scan a byte 255 is followed by 0 or by the number of a restart.
    """
    kept, place = [data[:2]], 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xDA:
            stop = _NEXT_MARKER.search(data, end)
            if stop is None or stop[1] != b"\xd9":
                return None
            return b"".join([*kept, data[place : stop.start()], b"\xff\xd9"])
        if 0xC2 <= marker <= 0xCF and marker != 0xC4:
            return None
        if marker in _LOSES_NOTHING:
            kept.append(data[place:end])
        place = end
    return None
