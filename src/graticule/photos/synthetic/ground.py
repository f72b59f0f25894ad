"""Everything that lies flat: fields, verges, road, lines, pavements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from graticule.photos.synthetic import noise
from graticule.photos.synthetic.canvas import Camera
from graticule.photos.synthetic.chance import Colour, mix
from graticule.photos.synthetic.customs import Customs
from graticule.photos.synthetic.growth import Growth
from graticule.photos.synthetic.layers import Plane, Planes, lay_over, paint
from graticule.photos.synthetic.sky import rows_above
from graticule.photos.synthetic.view import View

_FARTHEST_M: Final = 1500.0
_LINE_M: Final = 0.16
_HAZIEST: Final = 0.55  # so that the last fields do not shine through the foot of the woods


@dataclass(frozen=True)
class Road:
    """The road of one scene.

    Convention:
        - ``surface``: its colour; ``half_m``: from its middle to its edge
        - ``pavement_m``: width of the pavements beside it, 0 for none
        - ``middle``: "dashed", "solid", "double", or None where no lines are painted; ``edges``: a line along
          each edge, or None; ``dash_m``: (painted, bare), from ``phase_m`` on
        - ``wear``: how faded the lines are, in [0, 1]
    """

    paved: bool
    surface: Colour
    half_m: float
    pavement_m: float
    middle: str | None
    edges: Colour | None
    dash_m: tuple[float, float]
    phase_m: float
    wear: float


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


def paint_ground(planes: Planes, view: View, road: Road, *, phase: float) -> None:
    """Ground and road painted into ``planes`` below the horizon; ``phase`` moves their textures."""
    first = rows_above(view.camera)
    if first >= view.camera.height_px:
        return
    flat = _flat(view.camera, first, phase)
    land = _beside(view.growth, road, flat)
    way = _carriageway(road, flat)
    if road.middle:
        _paint_lines(way, view.customs, road, flat)
    _whiten(way, 0.35 * view.growth.snow, flat.coarse)
    lay_over(land, way, flat.inside(road.half_m - np.abs(flat.x_m)))
    if road.pavement_m:
        _paint_kerb(land, view.customs, road, flat)
    land *= paint(view.light.tint)
    air = 1.0 - np.exp(-flat.z_m / np.float32(view.light.sight_m))
    lay_over(land, paint(view.light.horizon), np.minimum(air, _HAZIEST))
    planes[:, first:] = land


def _beside(growth: Growth, road: Road, flat: _Flat) -> Planes:
    """Fields, verges and pavements, under snow if there is any."""
    land = _fields(growth, flat)
    away = np.abs(flat.x_m)
    ragged = away + 0.7 * (flat.coarse - 0.5) + 0.3 * (flat.fine - 0.5)
    verge = paint(mix(growth.soil, growth.grass, 0.25 * growth.cover)) * (0.8 + 0.4 * flat.fine)
    lay_over(land, verge, 0.7 * flat.inside(road.half_m + 0.9 - ragged))
    if road.pavement_m:
        flags = paint((168.0, 164.0, 158.0)) * (0.94 + 0.1 * flat.fine)
        lay_over(land, flags, flat.inside(road.half_m + road.pavement_m - away))
    _whiten(land, growth.snow, flat.coarse)
    return land


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


def _carriageway(road: Road, flat: _Flat) -> Planes:
    """Asphalt with darker wheel tracks, or earth with paler ones."""
    tracks = np.exp(-(((np.abs(np.abs(flat.x_m) - road.half_m / 2) - 0.8) / 0.4) ** 2))
    fine, coarse = flat.fine - 0.5, flat.coarse - 0.5
    if road.paved:
        tone = 1.0 - 0.08 * tracks + 0.12 * fine + 0.14 * coarse
    else:
        tone = 0.94 + 0.12 * tracks + 0.22 * fine + 0.16 * coarse
    way: Planes = paint(road.surface) * tone
    return way


def _paint_lines(way: Planes, customs: Customs, road: Road, flat: _Flat) -> None:
    kept = np.float32(1.0 - 0.7 * road.wear)
    on, off = road.dash_m
    if road.middle == "double":
        middle = np.minimum(flat.line(flat.x_m - _LINE_M) + flat.line(flat.x_m + _LINE_M), 1.0)
    else:
        middle = flat.line(flat.x_m)
    if road.middle == "dashed":
        middle *= (flat.z_m + np.float32(road.phase_m)) % (on + off) < on
    lay_over(way, paint(customs.centre_line), kept * middle)
    if road.edges:
        lay_over(way, paint(road.edges), kept * flat.line(np.abs(flat.x_m) - np.float32(road.half_m - 0.35)))


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
