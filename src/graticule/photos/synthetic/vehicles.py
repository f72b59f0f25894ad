"""Cars, vans, pickups, trucks and scooters: ahead, oncoming or parked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from graticule.photos.synthetic.canvas import Canvas
from graticule.photos.synthetic.chance import Colour, brighter, pick, pick_weighted, varied
from graticule.photos.synthetic.customs import Customs

_PAINTS: Final[list[Colour]] = [
    (236, 236, 236), (236, 236, 236), (40, 42, 46), (40, 42, 46), (160, 164, 170), (110, 114, 120),
    (150, 28, 32), (32, 62, 124), (200, 190, 170), (60, 92, 76),
]  # fmt: skip


@dataclass(frozen=True)
class _Body:
    """Sizes in m: half the width, length, tops of body and cabin, where the cabin begins and ends."""

    half: float
    long: float
    waist: float
    roof: float
    cabin_from: float
    cabin_to: float


_BODIES: Final = {
    "car": _Body(0.88, 4.3, 0.95, 1.5, 0.6, 3.4),
    "van": _Body(0.95, 5.0, 1.2, 2.2, 0.1, 4.2),
    "minibus": _Body(0.9, 4.8, 1.1, 2.1, 0.1, 4.6),
    "pickup": _Body(0.98, 5.4, 1.15, 1.9, 2.2, 4.2),
    "truck": _Body(1.2, 8.0, 3.3, 3.3, 0.0, 8.0),
}


def draw_vehicle(
    canvas: Canvas, customs: Customs, x_m: float, z_m: float, rng: np.random.Generator, *, oncoming: bool
) -> None:
    """A vehicle with its nearer end at ``z_m``, of a kind usual in the country; taxis wear its accent."""
    kind = pick_weighted(rng, customs.traffic)
    paint = customs.accent if kind in ("minibus", "scooter") and rng.random() < 0.5 else pick(rng, _PAINTS)
    paint = varied(rng, paint, 0.1)
    if kind == "scooter":
        _scooter(canvas, x_m, z_m, paint)
        return
    body = _BODIES[kind]
    canvas.shadow(x_m, z_m + 0.2, 1.15 * body.half, 0.6)
    _sides(canvas, body, x_m, z_m, paint)
    _face(canvas, body, x_m, z_m, paint, customs, oncoming=oncoming)


def _sides(canvas: Canvas, body: _Body, x_m: float, z_m: float, paint: Colour) -> None:
    """The long side that the camera sees, wheels included."""
    seen = x_m - body.half if x_m > canvas.camera.offset_m else x_m + body.half
    if abs(x_m - canvas.camera.offset_m) < body.half:
        return
    ink, glass = canvas.lit(paint, z_m, 0.8), canvas.lit((40.0, 46.0, 54.0), z_m)
    z1 = z_m + body.long
    canvas.face([(seen, 0.3, z_m), (seen, body.waist, z_m), (seen, body.waist, z1), (seen, 0.3, z1)], ink)
    if body.roof > body.waist:
        start, end = z_m + body.cabin_from, z_m + body.cabin_to
        inner = seen * 0.97 + x_m * 0.03
        canvas.face(
            [
                (seen, body.waist, start),
                (inner, body.roof, start + 0.4),
                (inner, body.roof, end - 0.4),
                (seen, body.waist, end),
            ],
            glass,
        )
    tyre = canvas.lit((24.0, 24.0, 26.0), z_m)
    for wheel in (0.18, 0.8):
        x, y = canvas.point(seen, 0.32, z_m + wheel * body.long)
        r = canvas.length(0.33, z_m + wheel * body.long)
        canvas.draw.ellipse((x - 0.5 * r, y - r, x + 0.5 * r, y + r), fill=tyre)


def _face(
    canvas: Canvas, body: _Body, x_m: float, z_m: float, paint: Colour, customs: Customs, *, oncoming: bool
) -> None:
    """The end that faces the camera: glass, lights, number plate."""
    left, right = x_m - body.half, x_m + body.half
    for wheel in (left + 0.13, right - 0.13):
        canvas.box((wheel - 0.13, wheel + 0.13), (0.0, 0.5), z_m, canvas.lit((24.0, 24.0, 26.0), z_m))
    canvas.box((left, right), (0.3, body.waist), z_m, canvas.lit(paint, z_m))
    if body.roof > body.waist:
        z = z_m + body.cabin_from
        corners = [
            (left, body.waist, z),
            (right, body.waist, z),
            (right - 0.15, body.roof, z + 0.3),
            (left + 0.15, body.roof, z + 0.3),
        ]
        canvas.face(corners, canvas.lit(paint, z_m, 0.95))
        glass = [
            (left + 0.12, body.waist + 0.03, z),
            (right - 0.12, body.waist + 0.03, z),
            (right - 0.24, body.roof - 0.1, z + 0.2),
            (left + 0.24, body.roof - 0.1, z + 0.2),
        ]
        canvas.face(glass, canvas.lit((52.0, 62.0, 74.0), z_m))
    lamp = (250.0, 246.0, 226.0) if oncoming else (190.0, 26.0, 30.0)
    for away in (left + 0.2, right - 0.2):
        canvas.box((away - 0.14, away + 0.14), (0.62, 0.8), z_m, canvas.lit(lamp, z_m, 1.1))
    canvas.box((x_m - 0.27, x_m + 0.27), (0.42, 0.56), z_m, canvas.lit(customs.plate, z_m))


def _scooter(canvas: Canvas, x_m: float, z_m: float, paint: Colour) -> None:
    """A rider on a scooter, seen from the front or from behind."""
    canvas.shadow(x_m, z_m, 0.5, 0.5)
    canvas.box((x_m - 0.08, x_m + 0.08), (0.0, 0.6), z_m, canvas.lit((28.0, 28.0, 30.0), z_m))
    canvas.box((x_m - 0.22, x_m + 0.22), (0.45, 0.95), z_m, canvas.lit(paint, z_m))
    canvas.box((x_m - 0.26, x_m + 0.26), (0.9, 1.4), z_m, canvas.lit(brighter(paint, 0.5), z_m))
    x, y = canvas.point(x_m, 1.58, z_m)
    r = canvas.length(0.16, z_m)
    canvas.draw.ellipse((x - r, y - r, x + r, y + r), fill=canvas.lit((200.0, 60.0, 50.0), z_m))
