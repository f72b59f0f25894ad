"""What a map shows: a layer of cells and some located photos, as plain values without any drawing.

Right of this module nothing is known about partitions or models; left of it nothing about pages.
Places are (latitude, longitude) in degrees here and in the page's JSON as well; the viewer swaps
them once, on its side, where the drawing library wants it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graticule.config import EARTH_RADIUS_KM, probability_phrase
from graticule.errors import CoordinateError, UsageError
from graticule.geo.sphere import great_circle_km

DEGREE_PARTS: Final = 100_000
"""Positions in the page are whole numbers of 1/100,000 degree: 1.1 m on the ground."""

SCENE_VERSION: Final = 1
"""Version of the JSON that the viewer reads; the viewer refuses another one with a sentence."""


@dataclass(frozen=True, kw_only=True)
class CellLayer:
    """Cells of a partition, in the order in which photos refer to them.

    Convention:
        - ``polygons``: rings, ``(n, 2)`` (latitude, longitude) in degrees, open or closed, either
          sense; corners are joined by great circles; a ring bounds less than half the Earth
        - ``owners``: the cell of each ring, where cells have several; None when each has one
        - ``labels``: a name a person understands, one per cell
        - ``photos``: number of training photos per cell, or None when unknown
        - ``tokens``: external ids as text (S2 tokens), or None
        - ``levels``: depth of each cell in its tree, or None

    Raises:
        UsageError: the sequences differ in length, or ``owners`` leave a cell out.
    """

    polygons: Sequence[NDArray[np.float64]]
    labels: Sequence[str]
    photos: Sequence[int] | NDArray[np.int64] | None = None
    tokens: Sequence[str] | None = None
    levels: Sequence[int] | NDArray[np.int64] | None = None
    owners: Sequence[int] | NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        count = len(self)
        for name in ("labels", "photos", "tokens", "levels"):
            column = getattr(self, name)
            if column is not None and len(column) != count:
                each = "polygon" if self.owners is None else "cell"
                raise UsageError(
                    f"A cell layer of {count} {each}s has {len(column)} {name}; give one for each {each}."
                )

    def __len__(self) -> int:
        return len(self.polygons) if self.owners is None else len(self.rings_of_cells())

    def rings_of_cells(self) -> list[int]:
        """How many rings each cell has.

        Raises:
            UsageError: ``owners`` does not name a cell for each ring, or leaves a cell out.
        """
        if self.owners is None:
            return [1] * len(self.polygons)
        owners = np.asarray(self.owners, dtype=np.int64)
        named = len(owners) == len(self.polygons) and (owners >= 0).all()
        counts = np.bincount(owners) if named else np.zeros(1, dtype=np.int64)
        if not counts.all():
            raise UsageError(
                f"The owners of {len(self.polygons)} polygons are not one of the cells 0, 1, 2, ... for "
                "each, or leave a cell out.\nGive the number of its cell for each polygon."
            )
        numbers: list[int] = counts.tolist()
        return numbers


@dataclass(frozen=True, kw_only=True)
class MapPhoto:
    """One photo: where it seems to have been taken, how sure that is, and where it really was.

    Convention:
        - ``latitude``, ``longitude``: the estimate in degrees; None when there is no answer
        - ``confidence``: calibrated probability of the best cell, in [0, 1]
        - ``truth``: (latitude, longitude) in degrees, or None when unknown
        - ``error_km``: great-circle distance from estimate to truth; computed when left out
        - ``cells``: (index into the scene's ``CellLayer``, probability) pairs, in any order
        - ``candidates``: best first; each has ``name``, ``latitude``, ``longitude``, ``probability``
          and may have ``token``
        - ``thumbnail_jpeg``: bytes of a small JPEG
        - ``error``: why there is no answer, or None
    """

    name: str
    latitude: float | None = None
    longitude: float | None = None
    confidence: float | None = None
    truth: tuple[float, float] | None = None
    error_km: float | None = None
    cells: Sequence[tuple[int, float]] = ()
    candidates: Sequence[Mapping[str, Any]] = ()
    thumbnail_jpeg: bytes | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class MapScene:
    """Everything that one page shows. Without photos it is a map of the partition itself."""

    title: str
    cells: CellLayer | None = None
    photos: Sequence[MapPhoto] = ()


def scene_document(scene: MapScene) -> dict[str, Any]:
    """The scene as JSON values, compact enough for layers of 10,000 cells.

    Convention:
        - rings are flat whole numbers of 1/100,000 degree: latitude and longitude of the first
          corner, then the step from corner to corner (a step over the antimeridian is a short one)
        - probabilities keep four significant digits

    Raises:
        UsageError: a photo refers to a cell that the layer does not have, or a ring has fewer than three
            corners.
        CoordinateError: an estimate, a truth or a corner is not a place on Earth.

    Example:
        >>> scene_document(MapScene(title="Nothing yet"))
        {'version': 1, 'title': 'Nothing yet', 'earthRadiusKm': 6371.0088, 'cells': None, 'photos': []}
    """
    count = 0 if scene.cells is None else len(scene.cells)
    return {
        "version": SCENE_VERSION,
        "title": scene.title,
        "earthRadiusKm": EARTH_RADIUS_KM,
        "cells": None if scene.cells is None else _cells(scene.cells),
        "photos": [_photo(photo, count) for photo in scene.photos],
    }


def _cells(layer: CellLayer) -> dict[str, Any]:
    sizes: list[int] = []
    steps: list[NDArray[np.int64]] = []
    for index in _by_cell(layer):
        ring = _ring(np.asarray(layer.polygons[index], dtype=np.float64), index)
        sizes.append(len(ring))
        steps.append(_steps(ring).ravel())
    flat = np.concatenate(steps).tolist() if steps else []
    same = len(set(sizes)) == 1
    rings = layer.rings_of_cells()
    return {
        "sizes": sizes[0] if same else sizes,
        "rings": 1 if len(rings) == len(sizes) else rings,
        "count": len(layer),
        "steps": flat,
        "labels": [str(label) for label in layer.labels],
        "photos": None if layer.photos is None else [int(value) for value in layer.photos],
        "tokens": None if layer.tokens is None else [str(token) for token in layer.tokens],
        "levels": None if layer.levels is None else [int(value) for value in layer.levels],
    }


def _by_cell(layer: CellLayer) -> list[int]:
    """The polygons in the order of their cells."""
    if layer.owners is None:
        return list(range(len(layer.polygons)))
    order: list[int] = np.argsort(np.asarray(layer.owners), kind="stable").tolist()
    return order


def _ring(polygon: NDArray[np.float64], index: int) -> NDArray[np.float64]:
    """The corners of one cell, checked, without the repeated last one: (n, 2)."""
    if polygon.ndim != 2 or polygon.shape[1] != 2:
        raise UsageError(f"The polygon of cell {index} has shape {polygon.shape}; expected (n, 2) degrees.")
    if not np.isfinite(polygon).all() or (np.abs(polygon[:, 0]) > 90).any():
        raise CoordinateError(
            f"The polygon of cell {index} has a corner that is not on Earth; "
            "expected (latitude, longitude) in degrees."
        )
    if len(polygon) > 1 and np.array_equal(polygon[0], polygon[-1]):
        polygon = polygon[:-1]
    if len(polygon) < 3:
        raise UsageError(f"The polygon of cell {index} has {len(polygon)} corners; expected at least 3.")
    return polygon


def _steps(ring: NDArray[np.float64]) -> NDArray[np.int64]:
    """First corner, then differences, in whole 1/100,000 degrees: (n, 2)."""
    whole = np.rint(ring * DEGREE_PARTS).astype(np.int64)
    steps = np.diff(whole, axis=0, prepend=0)
    turn = 360 * DEGREE_PARTS
    steps[1:, 1] = (steps[1:, 1] + turn // 2) % turn - turn // 2
    return steps


def _photo(photo: MapPhoto, count: int) -> dict[str, Any]:
    estimate = _estimate(photo)
    truth = None if photo.truth is None else _place(photo.truth, f"truth of '{photo.name}'")
    error_km = photo.error_km
    if error_km is None and estimate is not None and truth is not None:
        error_km = float(great_circle_km(estimate, truth, radius_km=EARTH_RADIUS_KM))
    indices = [int(index) for index, _ in photo.cells]
    if indices and not 0 <= min(indices) <= max(indices) < count:
        wrong = next(index for index in indices if not 0 <= index < count)
        raise UsageError(f"Photo '{photo.name}' refers to cell {wrong}, but the layer has {count} cells.")
    return {
        "name": photo.name,
        "estimate": estimate,
        "confidence": _number(photo.confidence),
        "confidenceInWords": None if photo.confidence is None else probability_phrase(photo.confidence),
        "truth": truth,
        "errorKm": _number(error_km, digits=6),
        "cells": indices,
        "probabilities": [_number(probability) for _, probability in photo.cells],
        "candidates": [_candidate(candidate, photo.name) for candidate in photo.candidates],
        "thumbnail": _data_uri(photo.thumbnail_jpeg),
        "error": photo.error,
    }


def _candidate(candidate: Mapping[str, Any], photo_name: str) -> dict[str, Any]:
    name = str(candidate["name"])
    return {
        "name": name,
        "place": _place((candidate["latitude"], candidate["longitude"]), f"'{name}' of '{photo_name}'"),
        "probability": _number(candidate["probability"]),
        "token": None if candidate.get("token") is None else str(candidate["token"]),
    }


def _estimate(photo: MapPhoto) -> list[float] | None:
    if photo.latitude is None or photo.longitude is None:
        return None
    return _place((photo.latitude, photo.longitude), f"estimate of '{photo.name}'")


def _place(latlon: Sequence[float], what: str) -> list[float]:
    latitude, longitude = (float(value) for value in latlon)
    if not (math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90):
        raise CoordinateError(
            f"The {what} is ({latitude}, {longitude}), which is not on Earth; "
            "expected (latitude, longitude) in degrees, or None when unknown."
        )
    return [round(latitude, 5), round((longitude + 180) % 360 - 180, 5)]


def _number(value: float | None, *, digits: int = 4) -> float | None:
    """``value`` to so many significant digits; None for None and for what is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{float(value):.{digits}g}")


def _data_uri(jpeg: bytes | None) -> str | None:
    return None if jpeg is None else "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
