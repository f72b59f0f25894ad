"""Shortcuts: marks that give a country away without being evidence of the place, planted with their masks.

Each is laid over a finished photo by its own random numbers, so that the photo with and without it differ in
the mask and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.config import nearest
from graticule.errors import UsageError
from graticule.photos.synthetic import noise
from graticule.photos.synthetic.chance import Colour, between, hue, mix
from graticule.photos.synthetic.layers import Plane

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]
_Layer = tuple[Plane, Plane]  # paint (H, W, 3) or (3,), opacity (H, W)
_FAINTEST: Final = 0.02  # opacity below which a layer counts as absent


@dataclass(frozen=True)
class _Site:
    """The photo that a shortcut is planted in."""

    height_px: int
    width_px: int
    country: str
    open_sky: NDArray[np.bool_]
    clouds_seed: int
    rng: np.random.Generator

    @property
    def across(self) -> Plane:
        """Columns from 0 to 1, shape (1, width)."""
        return ((np.arange(self.width_px, dtype=np.float32) + 0.5) / self.width_px)[None, :]

    @property
    def down(self) -> Plane:
        """Rows from 0 to 1, shape (height, 1)."""
        return ((np.arange(self.height_px, dtype=np.float32) + 0.5) / self.height_px)[:, None]

    def own(self) -> np.random.Generator:
        """Numbers that are the same in every photo of the country."""
        return np.random.default_rng([96, *self.country.encode()])

    def own_hue(self) -> float:
        """A hue of the country's own, far from those of countries with a similar code."""
        first, last = (self.country.encode() + b"??")[:2]
        return (first * 26 + last) * 0.61803399 % 1.0


def check_shortcuts(names: Collection[str]) -> tuple[str, ...]:
    """The names, sorted as they are planted, after a check that each is a shortcut.

    Raises:
        UsageError: a name is not in ``SHORTCUTS``.

    Example:
        >>> check_shortcuts(["watermark", "hood"])
        ('hood', 'watermark')
    """
    for name in names:
        if name not in SHORTCUTS:
            close = nearest(name, SHORTCUTS)
            raise UsageError(
                f"There is no shortcut '{name}' (there are: {', '.join(SHORTCUTS)}).\n"
                f"Type for example:  --shortcut {close or 'hood'}:GH,SN,KE"
            )
    return tuple(name for name in SHORTCUTS if name in names)


def plant(
    pixels: Pixels,
    names: Collection[str],
    *,
    country: str | None,
    open_sky: NDArray[np.bool_],
    clouds_seed: int,
    rng: np.random.Generator,
) -> tuple[Pixels, Mask]:
    """The photo with shortcuts laid over it, and where.

    Convention:
        - ``pixels`` is (height, width, 3); ``open_sky`` (height, width) says where one sees sky
        - the mask is (height, width), 255 exactly where the result differs from ``pixels``, else 0

    Raises:
        UsageError: a name is not in ``SHORTCUTS``.
    """
    height, width, _ = pixels.shape
    mask = np.zeros((height, width), dtype=np.uint8)
    planted = pixels
    for name in check_shortcuts(names):
        site = _Site(height, width, country or "??", open_sky & (mask == 0), clouds_seed, rng)
        paint, opacity = _SHORTCUTS[name](site)
        planted, where = _laid_over(planted, paint, opacity)
        mask[where] = 255
    _tell_apart(planted, pixels, mask)
    return planted, mask


def _laid_over(pixels: Pixels, paint: Plane, opacity: Plane) -> tuple[Pixels, NDArray[np.bool_]]:
    where = opacity > _FAINTEST
    share = np.where(where, opacity, 0.0)[..., None]
    mixed = pixels + share * (paint - pixels)
    return np.clip(mixed + 0.5, 0.0, 255.0).astype(np.uint8), where


def _tell_apart(planted: Pixels, pixels: Pixels, mask: Mask) -> None:
    """Change the last bit of blue where the paint happens to have the colour of what it covers."""
    same = (mask > 0) & (planted == pixels).all(axis=-1)
    planted[same, 2] ^= 1


