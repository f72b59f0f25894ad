"""Scenes over real S2 cells, small enough to be followed by hand."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from graticule.geo import s2
from graticule.maps import CellLayer, MapPhoto

BEIJING = (39.9, 116.4)
SUMMER_PALACE = (39.9996, 116.2754)
HOSTILE = "<img src=x onerror=\"document.title='broken into'\">\u2028</script><!-- .jpg"


def all_cells(level: int) -> np.ndarray:
    """Every S2 cell of a level, in Hilbert order."""
    ids = np.array([s2.from_token(token) for token in ("1", "3", "5", "7", "9", "b")], dtype=np.uint64)
    for _ in range(level):
        ids = s2.children(ids).ravel()
    return ids


def layer(ids: np.ndarray, photos: Sequence[int] | None = None) -> CellLayer:
    return CellLayer(
        polygons=list(s2.vertices(ids)),
        labels=[f"Cell of {token}" for token in s2.token(ids)],
        photos=photos,
        tokens=list(s2.token(ids)),
        levels=s2.level(ids),
    )


def jpeg(colour: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(stream, "JPEG")
    return stream.getvalue()


def china(ids: np.ndarray, **changes: object) -> MapPhoto:
    """A photo that lies most probably in the cell of Beijing, and perhaps in that of Kyoto."""
    places = {"Beijing, CN": BEIJING, "Kyoto, JP": (35.0, 135.8), "Nairobi, KE": (-1.3, 36.8)}
    probabilities = (0.62, 0.21, 0.09)
    cells = [
        int(np.flatnonzero(ids == s2.cell_ids(place, int(s2.level(ids[0]))))[0]) for place in places.values()
    ]
    values: dict[str, object] = {
        "name": "china.jpg",
        "latitude": BEIJING[0],
        "longitude": BEIJING[1],
        "confidence": 0.62,
        "truth": SUMMER_PALACE,
        "cells": list(zip(cells, probabilities, strict=True)),
        "candidates": [
            {"name": name, "latitude": place[0], "longitude": place[1], "probability": probability}
            for (name, place), probability in zip(places.items(), probabilities, strict=True)
        ],
        "thumbnail_jpeg": jpeg((200, 40, 40)),
    }
    return MapPhoto(**{**values, **changes})  # type: ignore[arg-type]
