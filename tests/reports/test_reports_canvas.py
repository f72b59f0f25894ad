"""One drawing, two files."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image, ImageColor

from graticule.reports.canvas import Canvas
from graticule.reports.palette import PALETTE, variables

SVG = "{http://www.w3.org/2000/svg}"


def _at(canvas: Canvas, x: float, y: float) -> tuple[int, ...]:
    return canvas.png().getpixel((round(2 * x), round(2 * y)))


def test_svg_is_well_formed_and_escapes_what_is_written() -> None:
    canvas = Canvas(100, 50, "Errors < 5 & more")
    canvas.words("<script>alert(1)</script>", (5, 5))
    canvas.dot((10, 10), 3, "model", 'a "b" <c>')
    root = ET.fromstring(canvas.svg())
    assert root.get("viewBox") == "0 0 100 50"
    assert root.findtext(f"{SVG}title") == "Errors < 5 & more"
    assert root.findtext(f"{SVG}text") == "<script>alert(1)</script>"
    assert root.findtext(f"{SVG}circle/{SVG}title") == 'a "b" <c>'


def test_only_a_standalone_svg_brings_its_colours() -> None:
    canvas = Canvas(10, 10, "t")
    assert "<style>" in canvas.svg()
    assert "prefers-color-scheme" in canvas.svg()
    assert "<style>" not in canvas.svg(is_standalone=False)


def test_every_colour_has_a_light_and_a_dark_side() -> None:
    text = variables()
    for name, (light, dark) in PALETTE.items():
        assert ImageColor.getrgb(light) != ImageColor.getrgb(dark), name
        assert text.count(f"--{name}:") == 2


def test_areas_lines_and_dots_lie_where_they_should_in_the_picture() -> None:
    canvas = Canvas(100, 100, "t")
    canvas.bar(10, 10, 20, 20, "model")
    canvas.line([(0, 50), (100, 50)], "warn", width=4)
    canvas.dot((70, 20), 6, "constant")
    assert canvas.png().size == (200, 200)
    assert _at(canvas, 20, 20) == ImageColor.getrgb(PALETTE["model"][0])
    assert _at(canvas, 50, 50) == ImageColor.getrgb(PALETTE["warn"][0])
    assert _at(canvas, 70, 20) == ImageColor.getrgb(PALETTE["constant"][0])
    assert _at(canvas, 50, 80) == ImageColor.getrgb(PALETTE["sheet"][0])


def test_dashes_leave_gaps_of_their_length() -> None:
    canvas = Canvas(100, 10, "t")
    canvas.line([(0, 5), (40, 5), (100, 5)], "ink", width=4, dash=(10, 10))
    ink, ground = (ImageColor.getrgb(PALETTE[name][0]) for name in ("ink", "sheet"))
    assert [_at(canvas, x, 5) == ink for x in (5, 15, 25, 35, 45, 55)] == [True, False] * 3
    assert _at(canvas, 15, 5) == ground


def test_words_are_drawn_from_their_anchor() -> None:
    for anchor, side in (("start", 1), ("end", -1)):
        canvas = Canvas(100, 20, "t")
        canvas.words("MMMM", (50, 15), anchor=anchor)
        ground = ImageColor.getrgb(PALETTE["sheet"][0])
        dark = [x for x in range(100) if any(_at(canvas, x, y) != ground for y in (8, 11, 13))]
        assert dark
        assert all((x - 50) * side >= -1 for x in dark)


def test_a_line_of_one_point_is_nothing() -> None:
    canvas = Canvas(10, 10, "t")
    canvas.line([(1, 1)], "ink")
    assert canvas.items == []


def test_write(tmp_path: Path) -> None:
    canvas = Canvas(10, 10, "t")
    canvas.bar(0, 0, 10, 10, "model")
    vector, picture = canvas.write(tmp_path / "figures" / "one")
    assert ET.parse(vector).getroot().tag == f"{SVG}svg"
    with Image.open(picture) as image:
        assert image.size == (20, 20)


def test_unknown_colour() -> None:
    canvas = Canvas(10, 10, "t")
    canvas.bar(0, 0, 10, 10, "mauve")
    with pytest.raises(KeyError):
        canvas.png()
