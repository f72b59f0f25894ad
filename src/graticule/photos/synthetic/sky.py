"""Everything above the horizon: sky, sun, clouds, mountains, far woods."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.photos.synthetic import noise
from graticule.photos.synthetic.canvas import Camera
from graticule.photos.synthetic.chance import between, brighter, mix, ramp
from graticule.photos.synthetic.layers import Plane, Planes, in_light, lay_over, paint
from graticule.photos.synthetic.light import Light
from graticule.photos.synthetic.view import View

_CLOUD_TEXELS: Final = 140.0  # per unit of the plane that clouds lie in: three to five clouds across the view
_SNOW: Final = (240.0, 243.0, 250.0)


def paint_sky(camera: Camera, light: Light, wind: float) -> Planes:
    """Sky with sun and clouds down to the horizon, shape (3, height, width); its colour goes on below.

    Convention:
        - ``wind`` moves the clouds, in texels
    """
    sky = np.empty((3, camera.height_px, camera.width_px), dtype=np.float32)
    share = (1.0 - np.exp(-5.8 * _rise(camera))) / (1.0 - math.exp(-3.2))
    horizon, zenith = paint(light.horizon), paint(light.zenith)
    sky[:] = horizon + share[:, None] * (zenith - horizon)
    above = rows_above(camera)
    glow = _glow(camera, light, above)
    if glow is not None:
        sky[:, :above] += glow * paint((70.0, 60.0, 40.0))
    if light.cloudy > 0.03:
        cover, body = _clouds(camera, light.cloudy, wind, above)
        grey = mix(light.cloud, light.horizon, 0.3 + 0.5 * ramp(light.cloudy, 0.5, 0.9))
        shadow = paint(brighter(grey, 0.86))
        lay_over(sky[:, :above], shadow + body * (paint(light.cloud) - shadow), cover)
    return sky


def rows_above(camera: Camera) -> int:
    """How many rows of the picture lie above the horizon, at least one."""
    return max(1, min(camera.height_px, math.ceil(camera.horizon_px)))


def paint_hills(planes: Planes, view: View, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mountains and far woods painted into ``planes``; returns where sky is left, shape (height, width)."""
    camera, rugged = view.camera, view.climate.rugged
    open_sky = np.zeros(planes.shape[1:], dtype=np.bool_)
    open_sky[: rows_above(camera)] = True
    for layer, haze in ((0, 0.6), (1, 0.32)):
        tall = (0.02 + 0.27 * rugged**1.3) * (1.0 - 0.42 * layer) * between(rng, 0.6, 1.25)
        ridge = _outline(noise.ridge_line(), camera, rng, texels=700.0 / (1 + layer)) ** 1.4
        ridge *= tall * camera.height_px
        first, depth, inside = _under(ridge, camera)
        slope = _slope(view, depth, ridge, start=rng.random() * noise.TILE)
        lay_over(slope, paint(view.light.horizon), haze)
        lay_over(planes[:, first : first + len(depth)], slope, inside)
        open_sky[first : first + len(depth)] &= inside <= 0.0
    _paint_woods(planes, open_sky, view, rng)
    return open_sky


def _slope(view: View, depth: Plane, ridge: Plane, *, start: float) -> Planes:
    """One range of hills: facets that catch the light or do not, and snow above a line."""
    camera, climate, growth, light = view.camera, view.climate, view.growth, view.light
    relief = _relief(camera, light, depth, start)
    woods = growth.density * (1.0 - 0.4 * growth.bare)
    rock = mix(brighter(climate.soil, 0.72), brighter(growth.leaves, 0.95), 0.85 * min(1.0, 1.3 * woods))
    slope: Planes = paint(in_light(rock, light)) * (1.0 + np.clip(2.2 * relief, -0.5, 0.5))
    line = 0.04 + 0.011 * max(0.0, climate.mean_c - 6.0 * climate.rugged + 3.0)
    over = (ridge - depth) / np.float32(camera.height_px) - line + 0.06 * relief
    peaks = np.clip(over * 30.0, 0.0, 1.0) * np.float32(ramp(climate.rugged, 0.35, 0.6))
    white = paint(in_light(_SNOW, light)) * (1.0 + np.clip(relief, -0.3, 0.2))
    lay_over(slope, white, np.maximum(peaks, np.float32(0.8 * growth.snow)))
    return slope


def _relief(camera: Camera, light: Light, depth: Plane, start: float) -> Plane:
    """How much more light each spot of a slope gets than the mean, by the lie of its spurs."""
    columns = np.arange(camera.width_px, dtype=np.float32) * np.float32(224.0 / camera.width_px)
    down = depth * np.float32(224.0 / camera.height_px)
    across = columns * 1.7 + down * 1.3 + start  # spurs run down aslant
    along = down * 2.6 - columns * 0.5
    turn = (light.sun_bearing_deg - camera.bearing_deg) % 360.0
    shift = 7.0 if turn < 180.0 else -7.0
    tile = noise.soft_tile()
    relief = noise.looked_up(tile, along, across) - noise.looked_up(tile, along, across + shift)
    relief *= 1.6 * (1.25 - light.shade)
    return relief