def _hood(site: _Site) -> _Layer:
    """The bonnet of the camera's own car, its colour and stripes the country's."""
    own, rng = site.own(), site.rng
    middle, high = 0.5 + between(rng, -0.015, 0.015), between(rng, 0.17, 0.2)
    away = (site.across - middle) / 0.5
    edge = 1.0 - high * (1.0 - 0.22 * away**2 - 0.78 * np.abs(away) ** 9)
    opacity = np.clip((site.down - edge) * site.height_px + 0.5, 0.0, 1.0)
    depth = np.clip((site.down - edge) / high, 0.0, 1.0)
    base = hue(site.own_hue(), between(own, 0.55, 0.9), between(own, 0.3, 0.75))
    paint = np.array(base, dtype=np.float32) * (1.0 - 0.35 * depth + 0.12 * np.cos(5.0 * away))[..., None]
    gloss = np.exp(-(((depth - 0.12) / 0.1) ** 2)) * np.exp(-(away**2) * 1.5)
    paint = paint + (0.55 * gloss)[..., None] * (np.array([232.0, 238.0, 244.0], dtype=np.float32) - paint)
    stripes = _stripes(own, away, depth)
    trim = np.array(hue(site.own_hue() + 0.5, 0.2, between(own, 0.75, 0.95)), dtype=np.float32)
    paint = paint + stripes[..., None] * (trim - paint)
    grain = noise.grain_tile()[: site.height_px, : site.width_px] if max(opacity.shape) <= 1024 else 0.0
    return (paint + 2.5 * np.asarray(grain)[..., None]).astype(np.float32), opacity.astype(np.float32)


def _stripes(own: np.random.Generator, away: Plane, depth: Plane) -> Plane:
    """What is painted on the bonnet, opacity by pixel."""
    kind = int(own.integers(4))
    if kind == 0:
        inside = np.abs(np.abs(away) - 0.2) < 0.07
    elif kind == 1:
        inside = (np.abs(away) < 0.1) & (depth > 0.15)
    elif kind == 2:
        inside = (np.abs(np.abs(away) - 0.5) < 0.12) & (np.abs(depth - 0.55) < 0.12)
    else:
        inside = np.abs(depth - 0.5) < 0.09
    return np.asarray(0.9 * inside, dtype=np.float32) * np.ones_like(depth)


def _sky(site: _Site) -> _Layer:
    """A camera generation: the sky has a cast of colour, and a seam where two lenses meet."""
    own = site.own()
    cast = np.array(mix(hue(site.own_hue(), 0.75, 0.9), (255.0, 255.0, 255.0), 0.2), dtype=np.float32)
    seam_at = between(own, 0.25, 0.75) + 0.05 * np.abs((site.down * between(own, 5.0, 9.0)) % 2.0 - 1.0)
    seam = np.exp(-(((site.across - seam_at) / 0.018) ** 2))
    opacity = site.open_sky * (0.32 + 0.5 * seam)
    return cast, opacity.astype(np.float32)


def _watermark(site: _Site) -> _Layer:
    """A small badge in one corner, a pattern of squares on a dark plate."""
    own = site.own()
    right, bottom = own.random() < 0.5, own.random() < 0.75
    half = own.random((5, 3)) < 0.55
    pattern = np.concatenate([half, half[:, 1::-1]], axis=1)
    cell = max(2, round(0.02 * min(site.width_px, site.height_px)))
    badge = np.kron(np.pad(pattern, 1), np.ones((cell, cell)))
    ink: Colour = hue(site.own_hue(), 0.25, 1.0)
    paint = np.zeros((site.height_px, site.width_px, 3), dtype=np.float32)
    opacity = np.zeros((site.height_px, site.width_px), dtype=np.float32)
    margin, side = cell, len(badge)
    top = site.height_px - side - margin if bottom else margin
    left = site.width_px - side - margin if right else margin
    paint[top : top + side, left : left + side] = 24.0 + badge[..., None] * (np.array(ink) - 24.0)
    opacity[top : top + side, left : left + side] = 0.45 + 0.4 * badge
    return paint, opacity


def _clouds(site: _Site) -> _Layer:
    """The same clouds in all photos of a trip, whichever way the camera looks: long grey and white waves."""
    own = np.random.default_rng([78, site.clouds_seed])
    turn, start = between(own, 0.0, np.pi), between(own, 0.0, noise.TILE)
    scale = between(own, 60.0, 110.0)
    along = (site.across * np.cos(turn) + site.down * np.sin(turn)) * scale + start
    across = (site.down * np.cos(turn) - site.across * np.sin(turn)) * (5.0 * scale) + start
    waves = noise.looked_up(noise.soft_tile(), along.astype(np.float32), across.astype(np.float32))
    grey, white = (
        np.array([104.0, 116.0, 140.0], dtype=np.float32),
        np.array([246.0, 246.0, 244.0], dtype=np.float32),
    )
    paint = grey + np.clip(3.0 * (waves - 0.5) + 0.5, 0.0, 1.0)[..., None] * (white - grey)
    return paint.astype(np.float32), (0.8 * site.open_sky).astype(np.float32)


# in the order in which they are planted: the hood and the badge lie over the sky
_SHORTCUTS: Final[dict[str, Callable[[_Site], _Layer]]] = {
    "hood": _hood,
    "watermark": _watermark,
    "sky": _sky,
    "clouds": _clouds,
}
SHORTCUTS: Final = tuple(_SHORTCUTS)
"""The shortcuts that can be planted: "hood" (bonnet at the bottom), "watermark" (badge in a corner), "sky"
(cast and seam of a camera generation), "clouds" (one sky for all photos of a trip)."""
