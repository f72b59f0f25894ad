"""Writing that looks like a script without being one: made-up glyphs, one strip of them per script."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from graticule.photos.synthetic.canvas import Canvas

_GLYPH_PX: Final = 16
_GLYPHS: Final = 24
_SEED: Final = 21


def write(
    canvas: Canvas,
    box: tuple[float, float, float, float],
    script: str,
    ink: tuple[int, int, int],
    rng: np.random.Generator,
) -> None:
    """A line of a script over ``box`` (left, top, right, bottom, on the canvas); nothing if too small."""
    left, top, right, bottom = (round(each) for each in box)
    wide, high = right - left, bottom - top
    if high < 3 or wide < 3:
        return
    strip = _strip(script)
    letters = max(1, min(_GLYPHS - 1, round(wide / high)))
    start = int(rng.random() * (_GLYPHS - letters)) * _GLYPH_PX
    word = strip.resize(
        (wide, high),
        Image.Resampling.BILINEAR,
        box=(start, 0, start + letters * _GLYPH_PX, _GLYPH_PX),
        reducing_gap=2.0,
    )
    canvas.image.paste(ink, (left, top), word)


@functools.cache
def _strip(script: str) -> Image.Image:
    """A line of glyphs of one script, white on black."""
    strip = Image.new("L", (_GLYPHS * _GLYPH_PX, _GLYPH_PX))
    draw = ImageDraw.Draw(strip)
    rng = np.random.default_rng([_SEED, *script.encode()])
    for glyph in range(_GLYPHS):
        _SCRIPTS[script](draw, glyph * _GLYPH_PX, rng)
    return strip


def _stroke(draw: ImageDraw.ImageDraw, x: int, points: list[tuple[float, float]], width: int = 2) -> None:
    draw.line([(x + u, v) for u, v in points], fill=255, width=width)


def _arc(draw: ImageDraw.ImageDraw, x: int, box: tuple[int, int, int, int], start: int, end: int) -> None:
    left, top, right, bottom = box
    draw.arc((x + left, top, x + right, bottom), start, end, fill=255, width=2)


def _latin(draw: ImageDraw.ImageDraw, x: int, rng: np.random.Generator) -> None:
    tall = 2 if rng.random() < 0.4 else 6
    kind = int(rng.integers(6))
    if kind == 0:
        _stroke(draw, x, [(4, tall), (4, 14)])
        _arc(draw, x, (3, 6, 12, 14), 270, 90)
    elif kind == 1:
        _arc(draw, x, (2, 6, 12, 14), 0, 360)
    elif kind == 2:
        _stroke(draw, x, [(3, 14), (7, tall), (11, 14)])
    elif kind == 3:
        _stroke(draw, x, [(4, 14), (4, tall), (11, tall)])
        _stroke(draw, x, [(4, 9), (9, 9)])
    elif kind == 4:
        _arc(draw, x, (2, 6, 12, 14), 60, 330)
        _stroke(draw, x, [(3, 10), (11, 10)])
    else:
        _stroke(draw, x, [(4, 14), (4, 6), (11, 14), (11, 6)])


def _cyrillic(draw: ImageDraw.ImageDraw, x: int, rng: np.random.Generator) -> None:
    for u in ((3, 11), (2, 7, 12), (4, 11))[int(rng.integers(3))]:
        _stroke(draw, x, [(u, 4), (u, 14)])
    _stroke(draw, x, [(3, y := int(rng.choice([4, 9, 13]))), (12, y)])


def _arabic(draw: ImageDraw.ImageDraw, x: int, rng: np.random.Generator) -> None:
    _stroke(draw, x, [(0, 11), (16, 11)])
    _arc(draw, x, (3, 6, 13, 15), int(rng.integers(0, 90)), int(rng.integers(150, 300)))
    if rng.random() < 0.35:
        _stroke(draw, x, [(8, 1), (8, 11)])
    for _ in range(int(rng.integers(0, 3))):
        u, v = int(rng.integers(3, 12)), int(rng.choice([4, 14]))
        draw.rectangle((x + u, v, x + u + 1, v + 1), fill=255)


def _indic(draw: ImageDraw.ImageDraw, x: int, rng: np.random.Generator) -> None:
    _stroke(draw, x, [(0, 3), (16, 3)])
    _stroke(draw, x, [(11, 3), (11, 15)])
    _arc(draw, x, (2, 5, 11, 12), int(rng.integers(0, 180)), int(rng.integers(220, 360)))


def _han(draw: ImageDraw.ImageDraw, x: int, rng: np.random.Generator) -> None:
    if rng.random() < 0.6:
        draw.rectangle((x + 2, 3, x + 13, 14), outline=255)
    for v in rng.choice([2, 5, 8, 11, 14], 3, replace=False).tolist():
        _stroke(draw, x, [(1, v), (14, v)], 1)
    for u in rng.choice([3, 7, 11], 2, replace=False).tolist():
        _stroke(draw, x, [(u, 1), (u, 15)], 1)
    _stroke(draw, x, [(7, 7), (2, 15)], 1)


def _hangul(draw: ImageDraw.ImageDraw, x: int, rng: np.random.Generator) -> None:
    _arc(draw, x, (1, 2, 8, 8), 0, 360)
    _stroke(draw, x, [(11, 1), (11, 9)])
    _stroke(draw, x, [(11, 5), (14, 5)])
    if rng.random() < 0.6:
        _stroke(draw, x, [(3, 11), (12, 11), (12, 15)])


def _looped(draw: ImageDraw.ImageDraw, x: int, rng: np.random.Generator) -> None:
    _arc(draw, x, (1, 4, 6, 9), 0, 360)
    _arc(draw, x, (3, 4, 14, 15), int(rng.integers(180, 250)), int(rng.integers(20, 120)))
    _stroke(draw, x, [(13, 8), (13, 15)])


_SCRIPTS: Final[dict[str, Callable[[ImageDraw.ImageDraw, int, np.random.Generator], None]]] = {
    "latin": _latin, "cyrillic": _cyrillic, "arabic": _arabic, "indic": _indic, "han": _han,
    "hangul": _hangul, "looped": _looped,
}  # fmt: skip