def _paint_woods(planes: Planes, open_sky: NDArray[np.bool_], view: View, rng: np.random.Generator) -> None:
    """The line where woods end the view: jagged where they are spruces, round where they are not."""
    camera, growth, light = view.camera, view.growth, view.light
    spiky = growth.trees["spruce"] > 0.4 * sum(growth.trees.values())
    line = 0.5 + 0.5 * _outline(noise.tree_line(), camera, rng, texels=450.0 if spiky else 130.0)
    shape = 0.35 + 0.65 * _outline(noise.ridge_line(), camera, rng, texels=400.0)
    tall = camera.height_px * (0.012 + 0.075 * growth.density**1.5) * between(rng, 0.7, 1.3)
    first, depth, inside = _under(tall * line * shape, camera)
    leaves = mix(brighter(growth.leaves, 0.8), (150.0, 132.0, 104.0), 0.7 * growth.bare)
    leaves = mix(leaves, growth.soil, 0.7 * (1.0 - min(1.0, 4.0 * growth.density)))
    leaves = mix(leaves, (232.0, 236.0, 242.0), 0.45 * growth.snow)
    tone = 1.12 - np.minimum(0.35, depth / np.float32(tall + 1.0))
    woods = paint(mix(in_light(leaves, light), light.horizon, 0.22)) * tone
    lay_over(planes[:, first : first + len(depth)], woods, inside)
    open_sky[first : first + len(depth)] &= inside <= 0.0


def _under(edge: Plane, camera: Camera) -> tuple[int, Plane, Plane]:
    """What lies under an edge that rises ``edge`` px from the horizon, by column.

    Convention:
        - the first row that it reaches; then, for the rows from there to the horizon, how many px each pixel
          lies below the edge, and which share of it does
    """
    above = rows_above(camera)
    first = max(0, min(above - 1, int(camera.horizon_px - float(edge.max())) - 1))
    rows = np.arange(first, above, dtype=np.float32)[:, None]
    depth = rows - (np.float32(camera.horizon_px) - edge)
    return first, np.maximum(depth, 0.0), np.clip(depth + 0.5, 0.0, 1.0)


def _clouds(camera: Camera, cloudy: float, wind: float, above: int) -> tuple[Plane, Plane]:
    """How dense clouds are in each pixel above the horizon, and how bright; both (above, width) in [0, 1]."""
    far = (1.0 / (_rise(camera)[:above, None] + np.float32(0.07))).astype(np.float32)
    across = (np.arange(camera.width_px, dtype=np.float32) - np.float32(camera.vanishing_px)) / np.float32(
        camera.focal_px
    )
    u = across * (far * np.float32(_CLOUD_TEXELS)) + np.float32(wind)
    v = far * np.float32(_CLOUD_TEXELS) + np.float32(0.37 * wind)
    tile = noise.soft_tile()
    smooth = camera.width_px > noise.TILE
    height = noise.looked_up(tile, v, u, smooth=smooth)
    height += 0.22 * (noise.looked_up(tile, 3.0 * v, 3.0 * u, smooth=smooth) - 0.5)
    threshold = np.float32(1.08 - 1.16 * cloudy)
    cover = np.clip((height - threshold) * np.float32(3.5), 0.0, 1.0)
    cover *= np.clip(2.2 - 0.14 * far, 0.35, 1.0)  # the farthest ones merge with the haze
    above_it = noise.looked_up(tile, v - 18.0, u, smooth=smooth)
    return cover, np.clip(1.25 - 1.5 * (above_it - threshold), 0.0, 1.0)


def _outline(line: Plane, camera: Camera, rng: np.random.Generator, *, texels: float) -> Plane:
    """A stretch of a line texture, one value per column; ``texels`` of it fill the view."""
    start = rng.random() * noise.LINE
    position = start + np.arange(camera.width_px, dtype=np.float32) * np.float32(texels / camera.width_px)
    left = position.astype(np.int32)
    share = (position - left).astype(np.float32)
    return line[left % noise.LINE] * (1 - share) + line[(left + 1) % noise.LINE] * share


def _glow(camera: Camera, light: Light, above: int) -> Plane | None:
    """Brightness around the sun, shape (above, width); None where it is far out of view."""
    turn = (light.sun_bearing_deg - camera.bearing_deg + 180.0) % 360.0 - 180.0
    if abs(turn) > 60.0 or light.sun_height_deg > 60.0:
        return None
    radius = 0.16 * camera.width_px
    x = camera.vanishing_px + camera.focal_px * math.tan(math.radians(turn))
    y = camera.horizon_px - camera.focal_px * math.tan(math.radians(light.sun_height_deg))
    columns = (np.arange(camera.width_px, dtype=np.float32) - np.float32(x)) / np.float32(radius)
    rows = (np.arange(above, dtype=np.float32) - np.float32(y)) / np.float32(radius)
    clear = 1.0 - 0.85 * ramp(light.cloudy, 0.5, 0.85)
    wide = np.exp(-(columns**2)) * np.float32(0.9 * clear)
    disc = np.exp(-16.0 * columns**2) * np.float32(2.5 * clear)
    return np.asarray(
        np.exp(-(rows**2))[:, None] * wide + np.exp(-16.0 * rows**2)[:, None] * disc, dtype=np.float32
    )


def _rise(camera: Camera) -> Plane:
    """How high each row looks above the horizon (the tangent), 0 below it; shape (height,)."""
    rows = np.arange(camera.height_px, dtype=np.float32)
    rise: Plane = np.maximum(0.0, (camera.horizon_px - rows) / camera.focal_px)
    return rise
