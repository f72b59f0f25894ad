"""Explanations as one picture: a row for each photo with its maps; for a contrast the crops of each side."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from graticule.explanations.crops import crops
from graticule.explanations.drawing import OPACITY, Colours, enlarged, overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.explanations.explaining import Explanation
    from graticule.explanations.saliency_map import SaliencyMap

    Pixels = NDArray[np.uint8]

TILE_PX: Final = 336
_GAP: Final = 12
_LINE: Final = 22
_INK, _SOFT, _GROUND = (29, 36, 38), (91, 102, 104), (255, 255, 255)


def sheet(
    explanations: Sequence[tuple[str, Explanation]],
    *,
    opacity: float = OPACITY,
    colours: Colours = "signed",
) -> Pixels:
    """One picture of all, (H, W, 3).

    Convention:
        - ``explanations``: the photo's name and its explanation, at least one
        - each row: the photo, a tile for each method, and for a contrast those crops that say most for either
          side, by the first method
    """
    rows = [_row(name, each, opacity, colours) for name, each in explanations]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return np.concatenate(padded)


def _row(name: str, explanation: Explanation, opacity: float, colours: Colours) -> Pixels:
    picture = enlarged(explanation.view.picture, TILE_PX)
    tiles = [(picture, name, f"{explanation.name}: {explanation.share_in_words}")]
    for method, map_ in explanation.maps.items():
        drawn = overlay(picture, map_, opacity=opacity, colours=colours)
        tiles.append((drawn, explanation.titles[method], _key(map_, explanation.sides, colours)))
    if explanation.target.contrasts:
        one, other = explanation.sides
        tiles.append((_column(explanation, against=False), f"for {one}", "what says most"))
        tiles.append((_column(explanation, against=True), f"for {other}", "what says most"))
    return np.concatenate([_captioned(*tile) for tile in tiles], axis=1)


def _key(map_: SaliencyMap, sides: tuple[str, str], colours: Colours) -> str:
    one, other = sides
    if not map_.takes_sides:
        return f"the {'lighter' if colours == 'grey' else 'redder'}, the more attention"
    if colours == "grey":
        return f"the lighter, the more it says for {one}"
    return f"red: for {one}, blue: " + (f"for {other}" if other else "against it")


def _column(explanation: Explanation, *, against: bool) -> Pixels:
    """The crops of one side beneath each other, as high as a tile; white where there are fewer."""
    side = (TILE_PX - 2 * _GAP) // 3
    column = np.full((TILE_PX, side, 3), 255, dtype=np.uint8)
    for number, crop in enumerate(crops(explanation.map, against=against)):
        top = number * (side + _GAP)
        column[top : top + side] = enlarged(crop.of(explanation.view.picture), side)
    return column


def _captioned(tile: Pixels, title: str, note: str) -> Pixels:
    height, width = tile.shape[:2]
    canvas = Image.new("RGB", (width + 2 * _GAP, height + 2 * _LINE + 2 * _GAP), _GROUND)
    canvas.paste(Image.fromarray(tile), (_GAP, _GAP))
    draw = ImageDraw.Draw(canvas)
    for line, (words, ink) in enumerate(((title, _INK), (note, _SOFT))):
        font = ImageFont.load_default(15 - 2 * line)
        draw.text((_GAP, _GAP + height + 4 + line * _LINE), _fitting(words, width, font), fill=ink, font=font)
    return np.asarray(canvas, dtype=np.uint8)


def _fitting(words: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """As much of the words as fits, in letters that Pillow's own font has."""
    plain = unicodedata.normalize("NFKD", words).replace("‘", "'").replace("’", "'")
    plain = plain.encode("ascii", "ignore").decode()
    if font.getlength(plain) <= width:
        return plain
    while plain and font.getlength(plain + "...") > width:
        plain = plain[:-1]
    return plain + "..."
