"""Opens each photo once: is it whole, how large is it, what is its fingerprint, where was it taken."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from graticule.errors import PhotoError
from graticule.photos.colours import wrong_colours
from graticule.photos.decode import decode, open_header, read_bytes, upright_size
from graticule.photos.duplicates import perceptual_hash
from graticule.photos.exif import Position, position_in

_CHUNK: Final = 256
_CHECK_SIDE_PX: Final = 64
"""A JPEG is checked at a fraction of its size: all its bits are read, but fewer pixels are made of them."""


@dataclass(frozen=True)
class Inspection:
    """What one photo's file told: pixels of the upright photo, or why it is refused.

    Convention:
        - ``sha256`` is of the file, ``phash`` of what it shows (``graticule.photos.duplicates``)
        - ``wrong_colours``: as ``graticule.photos.colours`` finds them, or None
    """

    width_px: int | None = None
    height_px: int | None = None
    sha256: str | None = None
    phash: int | None = None
    position: Position | None = None
    error: PhotoError | None = None
    wrong_colours: str | None = None


def inspect(file: str | Path, *, check_pixels: bool = True, read_place: bool = False) -> Inspection:
    """Open a photo and tell about it; what is wrong with it is in ``error``, never raised.

    Convention:
        - ``check_pixels``: decode it whole, so that a truncated file is found; else its header only
        - ``read_place``: also read where it was taken; a photo without a place is then an error
    """
    name = f"Photo '{file}'"
    try:
        data = read_bytes(file)
        image = open_header(data, name=name)
        width_px, height_px = upright_size(image)
        position = position_in(image, name=name, path=Path(file)) if read_place else None
        if check_pixels:
            pixels = decode(data, min_side_px=_CHECK_SIDE_PX, name=name)
    except PhotoError as error:
        return Inspection(error=error)
    if not check_pixels:
        return Inspection(width_px, height_px, position=position)
    sha256 = hashlib.sha256(data).hexdigest()
    return Inspection(
        width_px,
        height_px,
        sha256,
        perceptual_hash(pixels),
        position,
        wrong_colours=wrong_colours(pixels),
    )


def inspect_all(
    files: Sequence[str],
    *,
    check_pixels: bool,
    read_place: bool,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[Inspection]:
    """``inspect`` for many files, in their order, several at a time.

    Convention:
        - ``workers``: threads; one per processor when left out (decoding releases the lock)
        - ``on_progress(done, total)`` is called after each photo
    """
    count = workers or os.cpu_count() or 1
    look = partial(inspect, check_pixels=check_pixels, read_place=read_place)
    done = 0
    with ThreadPoolExecutor(max_workers=count) as pool:
        for start in range(0, len(files), _CHUNK):  # bounds what waits, however many files there are
            for found in pool.map(look, files[start : start + _CHUNK]):
                done += 1
                if on_progress is not None:
                    on_progress(done, len(files))
                yield found
