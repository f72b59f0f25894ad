"""Photos with something to see in them, and a table of them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image


def make_scene(seed: int, *, size: tuple[int, int] = (640, 480), form: str = "JPEG", **words) -> bytes:
    """A photo of soft noise, different for each seed."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, form, **words)
    return file.getvalue()


def make_trip(folder: Path) -> Path:
    """Thirty photos with a table, splits and a column of their own."""
    (folder / "images").mkdir(parents=True)
    lines = ["photo_id,path,latitude,longitude,split,author,weather"]
    for number in range(30):
        (folder / "images" / f"{number:03}.jpg").write_bytes(make_scene(number))
        split = "val" if number % 5 == 0 else "train"
        lines.append(
            f"{number:03},images/{number:03}.jpg,{40 + number / 10},{number},{split},a{number % 3},dry"
        )
    (folder / "photos.csv").write_text("\n".join(lines))
    return folder
