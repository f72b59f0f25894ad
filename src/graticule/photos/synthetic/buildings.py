"""Houses along the road: walls, windows, doors, shop signs and the roofs of the country."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graticule.photos.synthetic.canvas import Canvas
from graticule.photos.synthetic.chance import Colour, between, brighter, mix, pick, varied
from graticule.photos.synthetic.customs import ROOF_COLOURS, WALL_COLOURS, Customs
from graticule.photos.synthetic.growth import Growth
from graticule.photos.synthetic.lettering import write

_STOREY_M = 3.0


@dataclass(frozen=True)
class Plot:
    """Where a house stands.

    Convention:
        - ``side`` is -1 left of the road, 1 right of it; ``near_m``: from the road's middle to its front
        - ``deep_m``: away from the road; ``from_m`` to ``to_m``: along the road, ahead of the camera
    """

    side: int
    near_m: float
    deep_m: float
    from_m: float
    to_m: float
    storeys: int

    @property
    def near(self) -> float:
        """``x_m`` of the front."""
        return self.side * self.near_m

    @property
    def far(self) -> float:
        """``x_m`` of the back."""
        return self.side * (self.near_m + self.deep_m)

    @property
    def height_m(self) -> float:
        """From the ground to the eaves."""
        return self.storeys * _STOREY_M + 0.4


def draw_house(
    canvas: Canvas, plot: Plot, customs: Customs, growth: Growth, rng: np.random.Generator, *, shop: bool
) -> None:
    """One house: the wall that faces the camera, the wall along the road, windows, roof."""
    usual = rng.random() > 0.25
    wall = varied(rng, pick(rng, customs.walls if usual else WALL_COLOURS), 0.1)
    kind = customs.roof if usual else pick(rng, list(ROOF_COLOURS))
    gable = 1.0 if _sun_on_front(canvas) else canvas.light.shade + 0.1
    front = 1.0 if _sun_on_side(canvas, plot.side) else canvas.light.shade + 0.1
    height = plot.height_m
    near, far, z0, z1 = plot.near, plot.far, plot.from_m, plot.to_m
    canvas.face(
        [(near, 0, z0), (near, height, z0), (near, height, z1), (near, 0, z1)], canvas.lit(wall, z0, front)
    )
    canvas.box((near, far), (0, height), z0, canvas.lit(wall, z0, gable))
    _windows(canvas, plot, rng, wall)
    roof = mix(
        varied(rng, pick(rng, customs.roof_colours if usual else ROOF_COLOURS[kind]), 0.12),
        (236.0, 239.0, 244.0),
        0.85 * growth.snow,
    )
    _ROOFS[kind](canvas, plot, roof, (gable, front), wall)
    if shop:
        _shop(canvas, plot, customs, rng)


def draw_hut(canvas: Canvas, x_m: float, z_m: float, growth: Growth, rng: np.random.Generator) -> None:
    """A round house of clay under straw."""
    wall = varied(rng, mix((188.0, 146.0, 104.0), growth.soil, 0.6), 0.1)
    radius = between(rng, 1.7, 2.4)
    canvas.shadow(x_m, z_m, 1.4 * radius)
    canvas.box((x_m - radius, x_m + radius), (0, 1.9), z_m, canvas.lit(wall, z_m, 0.95))
    canvas.box((x_m, x_m + radius), (0, 1.9), z_m, canvas.lit(wall, z_m, canvas.light.shade + 0.15))
    canvas.box((x_m - 0.35, x_m + 0.35), (0, 1.5), z_m, canvas.lit((52.0, 42.0, 36.0), z_m))
    straw = varied(rng, (168.0, 142.0, 92.0), 0.12)
    eaves = 1.35 * radius
    canvas.face([(x_m - eaves, 1.7, z_m), (x_m + eaves, 1.7, z_m), (x_m, 4.1, z_m)], canvas.lit(straw, z_m))
    canvas.face(
        [(x_m + 0.2, 1.7, z_m), (x_m + eaves, 1.7, z_m), (x_m, 4.1, z_m)], canvas.lit(straw, z_m, 0.82)
    )


def _sun_on_front(canvas: Canvas) -> bool:
    turn = (canvas.light.sun_bearing_deg - canvas.camera.bearing_deg) % 360.0
    return 90.0 < turn < 270.0


def _sun_on_side(canvas: Canvas, side: int) -> bool:
    turn = (canvas.light.sun_bearing_deg - canvas.camera.bearing_deg) % 360.0
    return (turn > 180.0) == (side > 0)


def _windows(canvas: Canvas, plot: Plot, rng: np.random.Generator, wall: Colour) -> None:
    """Windows on both visible walls, a door in the one along the road; none where they would be too small."""
    if canvas.length(1.0, plot.from_m) < 3.5:
        return
    glass = canvas.lit(pick(rng, [(58.0, 70.0, 84.0), (44.0, 50.0, 58.0), (88.0, 104.0, 118.0)]), plot.from_m)
    frame = canvas.lit(mix(wall, (250.0, 250.0, 248.0), 0.7), plot.from_m)
    long = plot.to_m - plot.from_m
    columns = max(1, int(long / between(rng, 2.4, 3.4)))
    for storey in range(plot.storeys):
        low = storey * _STOREY_M + 1.0
        for column in range(columns):
            z = plot.from_m + long * (column + 0.5) / columns
            door = storey == 0 and column == columns // 2
            bottom, half = (0.0, 0.55) if door else (low, 0.6)
            corners = [(plot.near, bottom, z - half), (plot.near, low + 1.2, z - half)]
            corners += [(plot.near, low + 1.2, z + half), (plot.near, bottom, z + half)]
            canvas.face(corners, glass)
        for column in range(max(1, int(plot.deep_m / 3.0))):
            x = plot.near + plot.side * (1.5 + 3.0 * column)
            canvas.box((x - 0.65, x + 0.65), (low - 0.1, low + 1.35), plot.from_m, frame)
            canvas.box((x - 0.5, x + 0.5), (low, low + 1.2), plot.from_m, glass)


def _flat(canvas: Canvas, plot: Plot, roof: Colour, light: tuple[float, float], wall: Colour) -> None:
    """A parapet, and sometimes a tank or the iron of a storey to come."""
    h, top = plot.height_m, plot.height_m + 0.5
    edge = canvas.lit(mix(wall, roof, 0.5), plot.from_m, 0.9 * light[0])
    canvas.box((plot.near, plot.far), (h, top), plot.from_m, edge)
    near, z0, z1 = plot.near, plot.from_m, plot.to_m
    canvas.face(
        [(near, h, z0), (near, top, z0), (near, top, z1), (near, h, z1)],
        canvas.lit(mix(wall, roof, 0.5), z0, 0.9 * light[1]),
    )
    x = plot.near + plot.side * 0.6 * plot.deep_m
    canvas.box((x - 0.7, x + 0.7), (top, top + 1.4), plot.from_m, canvas.lit((70.0, 74.0, 82.0), plot.from_m))


def _pitched(
    canvas: Canvas,
    plot: Plot,
    roof: Colour,
    light: tuple[float, float],
    wall: Colour,
    *,
    pitch: float,
    eaves_m: float,
) -> None:
    """Two slopes with the ridge along the road; the gable faces the camera."""
    h, z0, z1 = plot.height_m, plot.from_m - eaves_m, plot.to_m
    near, far = plot.near - plot.side * eaves_m, plot.far + plot.side * eaves_m
    middle, top = (plot.near + plot.far) / 2, h + pitch * plot.deep_m / 2
    canvas.face(
        [(plot.near, h, plot.from_m), (plot.far, h, plot.from_m), (middle, top, plot.from_m)],
        canvas.lit(wall, z0, light[0]),
    )
    low = h - pitch * eaves_m
    if plot.side * (canvas.point(middle, top, z0)[0] - canvas.point(near, low, z0)[0]) > 0:
        canvas.face(
            [(near, low, z0), (middle, top, z0), (middle, top, z1), (near, low, z1)],
            canvas.lit(roof, z0, 0.95 * light[1]),
        )
    rim = canvas.lit(brighter(roof, 0.75), z0, light[0])
    thick = max(1, round(canvas.length(0.22, z0)))
    canvas.draw.line(
        [canvas.point(near, low, z0), canvas.point(middle, top, z0), canvas.point(far, low, z0)],
        fill=rim,
        width=thick,
    )


def _tile(canvas: Canvas, plot: Plot, roof: Colour, light: tuple[float, float], wall: Colour) -> None:
    _pitched(canvas, plot, roof, light, wall, pitch=0.55, eaves_m=0.4)


def _steep(canvas: Canvas, plot: Plot, roof: Colour, light: tuple[float, float], wall: Colour) -> None:
    _pitched(canvas, plot, roof, light, wall, pitch=1.05, eaves_m=0.3)


def _tin(canvas: Canvas, plot: Plot, roof: Colour, light: tuple[float, float], wall: Colour) -> None:
    _pitched(canvas, plot, roof, light, wall, pitch=0.3, eaves_m=0.7)


def _pagoda(canvas: Canvas, plot: Plot, roof: Colour, light: tuple[float, float], wall: Colour) -> None:
    """Wide eaves that turn up at the corners."""
    _pitched(canvas, plot, roof, light, wall, pitch=0.5, eaves_m=0.9)
    h, z = plot.height_m, plot.from_m - 0.9
    near, far = plot.near - plot.side * 1.3, plot.far + plot.side * 1.3
    inner_near, inner_far = plot.near + plot.side * 0.5, plot.far - plot.side * 0.5
    corners = [(near, h + 0.25, z), (plot.near, h - 0.3, z), (plot.far, h - 0.3, z), (far, h + 0.25, z)]
    canvas.face(
        [*corners, (inner_far, h + 0.55, z), (inner_near, h + 0.55, z)], canvas.lit(roof, z, light[0])
    )


_ROOFS = {"flat": _flat, "tile": _tile, "steep": _steep, "tin": _tin, "pagoda": _pagoda}


def _shop(canvas: Canvas, plot: Plot, customs: Customs, rng: np.random.Generator) -> None:
    """A sign that stands out from the front, upright in East Asia."""
    board = varied(
        rng,
        pick(rng, [customs.accent, (200.0, 40.0, 40.0), (30.0, 80.0, 160.0), (240.0, 236.0, 226.0)]),
        0.15,
    )
    bright = sum(board) > 480
    ink: Colour = (40.0, 40.0, 50.0) if bright else (246.0, 244.0, 236.0)
    z = plot.from_m - 0.1
    upright = customs.script in ("han", "hangul")
    wide, low, high = (0.9, 3.0, 5.4) if upright else (2.2, 2.7, 3.6)
    inner, outer = plot.near, plot.near - plot.side * wide
    left, top = canvas.point(min(inner, outer), high, z)
    right, bottom = canvas.point(max(inner, outer), low, z)
    canvas.draw.rectangle((left, top, right, bottom), fill=canvas.lit(board, z))
    lines = 3 if upright else 1
    step, margin = (bottom - top) / lines, 0.12 * (right - left)
    for line in range(lines):
        box = (left + margin, top + step * (line + 0.15), right - margin, top + step * (line + 0.85))
        write(canvas, box, customs.script, canvas.lit(ink, z), rng)
