"""Photos of the operator's that a visitor may try, drawn at random, with their known places."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from graticule.errors import MissingFileError, PhotoError
from graticule.inference.sources import Source, find_sources
from graticule.photos.decode import decode
from graticule.web.areas import DECIMALS
from graticule.web.settings import Finest

SHOWN_PX: Final = 1280
TRIES: Final = 20


@dataclass(frozen=True)
class SamplePhoto:
    """A JPEG without metadata, and what is told of it in headers."""

    jpeg: bytes
    headers: dict[str, str]


class SamplePhotos:
    """Draws from a folder or photo table.

    Raises:
        MissingFileError: there is no photo.
    """

    def __init__(self, photos: Path, finest: Finest, *, seed: int | None = None) -> None:
        self._sources: list[Source] = list(find_sources(photos)) if photos.exists() else []
        if not self._sources:
            raise MissingFileError(f"There is no photo in '{photos}'.\nName another:  --photos FOLDER")
        self._decimals = DECIMALS[finest]
        self._random = random.Random(seed)

    def draw(self) -> SamplePhoto:
        """One readable photo.

        Raises:
            MissingFileError: none of many that were tried can be read.
        """
        for _ in range(TRIES):
            source = self._random.choice(self._sources)
            try:
                image = decode(source.photo, min_side_px=SHOWN_PX)
            except PhotoError:
                continue
            image.thumbnail((SHOWN_PX, SHOWN_PX), Image.Resampling.LANCZOS)
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=88)
            headers = {"Graticule-Photo": source.photo_id.encode("ascii", "replace").decode()}
            if source.truth is not None:  # no finer than what anyone may be told
                latitude, longitude = (round(degrees, self._decimals) for degrees in source.truth)
                headers["Graticule-Truth"] = f"{latitude:g},{longitude:g}"
            return SamplePhoto(buffer.getvalue(), headers)
        raise MissingFileError("No test photo can be read.")
