"""Reads where a photo was taken from what its camera or its owner wrote: EXIF GPS, XMP, ``.xmp`` sidecars.

Cameras write nonsense too (zeros before the first fix, 0/0, half a position); such a photo is refused with
a reason, for a wrong place is worse than none. The datum is taken to be WGS 84, as nearly all devices write.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from PIL import Image
from PIL.ExifTags import GPS, IFD

from graticule.errors import PhotoError
from graticule.photos.decode import open_header, read_bytes, without_warnings

_EXIF_NAMESPACE: Final = "{http://ns.adobe.com/exif/1.0/}"
_MAX_SIDECAR_BYTES: Final = 16 << 20
_NUMBER: Final = r"\d+(?:\.\d*)?"
_XMP_VALUE: Final = re.compile(rf"({_NUMBER})(?:\s*,\s*({_NUMBER}))?(?:\s*,\s*({_NUMBER}))?\s*([NSEW])", re.I)
_SIGNS: Final = {"N": 1.0, "S": -1.0, "E": 1.0, "W": -1.0}


@dataclass(frozen=True)
class Position:
    """Where a photo was taken, in degrees; ``exif``, ``xmp``, ``sidecar`` or ``comment`` says so."""

    latitude: float
    longitude: float
    source: str


def read_position(photo: str | Path | bytes) -> Position:
    """Where a photo was taken, according to its own metadata.

    Convention:
        - ``photo``: a path, or the bytes of a file (which have no sidecar)
        - a sidecar (``photo.jpg.xmp``, ``photo.xmp``) comes before EXIF, for people write it later to
          mend or to add a position; XMP inside the file comes after EXIF, and only where EXIF says
          nothing; lines such as ``latitude: 48.1`` in a JPEG's comment, as Im2GPS has them, come last

    Raises:
        PhotoError: the file cannot be read as an image (the reasons of ``decode``), or ``reason`` is
            ``no-position``, ``empty-gps``, ``half-position``, ``nan-position``, ``zero-position``,
            ``no-hemisphere``, ``out-of-range``, ``broken-exif``, ``broken-xmp``, ``broken-comment``.
    """
    if isinstance(photo, bytes):
        return position_in(open_header(photo), name="The photo")
    name = f"Photo '{photo}'"
    return position_in(open_header(read_bytes(photo), name=name), name=name, path=Path(photo))


def position_in(image: Image.Image, *, name: str = "The photo", path: Path | None = None) -> Position:
    """As ``read_position``, for an image whose header is open; ``path`` is where sidecars are looked for.

    Raises:
        PhotoError: as ``read_position``; of several broken positions the first one's reason.
    """
    broken: PhotoError | None = None
    for read in (_from_sidecar, _from_exif, _from_packet, _from_comment):
        try:
            found = without_warnings(partial(read, image, name, path))
        except PhotoError as error:
            broken = broken or error
            if read is _from_exif:  # XMP in the file is usually a copy of it, and not believed either
                break
        else:
            if found is not None:
                return found
    raise broken or _without_position(image, name)


def _without_position(image: Image.Image, name: str) -> PhotoError:
    try:
        block = without_warnings(lambda: image.getexif().get_ifd(IFD.GPSInfo))
    except Exception:  # then it was reported already, or there is none
        block = {}
    if block:
        message = f"{name} has an EXIF GPS block without coordinates: its camera had no fix."
        return PhotoError(message, reason="empty-gps")
    message = f"{name} has no position in its metadata (no EXIF GPS, no XMP, no .xmp file beside it)."
    return PhotoError(message, reason="no-position")


def _from_exif(image: Image.Image, name: str, _path: Path | None) -> Position | None:
    try:
        exif = image.getexif()
        block = dict(exif.get_ifd(IFD.GPSInfo))
        pointer = IFD.GPSInfo in exif
    except Warning:
        raise
    except Exception as error:  # whatever Pillow trips over in a damaged block
        raise PhotoError(f"{name} has EXIF that cannot be read: {error}.", reason="broken-exif") from error
    if pointer and not block:
        raise PhotoError(f"{name} has a GPS block that is empty or cannot be read.", reason="broken-exif")
    written = [block.get(tag) for tag in (GPS.GPSLatitude, GPS.GPSLongitude)]
    if written == [None, None]:
        return None
    if None in written:
        raise PhotoError(f"{name} has a latitude or a longitude, but not both.", reason="half-position")
    try:
        angles = [_angle(value) for value in written]
    except (TypeError, ValueError, ArithmeticError) as error:
        message = f"{name} has GPS coordinates that cannot be read: {_short(block)}."
        raise PhotoError(message, reason="broken-exif") from error
    signs = [
        _hemisphere(block, *words) for words in ((GPS.GPSLatitudeRef, "NS"), (GPS.GPSLongitudeRef, "EW"))
    ]
    return _checked(angles, signs, name, source="exif", said=_short(block))


def _angle(value: Any) -> float:
    """Degrees from one, two or three rationals: degrees, minutes, seconds, each perhaps with decimals.

    >>> _angle((48.0, 51.4, 0.0)), _angle(48.5), _angle((-33, 30))
    (48.85666666666667, 48.5, -33.5)
    """
    if isinstance(value, bytes | str):
        raise TypeError("text where rationals belong")
    parts = [float(part) for part in value] if isinstance(value, tuple | list) else [float(value)]
    if not 1 <= len(parts) <= 3:
        raise ValueError("one to three rationals expected")
    degrees, minutes, seconds = (*parts, 0.0, 0.0)[:3]
    if not (
        minutes < 0 or minutes > 60 or seconds < 0 or seconds > 60
    ):  # true for NaN, which is told apart later
        return math.copysign(abs(degrees) + minutes / 60 + seconds / 3600, degrees)
    raise ValueError("minutes or seconds outside [0, 60]")


def _hemisphere(block: Mapping[int, Any], tag: int, letters: str) -> float | None:
    """+1 or -1, or None when neither letter is written."""
    written = block.get(tag)
    text = written.decode("ascii", "replace") if isinstance(written, bytes) else str(written or "")
    letter = text.strip(" \0").upper()[:1]
    return _SIGNS[letter] if letter and letter in letters else None


def _checked(
    angles: list[float], signs: list[float | None], name: str, *, source: str, said: str
) -> Position:
    """The position, when it is one."""
    if not all(math.isfinite(angle) for angle in angles):
        raise PhotoError(f"{name} has a position that is no number (0/0): {said}.", reason="nan-position")
    if angles == [0, 0]:
        raise PhotoError(
            f"{name} has the position (0, 0), which cameras write without a fix.", reason="zero-position"
        )
    if None in signs:
        raise PhotoError(f"{name} does not say north or south, east or west: {said}.", reason="no-hemisphere")
    pairs = [(angle, sign or 1.0) for angle, sign in zip(angles, signs, strict=True)]
    if any(angle < 0 < sign for angle, sign in pairs):
        raise PhotoError(
            f"{name} contradicts itself: a negative angle north or east: {said}.", reason="broken-exif"
        )
    latitude, longitude = (abs(angle) * sign for angle, sign in pairs)
    if abs(latitude) > 90 or abs(longitude) > 180:
        message = f"{name} has the position ({latitude:g}, {longitude:g}), which is not on Earth."
        raise PhotoError(message, reason="out-of-range")
    return Position(latitude, longitude, source)


def _from_packet(image: Image.Image, name: str, _path: Path | None) -> Position | None:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    return _from_xmp(packet, name, source="xmp") if packet else None


def _from_comment(image: Image.Image, name: str, _path: Path | None) -> Position | None:
    """The position in a JPEG's comment, which Flickr's early readers wrote there line by line."""
    comment = image.info.get("comment")
    if not isinstance(comment, bytes | str):
        return None
    text = comment if isinstance(comment, str) else comment.decode("utf-8", errors="replace")
    found = [re.search(rf"^\s*{word}:\s*(\S+)\s*$", text, re.I | re.M) for word in ("latitude", "longitude")]
    if None in found:
        return None
    written = [match[1] for match in found if match is not None]
    try:
        angles = [float(number) for number in written]
    except ValueError as error:
        message = f"{name} has a comment with coordinates that cannot be read: {', '.join(written)}."
        raise PhotoError(message, reason="broken-comment") from error
    signs: list[float | None] = [math.copysign(1.0, angle) for angle in angles]
    size = [abs(angle) for angle in angles]
    return _checked(size, signs, name, source="comment", said=", ".join(written))


def _from_sidecar(_image: Image.Image, name: str, path: Path | None) -> Position | None:
    if path is None:
        return None
    for beside in (
        Path(f"{path}.xmp"),
        Path(f"{path}.XMP"),
        path.with_suffix(".xmp"),
        path.with_suffix(".XMP"),
    ):
        try:
            if beside.is_file() and beside.stat().st_size <= _MAX_SIDECAR_BYTES:
                return _from_xmp(beside.read_bytes(), name, source="sidecar")
        except OSError as error:
            raise PhotoError(
                f"{name} has a sidecar '{beside}' that cannot be read.", reason="broken-xmp"
            ) from error
    return None


def _from_xmp(packet: bytes | str, name: str, *, source: str) -> Position | None:
    """The position in an XMP packet, which writes 48,51.4N or 48,51,24N, or plain degrees."""
    text = packet if isinstance(packet, str) else packet.decode(_encoding(packet), errors="replace")
    if "GPSL" not in text:
        return None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # XMP has neither; they serve to blow up a reader
        raise PhotoError(f"{name} has XMP with a document type, which is refused.", reason="broken-xmp")
    try:
        root = ElementTree.fromstring(text.strip("\ufeff\0 \t\r\n"))
    except (ElementTree.ParseError, ValueError) as error:
        raise PhotoError(f"{name} has XMP that is not well-formed: {error}.", reason="broken-xmp") from error
    written = [_property(root, word) for word in ("GPSLatitude", "GPSLongitude")]
    if written == [None, None]:
        return None
    latitude, longitude = written
    if latitude is None or longitude is None:
        raise PhotoError(
            f"{name} has a latitude or a longitude in XMP, but not both.", reason="half-position"
        )
    said = f"{latitude}, {longitude}"
    try:
        values = [_xmp_angle(latitude, "NS"), _xmp_angle(longitude, "EW")]
    except ValueError as error:
        raise PhotoError(
            f"{name} has XMP coordinates that cannot be read: {said}.", reason="broken-xmp"
        ) from error
    return _checked(
        [angle for angle, _ in values], [sign for _, sign in values], name, source=source, said=said
    )


def _xmp_angle(text: str, letters: str) -> tuple[float, float]:
    """The unsigned angle in degrees and its sign.

    >>> _xmp_angle("48,51.4N", "NS"), _xmp_angle("48,51,24S", "NS"), _xmp_angle("-2.35", "EW")
    ((48.85666666666667, 1.0), (48.85666666666667, -1.0), (2.35, -1.0))
    """
    match = _XMP_VALUE.fullmatch(text.strip())
    if match is None:
        degrees = float(text)
        return abs(degrees), math.copysign(1.0, degrees)
    if match[4].upper() not in letters:
        raise ValueError("a latitude is north or south, a longitude east or west")
    return _angle([float(part) for part in match.groups()[:3] if part is not None]), _SIGNS[match[4].upper()]


def _property(root: ElementTree.Element, word: str) -> str | None:
    """The value of an exif property, written as an attribute or as an element."""
    for element in root.iter():
        if f"{_EXIF_NAMESPACE}{word}" in element.attrib:
            return element.attrib[f"{_EXIF_NAMESPACE}{word}"]
        if element.tag == f"{_EXIF_NAMESPACE}{word}" and element.text:
            return element.text
    return None


def _encoding(packet: bytes) -> str:
    return "utf-16" if packet[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"


def _short(block: Mapping[int, Any]) -> str:
    """The coordinates of a GPS block as written, for a sentence."""
    tags = (GPS.GPSLatitudeRef, GPS.GPSLatitude, GPS.GPSLongitudeRef, GPS.GPSLongitude)
    return ", ".join(repr(block.get(tag))[:60] for tag in tags)
