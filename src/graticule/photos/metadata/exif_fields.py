"""What the EXIF block of a photo tells, but for its position: ``graticule.photos.exif`` reads that."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Final

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from graticule.photos.decode import without_warnings
from graticule.photos.metadata.trace import Trace, shown, size_in_words

_EXIF: Final = "EXIF"
_IFD1: Final = IFD.IFD1
_THUMBNAIL_AT, _THUMBNAIL_BYTES = 0x0201, 0x0202

# EXIF 3.0 and DNG; Pillow has no names for some
_PHOTOGRAPHER, _IMAGE_EDITOR, _FIRMWARE, _RAW_SOFTWARE, _EDIT_SOFTWARE = (
    0xA437,
    0xA438,
    0xA439,
    0xA43A,
    0xA43B,
)
_DNG_SERIAL, _XP_TITLE, _XP_COMMENT, _XP_AUTHOR, _XP_KEYWORDS, _XP_SUBJECT = (
    0xC62F, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F,
)  # fmt: skip

_FIELDS: Final[tuple[tuple[str, int, str], ...]] = (
    ("serial", Base.BodySerialNumber, "serial number of the camera"),
    ("serial", Base.LensSerialNumber, "serial number of the lens"),
    ("serial", _DNG_SERIAL, "serial number of the camera"),
    ("serial", Base.ImageUniqueID, "number of this photo alone"),
    ("person", Base.CameraOwnerName, "owner of the camera"),
    ("person", Base.Artist, "author"),
    ("person", _PHOTOGRAPHER, "author"),
    ("person", _IMAGE_EDITOR, "edited by"),
    ("person", _XP_AUTHOR, "author"),
    ("person", Base.Copyright, "copyright"),
    ("device", Base.HostComputer, "computer or phone"),
    ("software", Base.Software, "processed by"),
    ("software", Base.ProcessingSoftware, "processed by"),
    ("software", _FIRMWARE, "firmware"),
    ("software", _RAW_SOFTWARE, "processed by"),
    ("software", _EDIT_SOFTWARE, "processed by"),
    ("text", Base.ImageDescription, "description"),
    ("text", Base.UserComment, "comment"),
    ("text", _XP_TITLE, "title"),
    ("text", _XP_COMMENT, "comment"),
    ("text", _XP_KEYWORDS, "keywords"),
    ("text", _XP_SUBJECT, "subject"),
)
"""Kind, tag, and what a sentence calls it."""

_UTF_16: Final = frozenset([_XP_TITLE, _XP_COMMENT, _XP_AUTHOR, _XP_KEYWORDS, _XP_SUBJECT])


def exif_traces(image: Image.Image) -> list[Trace]:
    """What EXIF tells; of a block that cannot be read, that it is there."""
    try:
        return without_warnings(lambda: list(_told(image)))
    except Exception as error:  # whatever Pillow trips over in a damaged block
        words = f"an EXIF block that cannot be read whole ({shown(str(error), 60)})"
        return [Trace("block", words, _EXIF)]


def _told(image: Image.Image) -> Iterator[Trace]:
    exif = image.getexif()
    fields: dict[int, Any] = {**exif, **exif.get_ifd(IFD.Exif)}
    gps = exif.get_ifd(IFD.GPSInfo)
    yield from _times(fields, gps)
    yield from _direction(gps)
    yield from _device(fields)
    for kind, tag, what in _FIELDS:
        if said := text_of(fields.get(tag), tag):
            yield Trace(kind, f"{what}: {said}", _EXIF, {"field": what, "value": said})
    notes = fields.get(Base.MakerNote)
    if isinstance(notes, bytes | str) and notes:
        count = len(notes)
        yield Trace(
            "maker-notes", f"notes of the camera's maker, {size_in_words(count)}", _EXIF, {"bytes": count}
        )
    yield from _thumbnail(image, exif)


def text_of(value: Any, tag: int = 0) -> str:
    """A field's value as one line of text; empty for none, and for the blanks that cameras write."""
    if isinstance(value, bytes):
        if tag in _UTF_16:
            return shown(value.decode("utf-16-le", errors="replace"))
        coded = value[:8] in (b"ASCII\0\0\0", b"UNICODE\0", b"JIS\0\0\0\0\0", b"\0" * 8)
        text = value[8:] if coded else value
        return shown(text.decode(_utf_16(text) if value[:8] == b"UNICODE\0" else "utf-8", errors="replace"))
    if isinstance(value, tuple) and tag in _UTF_16:
        return text_of(bytes(part for part in value if isinstance(part, int) and 0 <= part < 256), tag)
    return "" if value is None else shown(str(value))


def _utf_16(text: bytes) -> str:
    """Which way round: EXIF leaves it open, and letters of most scripts share their high byte, mostly 0."""
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return "utf-16-be" if text[0::2].count(0) > text[1::2].count(0) else "utf-16-le"


def _times(fields: dict[int, Any], gps: dict[int, Any]) -> Iterator[Trace]:
    zone = text_of(fields.get(Base.OffsetTimeOriginal))
    for tag in (Base.DateTimeOriginal, Base.DateTimeDigitized, Base.DateTime):
        said = text_of(fields.get(tag))
        if said and not said.startswith("0000"):
            yield Trace("time", f"{said} {zone}".strip(), _EXIF, {"local": said, "offset": zone or None})
            break
    day, clock = text_of(gps.get(GPS.GPSDateStamp)), gps.get(GPS.GPSTimeStamp)
    if day or clock is not None:
        hours = ":".join(f"{_number(part):02.0f}" for part in clock) if isinstance(clock, tuple) else ""
        said = f"{day} {hours}".strip()
        if said and not said.startswith("0000"):
            yield Trace("time", f"{said} UTC, by satellite", "EXIF GPS", {"utc": said})


def _direction(gps: dict[int, Any]) -> Iterator[Trace]:
    if GPS.GPSImgDirection in gps:
        degrees = _number(gps[GPS.GPSImgDirection])
        if degrees == degrees:
            words = f"{degrees:.0f} degrees from north, clockwise"
            yield Trace("direction", words, "EXIF GPS", {"degrees": degrees})


def _device(fields: dict[int, Any]) -> Iterator[Trace]:
    make, model = text_of(fields.get(Base.Make)), text_of(fields.get(Base.Model))
    lens = text_of(fields.get(Base.LensModel))
    if make or model:
        name = model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()
        yield Trace("device", name, _EXIF, {"make": make or None, "model": model or None})
    if lens:
        yield Trace("device", f"lens {lens}", _EXIF, {"lens": lens})


def _thumbnail(image: Image.Image, exif: Image.Exif) -> Iterator[Trace]:
    """The picture of the second directory; its place counts from the block's TIFF header."""
    block = exif.get_ifd(_IFD1)
    count = block.get(_THUMBNAIL_BYTES)
    if not isinstance(count, int) or count <= 0:
        if block:  # some cameras store it bare
            yield Trace("thumbnail", "a small picture", _EXIF)
        return
    raw = image.info.get("exif") or b""
    start = int(block.get(_THUMBNAIL_AT, 0)) + (6 if raw.startswith(b"Exif\0\0") else 0)
    values: dict[str, Any] = {"bytes": count}
    words = f"a small picture of {size_in_words(count)}"
    try:
        with Image.open(io.BytesIO(raw[start : start + count])) as small:
            values |= {"width_px": small.width, "height_px": small.height}
            words += f", {small.width} x {small.height} pixels"
    except Exception:  # it is there all the same
        words += " (which cannot be opened)"
    yield Trace("thumbnail", words, _EXIF, values)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, ArithmeticError):
        return float("nan")
