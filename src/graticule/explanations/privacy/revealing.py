"""Which parts of a photo give the place away: those whose blurring takes most of the model's confidence.

In: the square that the network sees. Out: the pixels to blur, and what each part of them does alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image
from scipy.ndimage import find_objects, label

from graticule.explanations.privacy.blurring import without_details
from graticule.explanations.stating import stated
from graticule.photos.crop import middle_box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.inference import Model

GRID: Final = 8
"""Patches along each side of the square."""

BATCH: Final = 16


@dataclass(frozen=True)
class Region:
    """A part of a photo that gives the place away.

    Convention:
        - ``box``: left, top, right, bottom around it in pixels of the upright photo
        - ``area``: share of the whole photo that it covers
        - ``confidence``: probability of the answered cell when this part alone is blurred
    """

    box: tuple[int, int, int, int]
    area: float
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {"box": list(self.box), "area": self.area, "confidence": self.confidence}


def revealing_mask(
    model: Model,
    square: NDArray[np.uint8],
    *,
    most_area: float,
    enough: float,
    on_progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.bool_]:
    """The pixels of the square to blur, (S, S); none where blurring takes nothing.

    Each patch is blurred alone first. Then the most telling ones are blurred together, one more each time,
    until the probability of the answered cell has fallen to ``enough`` of what it was; else as they lower it
    most.

    Convention:
        - ``most_area``: share of the square that may be blurred, in [0, 1]; ``enough``: a share in [0, 1]
    """
    size_px = len(square)
    patches = _patches(size_px)
    whole = stated(model, square[None])[0]
    cell = int(whole.argmax())
    alone = confidences(model, square, patches, cell, on_progress=on_progress)
    mask = np.zeros((size_px, size_px), dtype=np.bool_)
    tried = [mask.copy()]
    for number in np.argsort(alone, kind="stable"):
        mask |= patches[number]
        if alone[number] >= whole[cell] or mask.mean() > most_area:
            break
        tried.append(mask.copy())
    shares = confidences(model, square, np.stack(tried), cell)
    low = np.flatnonzero(shares <= enough * whole[cell])
    return tried[int(low[0]) if len(low) else int(shares.argmin())]


def _patches(size_px: int) -> NDArray[np.bool_]:
    """``GRID`` x ``GRID`` patches that cover the square, each as a mask (n, S, S)."""
    edges = np.unique(np.linspace(0, size_px, GRID + 1).round().astype(np.intp))
    masks = []
    for top, bottom in pairwise(edges):
        for left, right in pairwise(edges):
            mask = np.zeros((size_px, size_px), dtype=np.bool_)
            mask[top:bottom, left:right] = True
            masks.append(mask)
    return np.stack(masks)


def confidences(
    model: Model,
    square: NDArray[np.uint8],
    masks: NDArray[np.bool_],
    cell: int,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float64]:
    """The probability of one cell with parts of the square blurred; masks (n, S, S), the result (n,)."""
    cover = np.asarray(without_details(Image.fromarray(square), len(square)))
    found = np.empty(len(masks))
    for start in range(0, len(masks), BATCH):
        part = masks[start : start + BATCH, :, :, None]
        found[start : start + BATCH] = stated(model, np.where(part, cover, square))[:, cell]
        if on_progress:
            on_progress(min(start + BATCH, len(masks)), len(masks))
    return found


def regions_of(
    model: Model, square: NDArray[np.uint8], mask: NDArray[np.bool_], size_px: tuple[int, int]
) -> tuple[Region, ...]:
    """The connected parts of a mask of the square, in pixels of the photo; the most telling first.

    Convention:
        - ``size_px``: width and height of the upright photo
    """
    parts, count = label(mask)
    if not count:
        return ()
    cell = int(stated(model, square[None])[0].argmax())
    alone = np.stack([parts == number for number in range(1, count + 1)])
    shares = confidences(model, square, alone, cell)
    left, top, right, _ = middle_box(*size_px, crop_fraction=model.network.crop_fraction)
    scale = (right - left) / len(square)
    pixels = size_px[0] * size_px[1]
    found = []
    for part, (rows, columns), share in zip(alone, find_objects(parts), shares, strict=True):
        corners = (left + scale * columns.start, top + scale * rows.start)
        ends = (left + scale * columns.stop, top + scale * rows.stop)
        box = tuple(round(value) for value in (*corners, *ends))
        found.append(Region(box, float(part.sum()) * scale**2 / pixels, float(share)))
    return tuple(sorted(found, key=lambda region: region.confidence))
