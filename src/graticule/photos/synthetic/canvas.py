"""The camera, and the canvas that objects are drawn on.

Objects are drawn at twice the size and averaged down, which smooths their edges. Ground coordinates are
metres: ``x_m`` to the right of the road's middle, ``y_m`` up, ``z_m`` ahead of the camera.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw

from graticule.photos.synthetic.chance import Colour
from graticule.photos.synthetic.light import Light

Point = tuple[float, float]
OVERSAMPLING: Final = 2
"""How many times larger than the photo objects are drawn, in each direction."""


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and looks.

    Convention:
        - lengths on the picture in px, from its upper left corner; ``offset_m`` is the camera's ``x_m``
        - ``bend_per_m``: the road's middle lies at ``bend_per_m * z_m ** 2``
        - ``bearing_deg``: where it looks, clockwise from north
    """

    width_px: int
    height_px: int
    focal_px: float
    horizon_px: float
    vanishing_px: float
    height_m: float
    offset_m: float
    bend_per_m: float
    bearing_deg: float

    def project(self, x_m: float, y_m: float, z_m: float) -> Point:
        """Where a point of the scene lies on the picture, in px."""
        scale = self.focal_px / z_m
        return (
            self.vanishing_px + scale * (x_m + self.bend_per_m * z_m * z_m - self.offset_m),
            self.horizon_px + scale * (self.height_m - y_m),
        )


class Canvas:
    """A picture that objects are drawn on in scene coordinates, in the light of the scene."""

    def __init__(self, background: Image.Image, camera: Camera, light: Light) -> None:
        size = camera.width_px * OVERSAMPLING, camera.height_px * OVERSAMPLING
        self.image = background.resize(
            size, Image.Resampling.NEAREST
        )  # averaged down, it comes out unchanged
        self.draw = ImageDraw.Draw(self.image)
        self.blend = ImageDraw.Draw(self.image, "RGBA")
        self.camera = camera
        self.light = light

    def point(self, x_m: float, y_m: float, z_m: float) -> Point:
        """Where a point of the scene lies on this canvas."""
        x, y = self.camera.project(x_m, y_m, z_m)
        return x * OVERSAMPLING, y * OVERSAMPLING

    def length(self, length_m: float, z_m: float) -> float:
        """How long ``length_m`` across the view is on this canvas at a distance."""
        return OVERSAMPLING * self.camera.focal_px * length_m / z_m

    def lit(self, colour: Colour, z_m: float, brightness: float = 1.0) -> tuple[int, int, int]:
        """What a surface looks like from a distance: in the scene's light, behind the scene's air."""
        clear = math.exp(-z_m / self.light.sight_m)
        red, green, blue = self.light.tint
        air_red, air_green, air_blue = self.light.horizon
        paint, air = brightness * clear, 1.0 - clear
        return (
            min(255, max(0, int(colour[0] * paint * red + air_red * air))),
            min(255, max(0, int(colour[1] * paint * green + air_green * air))),
            min(255, max(0, int(colour[2] * paint * blue + air_blue * air))),
        )

    def face(self, corners: Sequence[tuple[float, float, float]], colour: tuple[int, int, int]) -> None:
        """A filled polygon in scene coordinates."""
        self.draw.polygon([self.point(*corner) for corner in corners], fill=colour)

    def box(
        self, x_m: tuple[float, float], y_m: tuple[float, float], z_m: float, colour: tuple[int, int, int]
    ) -> None:
        """A filled upright rectangle that faces the camera."""
        left, top = self.point(min(x_m), max(y_m), z_m)
        right, bottom = self.point(max(x_m), min(y_m), z_m)
        self.draw.rectangle((left, top, right, bottom), fill=colour)

    def shadow(self, x_m: float, z_m: float, radius_m: float, strength: float = 0.35) -> None:
        """A dark patch on the ground under something."""
        x, y = self.point(x_m, 0.0, z_m)
        across, deep = self.length(radius_m, z_m), self.length(radius_m, z_m) * self.camera.height_m / z_m
        alpha = int(255 * strength * (1.3 - self.light.shade))
        self.blend.ellipse((x - across, y - deep, x + across, y + deep), fill=(20, 22, 30, alpha))
