"""The segments that a JPEG consists of, and the same JPEG without those that are no picture.

Source:
    ITU-T T.81, annex B; ITU-T T.871 (JFIF).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

APPLICATION: Final = 0xE0
COMMENT: Final = 0xFE
END: Final = 0xD9

JFIF_BYTES: Final = 14
"""Length of a JFIF segment without a small picture."""

TECHNICAL: Final = (b"JFIF\0", b"Adobe")
"""What decoders need: which colours the numbers are."""

_SCAN: Final = 0xDA
_ALONE: Final = frozenset([0x01, *range(0xD0, 0xD9)])
_NEXT_MARKER: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.S)
_ORIENTATION: Final = 0x0112


class Segment(NamedTuple):
    """One segment, ``data[start:stop]``; a scan's pixels belong to it.

    Convention:
        - ``content``: what follows the marker and the length, without a scan's pixels
    """

    marker: int
    start: int
    stop: int
    content: bytes

    @property
    def is_application(self) -> bool:
        """Whether it is one of the segments APP0 to APP15."""
        return APPLICATION <= self.marker <= APPLICATION + 15


def is_jpeg(data: bytes) -> bool:
    """Whether a file begins as JPEGs do."""
    return data.startswith(b"\xff\xd8\xff")


def segments(data: bytes) -> Iterator[Segment]:
    """The segments after the first marker, up to the end of the picture or of the file."""
    place = 2
    while place + 2 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == END:
            yield Segment(END, place, place + 2, b"")
            return
        if marker == 0xFF:
            place += 1
            continue
        if marker in _ALONE:
            yield Segment(marker, place, place + 2, b"")
            place += 2
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        content = data[place + 4 : end]
        if marker == _SCAN:
            found = _NEXT_MARKER.search(data, end)
            end = len(data) if found is None else found.start(1) - 1
        yield Segment(marker, place, min(end, len(data)), content)
        place = end


def bare_jpeg(data: bytes, *, orientation: int = 1) -> bytes:
    """The same JPEG without application segments, comments, and whatever follows its end.

    Convention:
        - ``orientation``: 1 to 8 as EXIF says it; others than 1 are written again, in a block of that alone
    """
    parts = [b"\xff\xd8"]
    kept: list[bytes] = []
    for segment in segments(data):
        raw = data[segment.start : segment.stop]
        if segment.content.startswith(b"JFIF\0"):
            # a small picture may follow; its sides are the two bytes before
            head = segment.content[: JFIF_BYTES - 2] + b"\0\0"
            parts.append(b"\xff\xe0" + struct.pack(">H", len(head) + 2) + head)
        elif segment.marker != COMMENT and (
            not segment.is_application or segment.content.startswith(TECHNICAL)
        ):
            kept.append(raw)
    if orientation != 1:
        parts.append(_oriented(orientation))
    return b"".join(parts + kept)


def _oriented(orientation: int) -> bytes:
    """An EXIF segment that says which way is up, and nothing else."""
    directory = struct.pack(">HHHIHHI", 1, _ORIENTATION, 3, 1, orientation, 0, 0)
    content = b"Exif\0\0" + b"MM\0*" + struct.pack(">I", 8) + directory
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
