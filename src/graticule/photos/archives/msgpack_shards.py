"""Shards of MP-16: a msgpack stream of maps ``{"image": <bytes of a JPEG>, "id": "e1/55/47.jpg"}``.

Only the heads of values are read and the photos are skipped over, so that looking through a shard costs a
few reads per photo and not the whole file; a package that unpacks would read it all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from graticule.errors import PhotoError
from graticule.photos.archives.index import ARCHIVE_ADVICE, Member

_IMAGE_KEYS: Final = ("image", "img", "jpg")
_ID_KEYS: Final = ("id", "img_id", "name")

# Source: the msgpack specification, https://github.com/msgpack/msgpack/blob/master/spec.md
_BYTES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}  # bin and str: bytes of their length
_EXTENSIONS: Final = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED: Final = {
    0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2,
    0xD2: 4, 0xD3: 8, 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,
}  # fmt: skip
_ARRAYS: Final = {0xDC: 2, 0xDD: 4}
_MAPS: Final = {0xDE: 2, 0xDF: 4}


def msgpack_members(path: Path) -> Iterator[Member]:
    """The photos of a shard, in order; keys and ids may be text or bytes.

    Raises:
        PhotoError: after the photos that could be told: ``reason`` is ``damaged``.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        while (start := file.tell()) < size:
            record = _record(file, path)
            image = next((record[key] for key in _IMAGE_KEYS if key in record), None)
            named = next((record[key] for key in _ID_KEYS if key in record), None)
            if image is None or named is None:
                raise _damaged(path, start, "a record without 'image' and 'id'")
            if max(image[0] + image[1], file.tell()) > size:
                raise _damaged(path, start, "its last photo ends early")
            after = file.tell()
            file.seek(named[0])
            name = file.read(named[1]).decode("utf-8", "replace")
            file.seek(after)
            yield Member(name, *image)


def _record(file: BinaryIO, path: Path) -> dict[str, tuple[int, int]]:
    """Where the text and bytes of the next map lie: key to (start, length)."""
    start = file.tell()
    head = _number(file, 1, path)
    if head & 0xF0 == 0x80:
        count = head & 0x0F
    elif head in _MAPS:
        count = _number(file, _MAPS[head], path)
    else:
        raise _damaged(path, start, "a value that is no map")
    found = {}
    for _ in range(count):
        key = _skip(file, path)
        if key is None or key[1] > 100:
            raise _damaged(path, start, "a key that is no text")
        after = file.tell()
        file.seek(key[0])
        word = file.read(key[1]).decode("utf-8", "replace")
        file.seek(after)
        value = _skip(file, path)
        if value is not None:
            found[word] = value
    return found


def _skip(file: BinaryIO, path: Path, depth: int = 0) -> tuple[int, int] | None:
    """Pass over a value; of text and bytes (start, length)."""
    head = _number(file, 1, path)
    if head & 0xE0 == 0xA0:
        return _pass(file, head & 0x1F)
    if head in _BYTES:
        return _pass(file, _number(file, _BYTES[head], path))
    if head in _EXTENSIONS:
        _pass(file, _number(file, _EXTENSIONS[head], path) + 1)
    elif head in _FIXED:
        _pass(file, _FIXED[head])
    elif 0x80 <= head <= 0x9F or head in _ARRAYS or head in _MAPS:
        is_map = head & 0xF0 == 0x80 or head in _MAPS
        count = head & 0x0F if head <= 0x9F else _number(file, (_ARRAYS | _MAPS)[head], path)
        if depth > 8:
            raise _damaged(path, file.tell(), "values nested more than eight deep")
        for _ in range(2 * count if is_map else count):
            _skip(file, path, depth + 1)
    elif 0x80 <= head < 0xE0:  # 0xC1, which msgpack never uses
        raise _damaged(path, file.tell(), "a byte that begins no value")
    return None


def _pass(file: BinaryIO, length: int) -> tuple[int, int]:
    start = file.tell()
    file.seek(length, os.SEEK_CUR)
    return start, length


def _number(file: BinaryIO, length: int, path: Path) -> int:
    data = file.read(length)
    if len(data) < length:
        raise _damaged(path, file.tell(), "it ends early")
    return int.from_bytes(data, "big")


def _damaged(path: Path, start: int, why: str) -> PhotoError:
    return PhotoError(
        f"Shard '{path}' cannot be read beyond byte {start:,}: {why}.",
        reason="damaged",
        advice=ARCHIVE_ADVICE,
    )
