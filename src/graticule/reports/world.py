"""A small map of the world with every judged photo, coloured by its error.

Drawn in the Equal Earth projection: areas keep their size, so that dense regions do not look larger than
they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import ArrayLike, NDArray

from graticule.geo.geojson import latlon_of_position
from graticule.geo.outlines import country_outlines
from graticule.geo.sphere import unit_vectors
from graticule.reports.canvas import Canvas

OnCanvas = Callable[[ArrayLike], list[tuple[float, float]]]

WIDTH: Final = 720.0
COARSENESS_DEG: Final = 0.4
"""Outlines are simplified by so much: a third of a pixel on this map."""

CLASSES: Final = (
    (25.0, "near-1", "up to 25 km"),
    (200.0, "near-2", "up to 200 km"),
    (750.0, "near-3", "up to 750 km"),
    (2500.0, "near-4", "up to 2500 km"),
    (np.inf, "near-5", "farther"),
)
MOST_DOTS: Final = 4000

_A: Final = (1.340264, -0.081106, 0.000893, 0.003796)
_HALF_WIDTH: Final = 2.7066297
_HALF_HEIGHT: Final = 1.3173627


def equal_earth(latlon: ArrayLike) -> NDArray[np.float64]:
    """Where places lie on the map.

    Convention:
        - ``latlon``: (latitude, longitude) in degrees, shape (..., 2)
        - the result: (x, y), shape (..., 2); x from -2.707 (west) to 2.707, y from -1.317 (south) to 1.317

    Source:
        B. Šavrič, T. Patterson, B. Jenny, "The Equal Earth map projection", IJGIS 33 (2019).

    Example:
        >>> equal_earth([[0, 180], [90, 0]]).round(3).tolist()
        [[2.707, 0.0], [0.0, 1.317]]
    """
    places = np.radians(np.asarray(latlon, dtype=np.float64))
    theta = np.arcsin(np.sqrt(3) / 2 * np.sin(places[..., 0]))
    square = theta * theta
    sixth = square**3
    y = theta * (_A[0] + _A[1] * square + sixth * (_A[2] + _A[3] * square))
    slope = _A[0] + 3 * _A[1] * square + sixth * (7 * _A[2] + 9 * _A[3] * square)
    x = 2 * np.sqrt(3) / 3 * places[..., 1] * np.cos(theta) / slope
    return np.stack([x, y], axis=-1)


def way_between(a: ArrayLike, b: ArrayLike, *, points: int = 60) -> NDArray[np.float64]:
    """The shortest way on the sphere from one place to another, to be drawn.

    Convention:
        - ``a``, ``b``: (latitude, longitude) in degrees, shape (2,); the result: (``points``, 2) degrees, or
          the two places themselves where they are one

    Example:
        >>> way_between([0, 170], [0, -170], points=3).round(3).tolist()
        [[0.0, 170.0], [0.0, 180.0], [0.0, -170.0]]
    """
    one, other = unit_vectors(a), unit_vectors(b)
    angle = float(np.arccos(np.clip(one @ other, -1, 1)))
    if angle < 1e-9:
        return np.stack([np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)])
    t = np.linspace(0, 1, points)[:, None]
    vectors = (np.sin((1 - t) * angle) * one + np.sin(t * angle) * other) / max(np.sin(angle), 1e-9)
    latitude = np.degrees(np.arctan2(vectors[:, 2], np.hypot(vectors[:, 0], vectors[:, 1])))
    return np.stack([latitude, np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0]))], axis=-1)


def world_canvas(title: str, *, room_px: float) -> tuple[Canvas, OnCanvas]:
    """A canvas with the land on it, and what puts places (n, 2) in degrees on it as points in px.

    Convention:
        - ``title``: what the picture shows; ``room_px``: height left free below the map
    """
    scale = (WIDTH - 24) / (2 * _HALF_WIDTH)
    canvas = Canvas(WIDTH, 2 * _HALF_HEIGHT * scale + room_px, title)

    def on_canvas(latlon: ArrayLike) -> list[tuple[float, float]]:
        x, y = np.moveaxis(equal_earth(latlon), -1, 0)
        across, down = WIDTH / 2 + x * scale, 12 + (_HALF_HEIGHT - y) * scale
        return [(float(a), float(b)) for a, b in zip(across, down, strict=True)]

    edge = np.linspace(-90, 90, 61)
    rim = [*([latitude, -180.0] for latitude in edge), *([latitude, 180.0] for latitude in edge[::-1])]
    canvas.area([on_canvas(rim)], "faint")
    canvas.area([on_canvas(ring) for ring in _land()], "land")
    return canvas, on_canvas


def error_map(frame: pl.DataFrame) -> Canvas:
    """The judged photos at their true places, coloured by error; those without an answer are grey.

    Convention:
        - ``frame``: as ``Evaluation.frame``; past 4,000 photos a sample of them is drawn
    """
    title = "The judged photos at their true places, coloured by error"
    canvas, on_canvas = world_canvas(title, room_px=62)
    drawn = frame if frame.height <= MOST_DOTS else frame.sample(MOST_DOTS, seed=0)
    # far errors first, so that the few near ones are not buried
    drawn = drawn.sort("error_km", descending=True)
    radius = 3.2 if drawn.height <= 1000 else 2.2
    for place, row in zip(
        on_canvas(drawn.select("true_latitude", "true_longitude").to_numpy()), drawn.to_dicts(), strict=True
    ):
        canvas.dot(place, radius, _colour(row["error_km"]), _hint(row))
    _legend(canvas, frame, canvas.height - 22)
    return canvas


def _colour(error_km: float) -> str:
    if np.isinf(error_km):
        return "random"
    return next(name for limit, name, _ in CLASSES if error_km <= limit)


def _hint(row: dict[str, Any]) -> str:
    if np.isinf(row["error_km"]):
        return f"{row['photo_id']}: no answer"
    return f"{row['photo_id']}: {row['error_km']:,.0f} km off"


def _legend(canvas: Canvas, frame: pl.DataFrame, y: float) -> None:
    counts = {name: 0 for _, name, _ in CLASSES} | {"random": 0}
    for error_km in frame["error_km"]:
        counts[_colour(error_km)] += 1
    x = 24.0
    for name, label in [*((name, label) for _, name, label in CLASSES), ("random", "no answer")]:
        if name == "random" and not counts[name]:
            continue
        canvas.dot((x, y - 4), 4.5, name)
        canvas.words(label, (x + 10, y), fill="ink", size=12)
        canvas.words(f"{counts[name]:,}", (x + 10, y + 14), size=11)
        x += 116


@cache
def _land() -> list[NDArray[np.float64]]:
    """Rings of the simplified land, (n, 2) in (latitude, longitude) degrees, without specks."""
    land = shapely.union_all(shapely.simplify(country_outlines().polygons, COARSENESS_DEG / 4))
    parts = shapely.get_parts(shapely.simplify(land, COARSENESS_DEG))
    return [
        latlon_of_position(shapely.get_coordinates(shapely.get_exterior_ring(part)))
        for part in parts
        if part.area > COARSENESS_DEG**2
    ]
