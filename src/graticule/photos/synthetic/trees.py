"""Trees and bushes, each kind drawn from a few ellipses, triangles and lines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from graticule.photos.synthetic.canvas import Canvas
from graticule.photos.synthetic.chance import Colour, between, brighter, mix, varied
from graticule.photos.synthetic.growth import Growth

Ink = tuple[int, int, int]

HEIGHTS_M: Final = {
    "spruce": 13.0, "birch": 10.0, "pine": 13.0, "broadleaf": 10.0, "cypress": 10.0, "olive": 4.5,
    "palm": 10.0, "jungle": 15.0, "acacia": 7.0, "baobab": 11.0, "gum": 13.0, "cactus": 4.0, "bush": 1.5,
}  # fmt: skip
"""How tall each kind grows, in m."""

_EVERGREEN: Final = frozenset(
    ["spruce", "pine", "cypress", "olive", "palm", "jungle", "gum", "cactus", "acacia", "baobab"]
)
_TINTS: Final[dict[str, Colour]] = {  # factors on the colour of leaves
    "spruce": (0.55, 0.72, 0.82), "birch": (1.15, 1.12, 1.0), "pine": (0.75, 0.85, 0.9),
    "broadleaf": (1.0, 1.0, 1.0), "cypress": (0.5, 0.62, 0.72), "olive": (1.15, 1.08, 1.5),
    "palm": (0.95, 0.98, 0.85), "jungle": (0.7, 0.86, 0.75), "acacia": (0.98, 0.92, 0.8),
    "baobab": (1.0, 0.95, 0.8), "gum": (1.0, 0.95, 1.25), "cactus": (0.85, 1.05, 1.05),
    "bush": (1.05, 0.98, 1.0),
}  # fmt: skip
_BARKS: Final[dict[str, Colour]] = {
    "birch": (214, 212, 204), "gum": (206, 192, 172), "palm": (146, 124, 98), "baobab": (150, 128, 108),
    "pine": (150, 96, 66), "jungle": (112, 96, 80),
}  # fmt: skip
_BARK: Final[Colour] = (88.0, 70.0, 54.0)


@dataclass
class _Tree:
    """A tree being drawn: unit coordinates with the foot at (0, 0) and the top at (0, 1)."""

    canvas: Canvas
    foot: tuple[float, float]
    tall: float
    sunny: float  # -1 or 1: the side the sun is on
    shades: tuple[Ink, Ink, Ink]
    bark: Ink
    leafy: float
    rng: np.random.Generator

    def at(self, u: float, v: float) -> tuple[float, float]:
        return self.foot[0] + u * self.tall, self.foot[1] - v * self.tall

    def line(self, points: list[tuple[float, float]], width: float, ink: Ink | None = None) -> None:
        thick = max(1, round(width * self.tall))
        self.canvas.draw.line([self.at(*point) for point in points], fill=ink or self.bark, width=thick)

    def oval(self, u: float, v: float, across: float, high: float, ink: Ink) -> None:
        x, y = self.at(u, v)
        across, high = across * self.tall, high * self.tall
        self.canvas.draw.ellipse((x - across, y - high, x + across, y + high), fill=ink)

    def polygon(self, points: list[tuple[float, float]], ink: Ink) -> None:
        self.canvas.draw.polygon([self.at(*point) for point in points], fill=ink)

    def crown(self, u: float, v: float, across: float, high: float, clumps: int) -> None:
        """A crown of leaves: dark clumps, then lit ones towards the sun; twigs where leaves have fallen."""
        if self.leafy < 0.6:
            for _ in range(5 + clumps):
                turn = between(self.rng, -1.0, 1.0)
                self.line([(u, v - high), (u + turn * across, v + high * between(self.rng, 0.1, 1.0))], 0.012)
            if self.leafy < 0.25:
                return
        if self.tall < 40:  # too small to tell clumps apart
            clumps = (clumps + 1) // 2
        spots = self.rng.random((clumps, 3)).tolist()
        for shade, (lift, size) in enumerate(((-0.1, 0.55), (0.12, 0.42), (0.3, 0.25))):
            for a, b, c in spots:
                angle, away = math.tau * a, 0.62 * math.sqrt(b) * (1.0 - 0.15 * shade)
                self.oval(
                    u + across * (away * math.cos(angle) + 0.18 * shade * self.sunny),
                    v + high * (away * math.sin(angle) + lift),
                    across * size * (0.7 + 0.5 * c),
                    high * size * (0.7 + 0.5 * c),
                    self.shades[shade],
                )


def draw_tree(
    canvas: Canvas,
    kind: str,
    x_m: float,
    z_m: float,
    growth: Growth,
    rng: np.random.Generator,
    *,
    size: float = 1.0,
) -> None:
    """One tree or bush with its foot at (``x_m``, ``z_m``); ``size`` is a factor on its height."""
    height_m = HEIGHTS_M[kind] * size * between(rng, 0.7, 1.25)
    foot = canvas.point(x_m, 0.0, z_m)
    tall = canvas.length(height_m, z_m)
    turn = (canvas.light.sun_bearing_deg - canvas.camera.bearing_deg) % 360.0
    sunny = 1.0 if turn < 180.0 else -1.0
    if not -tall < foot[0] < canvas.image.width + tall:
        return
    leaves = _leaf_colour(kind, growth, rng)
    bark = canvas.lit(_BARKS.get(kind, _BARK), z_m, 0.9)
    contrast = 1.0 - canvas.light.shade
    shades = (
        canvas.lit(leaves, z_m, 0.92 - 0.75 * contrast),
        canvas.lit(leaves, z_m, 0.98 - 0.25 * contrast),
        canvas.lit(leaves, z_m, 1.08 + 0.3 * contrast),
    )
    evergreen = kind in _EVERGREEN
    tree = _Tree(canvas, foot, tall, sunny, shades, bark, 1.0 if evergreen else 1.0 - growth.bare, rng)
    canvas.shadow(x_m, z_m, 0.28 * height_m)
    if tall < 9:
        tree.oval(0.0, 0.5, 0.3 if kind not in ("spruce", "cypress", "palm") else 0.16, 0.5, shades[1])
    else:
        _KINDS[kind](tree)


def _leaf_colour(kind: str, growth: Growth, rng: np.random.Generator) -> Colour:
    tint = _TINTS[kind]
    leaves = growth.leaves[0] * tint[0], growth.leaves[1] * tint[1], growth.leaves[2] * tint[2]
    if kind not in _EVERGREEN:
        turned = (206.0, 150.0, 44.0) if rng.random() < 0.6 else (178.0, 84.0, 40.0)
        leaves = mix(leaves, turned, growth.autumn * between(rng, 0.3, 1.0))
    leaves = varied(rng, leaves, 0.16)
    return mix(leaves, (228.0, 232.0, 238.0), 0.5 * growth.snow)


def _spruce(tree: _Tree) -> None:
    tree.line([(0, 0), (0, 0.2)], 0.03)
    broad = between(tree.rng, 0.15, 0.21)
    for tier in range(5):
        low, high = 0.08 + 0.16 * tier, 0.42 + 0.15 * tier
        wide = broad * (1.0 - 0.17 * tier)
        tree.polygon([(-wide, low), (wide, low), (0, min(1.0, high))], tree.shades[0])
        tree.polygon(
            [(wide * tree.sunny, low + 0.02), (0, low + 0.05), (0, min(1.0, high))],
            tree.shades[2 if tier > 2 else 1],
        )


def _pine(tree: _Tree) -> None:
    tree.line([(0, 0), (0.01, 0.85)], 0.035)
    tree.crown(0.0, 0.78, 0.24, 0.2, 6)


def _birch(tree: _Tree) -> None:
    tree.line([(0, 0), (0.02, 0.6)], 0.03)
    tree.crown(0.0, 0.64, 0.2, 0.32, 7)


def _broadleaf(tree: _Tree) -> None:
    tree.line([(0, 0), (0, 0.45)], 0.05)
    tree.crown(0.0, 0.62, 0.36, 0.34, 8)


def _cypress(tree: _Tree) -> None:
    tree.oval(0, 0.5, 0.085, 0.5, tree.shades[0])
    tree.oval(0.025 * tree.sunny, 0.52, 0.05, 0.42, tree.shades[1])


def _olive(tree: _Tree) -> None:
    tree.line([(0, 0), (0.05, 0.4)], 0.09)
    tree.crown(0.0, 0.62, 0.48, 0.34, 8)


def _palm(tree: _Tree) -> None:
    lean = between(tree.rng, -0.14, 0.14)
    tree.line([(0, 0), (0.35 * lean, 0.4), (lean, 0.8)], 0.035)
    for step in range(9):
        angle = math.pi * (0.02 + 0.96 * step / 8) + between(tree.rng, -0.1, 0.1)
        reach = between(tree.rng, 0.24, 0.32)
        u, v = math.cos(angle) * reach, math.sin(angle) * reach * 0.7
        shade = tree.shades[2 if u * tree.sunny > 0.05 and step % 2 else step % 2]
        tip = (lean + 1.15 * u, 0.8 + v - 0.16)
        tree.polygon(
            [(lean, 0.82), (lean + 0.6 * u, 0.83 + v * 0.75), tip, (lean + 0.55 * u, 0.78 + v * 0.55)], shade
        )


def _jungle(tree: _Tree) -> None:
    tree.line([(0, 0), (0.02, 0.7)], 0.045)
    tree.crown(0.0, 0.18, 0.26, 0.2, 5)
    tree.crown(0.0, 0.7, 0.36, 0.28, 9)


def _acacia(tree: _Tree) -> None:
    for u in (-0.3, 0.05, 0.32):
        tree.line([(0, 0), (0.1 * u, 0.4), (u, 0.76)], 0.035)
    for u, v, wide in ((-0.28, 0.78, 0.3), (0.3, 0.8, 0.32), (0.02, 0.87, 0.42)):
        tree.oval(u, v, wide, 0.085, tree.shades[0])
        tree.oval(u + 0.04 * tree.sunny, v + 0.03, 0.85 * wide, 0.055, tree.shades[1])
        tree.oval(u + 0.08 * tree.sunny, v + 0.05, 0.5 * wide, 0.03, tree.shades[2])


def _baobab(tree: _Tree) -> None:
    tree.polygon([(-0.16, 0), (0.16, 0), (0.11, 0.62), (-0.11, 0.62)], tree.bark)
    for u in (-0.34, -0.15, 0.12, 0.36):
        tree.line([(0.2 * u, 0.55), (u, 0.84)], 0.04)
        tree.crown(u, 0.87, 0.15, 0.08, 4)


def _gum(tree: _Tree) -> None:
    tree.line([(0, 0), (0.03, 0.45), (-0.02, 0.85)], 0.04)
    tree.line([(0.02, 0.4), (0.2, 0.7)], 0.025)
    tree.line([(0.02, 0.45), (-0.2, 0.66)], 0.025)
    for u, v in ((0.2, 0.74), (-0.2, 0.7), (0.0, 0.88)):
        tree.crown(u, v, 0.17, 0.12, 5)


def _cactus(tree: _Tree) -> None:
    ink = tree.shades[1]
    tree.line([(0, 0), (0, 0.95)], 0.13, ink)
    for side, foot, top in ((-1, 0.4, 0.72), (1, 0.52, 0.85)):
        tree.line([(0, foot), (0.22 * side, foot), (0.22 * side, top)], 0.09, ink)
    tree.line([(0.03 * tree.sunny, 0.02), (0.03 * tree.sunny, 0.93)], 0.03, tree.shades[2])


def _bush(tree: _Tree) -> None:
    tree.crown(0.0, 0.42, 0.7, 0.45, 5)


_KINDS: Final[dict[str, Callable[[_Tree], None]]] = {
    "spruce": _spruce, "birch": _birch, "pine": _pine, "broadleaf": _broadleaf, "cypress": _cypress,
    "olive": _olive, "palm": _palm, "jungle": _jungle, "acacia": _acacia, "baobab": _baobab, "gum": _gum,
    "cactus": _cactus, "bush": _bush,
}  # fmt: skip


def grass_tuft(canvas: Canvas, x_m: float, z_m: float, growth: Growth, rng: np.random.Generator) -> None:
    """A tuft of grass or a stone at the roadside."""
    x, y = canvas.point(x_m, 0.0, z_m)
    tall = canvas.length(between(rng, 0.25, 0.6), z_m)
    if rng.random() < growth.cover:
        ink = canvas.lit(varied(rng, brighter(growth.grass, 0.85), 0.15), z_m)
        for lean in (-0.5, -0.15, 0.2, 0.55):
            canvas.draw.line(
                [(x + 0.2 * lean * tall, y), (x + lean * tall, y - tall)],
                fill=ink,
                width=max(1, int(tall * 0.1)),
            )
    else:
        ink = canvas.lit(varied(rng, brighter(growth.soil, 0.8), 0.2), z_m)
        canvas.draw.ellipse((x - tall * 0.6, y - tall * 0.45, x + tall * 0.6, y + tall * 0.1), fill=ink)
