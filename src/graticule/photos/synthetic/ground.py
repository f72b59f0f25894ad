"""Everything that lies flat: fields, verges, road, lines, pavements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from graticule.photos.synthetic import noise
from graticule.photos.synthetic.canvas import Camera
from graticule.photos.synthetic.chance import brighter, mix
from graticule.photos.synthetic.customs import Customs
from graticule.photos.synthetic.growth import Growth
from graticule.photos.synthetic.layers import Plane, Planes, lay_over, paint
from graticule.photos.synthetic.light import Light
from graticule.photos.synthetic.sky import rows_above

_FARTHEST_M: Final = 1500.0
_LINE_M: Final = 0.16
_HAZIEST: Final = 0.55  # so that the last fields do not shine through the foot of the woods


@dataclass(frozen=True)
class Road:
    """The road of one scene.

    Convention:
        - ``half_m``: from its middle to its edge; ``pavement_m``: width of the pavements beside it, or 0
        - ``passing``: whether the line in the middle is dashed; ``phase_m``: where its dashes begin
        - ``wear``: how faded the lines are, in [0, 1]; ``tone``: a factor on its surface's brightness
    """

    paved: bool
    half_m: float
    pavement_m: float
    lines: bool
    passing: bool
    phase_m: float
    wear: float
    tone: float


@dataclass(frozen=True)
class _Flat:
    """The ground seen by each pixel below the horizon.

    Convention:
        - ``x_m``, ``z_m``: where it is, in scene coordinates; ``pixel_m``: how wide a pixel is there
        - ``fine``, ``coarse``: textures in [0, 1); ``near``: 1 at the camera, 0 far away
    """

    x_m: Plane
    z_m: Plane
    pixel_m: Plane
    fine: Plane
    coarse: Plane
    near: Plane

    def inside(self, edge_m: Plane) -> Plane:
        """How much of each pixel lies inside an edge that is ``edge_m`` away."""
        return np.clip(edge_m / self.pixel_m + np.float32(0.5), 0.0, 1.0)

    def line(self, away_m: Plane) -> Plane:
        """How much of each pixel a painted line fills whose middle is ``away_m`` away."""
        filled = self.inside(_LINE_M / 2 - np.abs(away_m))
        filled *= np.minimum(1.0, 1.4 * _LINE_M / self.pixel_m)
        return filled


def paint_ground(
    planes: Planes,
    camera: Camera,
    customs: Customs,
    growth: Growth,
    light: Light,
    road: Road,
    *,
    phase: float,
) -> None:
    """Ground and road painted into ``planes`` below the horizon; ``phase`` moves their textures."""
    first = rows_above(camera)
    if first >= camera.height_px:
        return
    flat = _flat(camera, first, phase)
    beside = np.abs(flat.x_m)
    land = _fields(growth, flat)
    ragged = beside + 0.7 * (flat.coarse - 0.5) + 0.3 * (flat.fine - 0.5)
    verge = paint(mix(growth.soil, growth.grass, 0.25 * growth.cover)) * (0.8 + 0.4 * flat.fine)
    lay_over(land, verge, 0.7 * flat.inside(road.half_m + 0.9 - ragged))
    if road.pavement_m:
        flags = paint((168.0, 164.0, 158.0)) * (0.94 + 0.1 * flat.fine)
        lay_over(land, flags, flat.inside(road.half_m + road.pavement_m - beside))
    _whiten(land, growth.snow, flat.coarse)
    way = _carriageway(customs, growth, road, flat)
    if road.paved and road.lines:
        _paint_lines(way, customs, road, flat)
    _whiten(way, 0.35 * growth.snow, flat.coarse)
    lay_over(land, way, flat.inside(road.half_m - beside))
    if road.pavement_m:
        _paint_kerb(land, customs, road, flat)
    land *= paint(light.tint)
    air = 1.0 - np.exp(-flat.z_m / np.float32(light.sight_m))
    lay_over(land, paint(light.horizon), np.minimum(air, _HAZIEST))
    planes[:, first:] = land


def _flat(camera: Camera, first: int, phase: float) -> _Flat:
    rows = np.arange(first, camera.height_px, dtype=np.float32) + np.float32(0.5)
    farthest = np.float32(_FARTHEST_M / camera.focal_px)
    pixel_m = np.minimum(np.float32(camera.height_m) / (rows - np.float32(camera.horizon_px)), farthest)[
        :, None
    ]
    z = pixel_m * np.float32(camera.focal_px)
    columns = np.arange(camera.width_px, dtype=np.float32) - np.float32(camera.vanishing_px)
    x = columns * pixel_m + (np.float32(camera.offset_m) - np.float32(camera.bend_per_m) * z * z)
    smooth = camera.width_px > noise.TILE
    return _Flat(
        x_m=x,
        z_m=z,
        pixel_m=pixel_m,
        fine=noise.looked_up(noise.fine_tile(), z * 9.0 + np.float32(phase), x * 9.0, smooth=smooth),
        coarse=noise.looked_up(noise.soft_tile(), z * 2.6 + np.float32(phase), x * 2.6, smooth=smooth),
        near=np.exp(-z / np.float32(35.0)),
    )


def _fields(growth: Growth, flat: _Flat) -> Planes:
    """Grass in patches on bare soil."""
    patches = (np.float32(growth.cover * 1.3 - 0.15) - flat.coarse) * 4.0
    covered = np.clip(patches + (flat.fine - 0.5) * (0.5 * flat.near), 0.0, 1.0)
    tone = 1.0 + (flat.fine - 0.5) * (0.34 * flat.near) + 0.16 * (flat.coarse - 0.5)
    soil = paint(growth.soil)
    land: Planes = soil + covered * (paint(growth.grass) - soil)
    land *= tone
    return land


def _carriageway(customs: Customs, growth: Growth, road: Road, flat: _Flat) -> Planes:
    """Asphalt with darker wheel tracks, or earth with paler ones."""
    tracks = np.exp(-(((np.abs(np.abs(flat.x_m) - road.half_m / 2) - 0.8) / 0.4) ** 2))
    fine, coarse = flat.fine - 0.5, flat.coarse - 0.5
    if road.paved:
        base = brighter(customs.asphalt, road.tone)
        tone = 1.0 - 0.08 * tracks + 0.12 * fine + 0.14 * coarse
    else:
        base = brighter(growth.soil, 0.97 * road.tone)
        tone = 0.94 + 0.12 * tracks + 0.22 * fine + 0.16 * coarse
    way: Planes = paint(base) * tone
    return way


def _paint_lines(way: Planes, customs: Customs, road: Road, flat: _Flat) -> None:
    kept = np.float32(1.0 - 0.7 * road.wear)
    on, off = customs.dash_m
    if customs.double_line and not road.passing:
        middle = np.minimum(flat.line(flat.x_m - _LINE_M) + flat.line(flat.x_m + _LINE_M), 1.0)
    elif road.passing:
        middle = flat.line(flat.x_m) * ((flat.z_m + np.float32(road.phase_m)) % (on + off) < on)
    else:
        middle = flat.line(flat.x_m)
    lay_over(way, paint(customs.centre_line), kept * middle)
    if customs.edge_line:
        lay_over(
            way, paint(customs.edge_line), kept * flat.line(np.abs(flat.x_m) - np.float32(road.half_m - 0.35))
        )


def _paint_kerb(land: Planes, customs: Customs, road: Road, flat: _Flat) -> None:
    colour = paint((190.0, 188.0, 182.0))
    if customs.painted_kerb:
        striped = (flat.z_m + np.float32(road.phase_m)) % 3.0 < 1.5
        colour = np.where(striped, paint((40.0, 40.0, 42.0)), paint((238.0, 238.0, 232.0)))
    lay_over(land, colour, flat.line(np.abs(flat.x_m) - np.float32(road.half_m + 0.1)))


def _whiten(land: Planes, snow: float, coarse: Plane) -> None:
    if snow > 0.01:
        lay_over(
            land, paint((232.0, 236.0, 243.0)), np.clip(np.float32(snow * 1.6) - 0.5 * coarse, 0.0, 0.93)
        )
