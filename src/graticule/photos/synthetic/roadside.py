"""What stands beside roads: poles and wires, delineators, traffic signs."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from graticule.photos.synthetic.canvas import Canvas
from graticule.photos.synthetic.chance import Colour, between, brighter, pick, varied
from graticule.photos.synthetic.customs import Customs
from graticule.photos.synthetic.lettering import write

Ink = tuple[int, int, int]
_POLES: Final[dict[str, tuple[Colour, float]]] = {
    "wood": ((104, 82, 62), 0.16),
    "concrete": ((172, 170, 164), 0.2),
}
_RED: Final[Colour] = (204.0, 34.0, 40.0)
_WHITE: Final[Colour] = (242.0, 242.0, 240.0)
_BLACK: Final[Colour] = (34.0, 34.0, 36.0)
_YELLOW: Final[Colour] = (248.0, 202.0, 36.0)


def pole_heads(customs: Customs, x_m: float) -> list[tuple[float, float]]:
    """Where wires hang on a pole at ``x_m``: (``x_m``, ``y_m``) of each."""
    return [(x_m + away, 8.0 - 0.8 * arm) for arm in range(customs.crossarms) for away in (-0.9, 0.9)]


def draw_pole(canvas: Canvas, customs: Customs, x_m: float, z_m: float) -> None:
    """A pole for wires with the country's crossarms."""
    colour, thick_m = _POLES[customs.poles]
    ink = canvas.lit(colour, z_m, 0.95)
    thick = max(1.0, canvas.length(thick_m, z_m))
    x, foot = canvas.point(x_m, 0.0, z_m)
    _, head = canvas.point(x_m, 8.4, z_m)
    canvas.draw.polygon(
        [(x - thick, foot), (x + thick, foot), (x + 0.6 * thick, head), (x - 0.6 * thick, head)], fill=ink
    )
    for arm in range(customs.crossarms):
        left, y = canvas.point(x_m - 1.0, 8.0 - 0.8 * arm, z_m)
        right, _ = canvas.point(x_m + 1.0, 8.0 - 0.8 * arm, z_m)
        canvas.draw.line([(left, y), (right, y)], fill=ink, width=max(1, round(0.8 * thick)))


def draw_wires(canvas: Canvas, heads: list[tuple[float, float]], from_m: float, to_m: float) -> None:
    """Wires between two poles, each sagging in the middle."""
    middle = (from_m + to_m) / 2
    ink = canvas.lit((46.0, 46.0, 50.0), middle)
    for x, y in heads:
        points = [canvas.point(x, y, from_m), canvas.point(x, y - 0.7, middle), canvas.point(x, y, to_m)]
        canvas.draw.line(points, fill=ink, width=max(1, round(canvas.image.width / 450)))


def draw_bollard(canvas: Canvas, customs: Customs, x_m: float, z_m: float) -> None:
    """A delineator post with the country's band."""
    if customs.bollard is None:
        return
    half = 0.1 if customs.bollard_shape == "wide" else 0.06
    lean = 0.08 if customs.bollard_shape == "slanted" else 0.0
    post, band = canvas.lit(_WHITE, z_m), canvas.lit(customs.bollard, z_m)
    corners = [
        (x_m - half, 0, z_m),
        (x_m + half, 0, z_m),
        (x_m + half, 1.0 - lean, z_m),
        (x_m - half, 1.0 + lean, z_m),
    ]
    canvas.face(corners, post)
    canvas.box((x_m - half, x_m + half), (0.62, 0.85), z_m, band)


def draw_sign(canvas: Canvas, customs: Customs, x_m: float, z_m: float, rng: np.random.Generator) -> None:
    """A warning, a limit or a guide sign on its post, on the side that the country drives on."""
    kind = pick(rng, ["warning", "limit", "guide", "guide", "warning"])
    size = between(rng, 0.42, 0.55)
    middle = 2.9 if kind == "guide" else 2.2
    post = canvas.lit(customs.post, z_m)
    thick = max(1, round(canvas.length(0.09, z_m)))
    for away in (-0.7, 0.7) if kind == "guide" else (0.0,):
        canvas.draw.line(
            [canvas.point(x_m + away, 0, z_m), canvas.point(x_m + away, middle, z_m)], fill=post, width=thick
        )
    if kind == "guide":
        _guide(canvas, customs, x_m, middle, z_m, rng)
        return
    x, y = canvas.point(x_m, middle, z_m)
    radius = canvas.length(size, z_m)
    if kind == "limit":
        _limit(canvas, customs, x, y, radius, z_m)
    else:
        _warning(canvas, customs, x, y, radius, z_m)


