"""A drawing that becomes SVG or PNG: lines, areas, dots and words, with colours by name.

Figures are drawn once, on this, and written twice. The SVG takes its colours from CSS variables, so it
follows the reader's light or dark setting; the PNG is drawn by Pillow, three times too large and then
reduced, so that nothing but what graticule needs anyway has to be installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

from PIL import Image, ImageDraw, ImageFont

from graticule.reports.palette import PALETTE, variables

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

OVERSAMPLING: Final = 3
PNG_SCALE: Final = 2
FONT: Final = "ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif"


@dataclass(frozen=True, slots=True)
class Way:
    """A line through points, or the area they enclose.

    Convention:
        - ``rings``: lists of points in px; ``stroke`` and ``fill`` name colours; ``dash`` in px
    """

    rings: Sequence[Sequence[Point]]
    stroke: str | None = None
    fill: str | None = None
    width: float = 1.0
    dash: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle, ringed by the ground so that dots on top of each other stay apart."""

    centre: Point
    radius: float
    fill: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; ``anchor`` says which end of it lies at ``at``, whose y is the base line."""

    text: str
    at: Point
    fill: str = "soft"
    size: float = 12.0
    anchor: Anchor = "start"


@dataclass
class Canvas:
    """A drawing under way.

    Convention:
        - lengths are px; x to the right, y downwards
        - ``title``: what the picture shows, read aloud by a screen reader

    Example:
        >>> canvas = Canvas(40, 20, "A line")
        >>> canvas.line([(0, 10), (40, 10)], "model", width=2)
        >>> "<path" in canvas.svg() and canvas.png().size == (80, 40)
        True
    """

    width: float
    height: float
    title: str
    items: list[Way | Dot | Words] = field(default_factory=list)

    def line(
        self,
        points: Sequence[Point],
        stroke: str,
        *,
        width: float = 1.0,
        dash: tuple[float, float] | None = None,
    ) -> None:
        """Add a line through ``points``."""
        if len(points) > 1:
            self.items.append(Way([points], stroke=stroke, width=width, dash=dash))

    def area(self, rings: Sequence[Sequence[Point]], fill: str) -> None:
        """Add filled rings."""
        self.items.append(Way(rings, fill=fill))

    def bar(self, left: float, top: float, width: float, height: float, fill: str) -> None:
        """Add an upright rectangle."""
        right, bottom = left + width, top + height
        self.area([[(left, top), (right, top), (right, bottom), (left, bottom)]], fill)

    def dot(self, centre: Point, radius: float, fill: str, hint: str = "") -> None:
        """Add a dot; ``hint`` is shown under the pointer."""
        self.items.append(Dot(centre, radius, fill, hint))

    def words(
        self, text: str, at: Point, *, fill: str = "soft", size: float = 12.0, anchor: Anchor = "start"
    ) -> None:
        """Add a line of text."""
        self.items.append(Words(text, at, fill, size, anchor))

    def svg(self, *, is_standalone: bool = True) -> str:
        """The drawing as SVG; inside a page (not standalone) it takes the page's colours."""
        style = f"<style>{variables()}</style>" if is_standalone else ""
        ground = '<rect width="100%" height="100%" style="fill:var(--sheet)"/>' if is_standalone else ""
        body = "".join(_svg(item) for item in self.items)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} {_n(self.height)}" '
            f'role="img" font-family="{FONT}"><title>{escape(self.title)}</title>{style}{ground}{body}</svg>'
        )

    def png(self) -> Image.Image:
        """The drawing as a picture on light ground, twice its size in px."""
        scale = PNG_SCALE * OVERSAMPLING
        size = (round(self.width * scale), round(self.height * scale))
        picture = Image.new("RGB", size, _light("sheet"))
        draw = ImageDraw.Draw(picture)
        for item in self.items:
            _paint(draw, item, scale)
        return picture.resize(
            (round(self.width * PNG_SCALE), round(self.height * PNG_SCALE)), Image.Resampling.BOX
        )

    def write(self, stem: Path) -> list[Path]:
        """Write ``stem``.svg and ``stem``.png."""
        stem.parent.mkdir(parents=True, exist_ok=True)
        vector, picture = stem.with_suffix(".svg"), stem.with_suffix(".png")
        vector.write_text(self.svg(), encoding="utf-8")
        self.png().save(picture, optimize=True)
        return [vector, picture]


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _svg(item: Way | Dot | Words) -> str:
    if isinstance(item, Words):
        x, y = item.at
        return (
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(item.size)}" text-anchor="{item.anchor}" '
            f'style="fill:var(--{item.fill})">{escape(item.text)}</text>'
        )
    if isinstance(item, Dot):
        x, y = item.centre
        hint = f"<title>{escape(item.hint)}</title>" if item.hint else ""
        return (
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(item.radius)}" stroke-width="1" '
            f'style="fill:var(--{item.fill});stroke:var(--sheet)">{hint}</circle>'
        )
    close = "Z" if item.fill else ""
    way = "".join("M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in ring) + close for ring in item.rings)
    colours = f"fill:{f'var(--{item.fill})' if item.fill else 'none'}"
    colours += f";stroke:var(--{item.stroke})" if item.stroke else ""
    dash = f' stroke-dasharray="{_n(item.dash[0])} {_n(item.dash[1])}"' if item.dash else ""
    return (
        f'<path d="{way}" stroke-width="{_n(item.width)}" stroke-linejoin="round"{dash} style="{colours}"/>'
    )


def _paint(draw: ImageDraw.ImageDraw, item: Way | Dot | Words, scale: int) -> None:
    if isinstance(item, Words):
        font = ImageFont.load_default(item.size * scale)
        place = (item.at[0] * scale, item.at[1] * scale)
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[item.anchor]
        draw.text(place, item.text, fill=_light(item.fill), font=font, anchor=anchor)
    elif isinstance(item, Dot):
        (x, y), radius = item.centre, item.radius
        for reach, colour in ((radius + 0.5, "sheet"), (radius - 0.5, item.fill)):
            box = [(x - reach) * scale, (y - reach) * scale, (x + reach) * scale, (y + reach) * scale]
            draw.ellipse(box, fill=_light(colour))
    else:
        for ring in item.rings:
            points = [(x * scale, y * scale) for x, y in ring]
            if item.fill:
                draw.polygon(points, fill=_light(item.fill))
            if item.stroke:
                for part in _dashes(points, item.dash, scale):
                    draw.line(
                        part, fill=_light(item.stroke), width=max(1, round(item.width * scale)), joint="curve"
                    )


def _dashes(points: list[Point], dash: tuple[float, float] | None, scale: int) -> list[list[Point]]:
    """The line itself, or the pieces of it that a dashed line draws."""
    if dash is None:
        return [points]
    on, period = dash[0] * scale, (dash[0] + dash[1]) * scale
    pieces: list[list[Point]] = []
    walked = 0.0
    for (x0, y0), (x1, y1) in pairwise(points):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        at = 0.0
        while length and at < length:
            phase = (walked + at) % period
            step = min((on if phase < on else period) - phase, length - at) or length
            if phase < on:
                ends = [(x0 + (x1 - x0) * t / length, y0 + (y1 - y0) * t / length) for t in (at, at + step)]
                pieces.append(ends)
            at += step
        walked += length
    return pieces


def _light(name: str) -> str:
    return PALETTE[name][0]
