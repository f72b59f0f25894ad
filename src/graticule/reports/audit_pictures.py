"""Pictures of an audit: heat over a photo, and contact sheets of crops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from graticule.reports.palette import PALETTE

SIDE_PX: Final = 320
THUMB_PX: Final = 80
ACROSS: Final = 8
_GAP_PX: Final = 4
_STRONGEST: Final = 0.75


def heat_over(
    photo: NDArray[np.uint8], drops: NDArray[np.float64], *, outline: Sequence[float] | None = None
) -> Image.Image:
    """A photo in grey with patches coloured by how much they matter.

    What speaks for the place is warm, what speaks against it cold, the strongest of both most so.

    Convention:
        - ``photo``: (S, S, 3); ``drops``: (G, G), row 0 at the top; ``outline``: top, left, bottom, right as
          shares, drawn as a frame
    """
    grey = Image.fromarray(photo).convert("L").convert("RGB")
    base = np.asarray(grey.resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR), dtype=np.float64)
    largest = float(np.abs(drops).max(initial=0.0)) or 1.0
    strength = _enlarged(np.abs(drops) / largest) * _STRONGEST
    warm = _enlarged((drops > 0).astype(np.float64)) > 0.5
    colour = np.where(warm[..., None], _rgb("warn"), _rgb("model"))
    mixed = base + strength[..., None] * (colour - base)
    picture = Image.fromarray(np.clip(mixed + 0.5, 0, 255).astype(np.uint8))
    if outline is not None:
        top, left, bottom, right = (share * (SIDE_PX - 1) for share in outline)
        ImageDraw.Draw(picture).rectangle([left, top, right, bottom], outline="white", width=2)
    return picture


def contact_sheet(crops: NDArray[np.uint8]) -> Image.Image:
    """Crops (n, S, S, 3) beside each other, ``ACROSS`` in a row."""
    count = max(1, len(crops))
    step = THUMB_PX + _GAP_PX
    size = (min(count, ACROSS) * step - _GAP_PX, -(-count // ACROSS) * step - _GAP_PX)
    sheet = Image.new("RGB", size, "white")
    for number, crop in enumerate(crops):
        small = Image.fromarray(crop).resize((THUMB_PX, THUMB_PX), Image.Resampling.BILINEAR)
        sheet.paste(small, (number % ACROSS * step, number // ACROSS * step))
    return sheet


def _enlarged(values: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = (np.arange(SIDE_PX) * size // SIDE_PX for size in values.shape)
    large: NDArray[np.float64] = values[rows[:, None], columns]
    return large


def _rgb(name: str) -> NDArray[np.float64]:
    code = PALETTE[name][0].lstrip("#")
    return np.array([int(code[at : at + 2], 16) for at in (0, 2, 4)], dtype=np.float64)