def _warning(canvas: Canvas, customs: Customs, x: float, y: float, radius: float, z_m: float) -> None:
    if customs.warning == "diamond":
        _turned(canvas, x, y, 1.3 * radius, 4, 0.0, canvas.lit(_BLACK, z_m))
        _turned(canvas, x, y, 1.2 * radius, 4, 0.0, canvas.lit(_YELLOW, z_m))
    else:
        ground = _YELLOW if customs.warning == "yellow-triangle" else _WHITE
        _turned(canvas, x, y + 0.2 * radius, 1.35 * radius, 3, 0.0, canvas.lit(_RED, z_m))
        _turned(canvas, x, y + 0.2 * radius, 0.85 * radius, 3, 0.0, canvas.lit(ground, z_m))
    mark = 0.16 * radius
    canvas.draw.rectangle(
        (x - mark, y - 0.35 * radius, x + mark, y + 0.45 * radius), fill=canvas.lit(_BLACK, z_m)
    )


def _limit(canvas: Canvas, customs: Customs, x: float, y: float, radius: float, z_m: float) -> None:
    black = canvas.lit(_BLACK, z_m)
    if customs.limit == "plate":
        canvas.draw.rectangle(
            (x - 0.8 * radius, y - 1.1 * radius, x + 0.8 * radius, y + 1.1 * radius),
            fill=canvas.lit(_WHITE, z_m),
            outline=black,
        )
    else:
        canvas.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=canvas.lit(_RED, z_m))
        inner = 0.74 * radius
        canvas.draw.ellipse((x - inner, y - inner, x + inner, y + inner), fill=canvas.lit(_WHITE, z_m))
    for left in (-0.45, 0.08):
        canvas.draw.rectangle(
            (x + left * radius, y - 0.32 * radius, x + (left + 0.34) * radius, y + 0.36 * radius),
            outline=black,
            width=max(1, round(0.12 * radius)),
        )


def _guide(
    canvas: Canvas, customs: Customs, x_m: float, y_m: float, z_m: float, rng: np.random.Generator
) -> None:
    half, high = between(rng, 1.1, 1.7), between(rng, 0.55, 0.8)
    board = varied(rng, customs.guide_sign, 0.05)
    bright = sum(board) > 480
    ink = canvas.lit(_BLACK if bright else _WHITE, z_m)
    left, top = canvas.point(x_m - half, y_m + high, z_m)
    right, bottom = canvas.point(x_m + half, y_m - high, z_m)
    canvas.draw.rectangle((left, top, right, bottom), fill=canvas.lit(board, z_m), outline=ink)
    wide, tall = right - left, bottom - top
    for line in (0.12, 0.54):
        box = (
            left + 0.1 * wide,
            top + line * tall,
            left + wide * between(rng, 0.6, 0.92),
            top + (line + 0.34) * tall,
        )
        write(canvas, box, customs.script, ink, rng)


def _turned(canvas: Canvas, x: float, y: float, radius: float, corners: int, turn: float, ink: Ink) -> None:
    """A regular polygon with one corner on top."""
    angles = [turn - math.pi / 2 + math.tau * corner / corners for corner in range(corners)]
    canvas.draw.polygon([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles], fill=ink)


def draw_lamp(canvas: Canvas, customs: Customs, x_m: float, z_m: float, towards: int) -> None:
    """A street lamp that leans over the road."""
    ink = canvas.lit(brighter(customs.post, 0.9), z_m)
    thick = max(1, round(canvas.length(0.14, z_m)))
    foot, neck = canvas.point(x_m, 0, z_m), canvas.point(x_m, 6.5, z_m)
    canvas.draw.line([foot, neck, canvas.point(x_m + 1.6 * towards, 7.1, z_m)], fill=ink, width=thick)
