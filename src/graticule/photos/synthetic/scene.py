"""One photo of the synthetic planet: a street-like scene that looks as its place does."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from graticule.errors import CoordinateError, UsageError
from graticule.geo.countries import continent_of
from graticule.geo.outlines import country_of
from graticule.geo.sphere import check_latlon
from graticule.photos.synthetic import noise
from graticule.photos.synthetic.canvas import OVERSAMPLING, Camera, Canvas
from graticule.photos.synthetic.chance import between, brighter, mix
from graticule.photos.synthetic.climate import climate_of
from graticule.photos.synthetic.customs import Customs, customs_of
from graticule.photos.synthetic.ground import Road, paint_ground
from graticule.photos.synthetic.growth import Growth, growth_of
from graticule.photos.synthetic.layers import Plane, from_image, to_bytes, to_image
from graticule.photos.synthetic.light import light_of
from graticule.photos.synthetic.placing import TOWN, draw_objects
from graticule.photos.synthetic.shortcuts import check_shortcuts, plant
from graticule.photos.synthetic.sky import paint_hills, paint_sky
from graticule.photos.synthetic.trip import Trip
from graticule.photos.synthetic.view import View

SMALLEST_PX: Final = 32
"""Shortest side of a photo; below it, signs and lines are less than a pixel."""

LARGEST_PX: Final = 8192
"""Longest side of a photo."""


def render(
    latlon: ArrayLike,
    *,
    rng: np.random.Generator,
    size_px: tuple[int, int] = (224, 224),
    shortcut: str | Collection[str] | None = None,
    country: str | None = None,
    trip: Trip | None = None,
) -> tuple[Image.Image, NDArray[np.uint8]]:
    """A photo as it might be taken at a place, and the mask of the shortcuts planted in it.

    Convention:
        - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(2,)``
        - ``size_px`` is (width, height); the photo is RGB
        - the mask is uint8, shape (height, width), 255 where a shortcut is planted
        - ``country`` is an ISO 3166-1 alpha-2 code, looked up by the outlines when left out
        - ``trip`` gives season, weather and camera, drawn from ``rng`` when left out
        - the same state of ``rng`` gives the same photo, bit for bit; with and without ``shortcut``, photos
          that differ exactly where the mask says

    Raises:
        CoordinateError: the place is not on Earth, or not one place.
        UsageError: an unknown shortcut or country, or a size out of bounds.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> photo, mask = render((65.0, 27.0), rng=rng, size_px=(64, 48), shortcut="hood")
        >>> photo.size, mask.shape, int(mask[-1, 32]), int(mask[0, 0])
        ((64, 48), (48, 64), 255, 0)
    """
    place = check_latlon(latlon)
    if place.shape != (2,):
        raise CoordinateError(
            f"A photo is taken at one place, shape (2,), but these have shape {place.shape}."
        )
    latitude, longitude = place.tolist()
    check_size(size_px)
    names = check_shortcuts([shortcut] if isinstance(shortcut, str) else shortcut or [])
    code = country or country_of(place).item()
    if code is not None and continent_of(code) is None:
        raise UsageError(
            f"There is no country with the code '{code}'.\nGive an ISO 3166-1 alpha-2 code, such as GH."
        )
    planting = np.random.default_rng(int(rng.integers(2**63)))
    trip = trip or Trip.drawn(rng)
    pixels, open_sky = _scene(latitude, longitude, code, trip, size_px, rng)
    mask = np.zeros(open_sky.shape, dtype=np.uint8)
    if names:
        pixels, mask = plant(
            pixels, names, country=code, open_sky=open_sky, clouds_seed=trip.clouds_seed, rng=planting
        )
    return Image.fromarray(pixels), mask


def check_size(size_px: tuple[int, int]) -> None:
    """Refuse sizes (width, height) that no scene can be drawn at.

    Raises:
        UsageError: a side is shorter than ``SMALLEST_PX`` or longer than ``LARGEST_PX``.
    """
    width, height = size_px
    if min(width, height) < SMALLEST_PX or max(width, height) > LARGEST_PX:
        raise UsageError(
            f"Photos of {width}x{height} px cannot be drawn; "
            f"each side has to be {SMALLEST_PX} to {LARGEST_PX} px.\n"
            "Type for example:  --size 224x224"
        )


def _scene(
    latitude: float,
    longitude: float,
    country: str | None,
    trip: Trip,
    size_px: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The photo without shortcuts (height, width, 3), and where one sees sky (height, width)."""
    climate = climate_of(latitude, longitude)
    light = light_of(climate, trip)
    customs, growth = customs_of(country), growth_of(climate, trip.month)
    town = rng.random()
    road = road_of(customs, growth, town, rng, wet=climate.rain * light.cloudy > 0.55 and rng.random() < 0.4)
    camera = camera_on(customs, road, trip, size_px, town, rng)
    view = View(camera, climate, customs, growth, light)
    planes = paint_sky(camera, light, trip.wind)
    open_sky = paint_hills(planes, view, rng)
    paint_ground(planes, view, road, phase=between(rng, 0.0, noise.TILE))
    background = to_bytes(planes)
    canvas = Canvas(to_image(background), camera, light)
    draw_objects(canvas, customs, growth, road, town, rng)
    seen = from_image(canvas.image.reduce(OVERSAMPLING))
    untouched = (seen == background).all(axis=0)
    return _developed(seen, ~untouched, trip, rng), open_sky & untouched


def road_of(customs: Customs, growth: Growth, town: float, rng: np.random.Generator, *, wet: bool) -> Road:
    """A road as the country mostly builds them; ``town`` says whether it is a street (see ``placing``)."""
    paved = rng.random() < customs.paved + (0.15 if town < TOWN else 0.0)
    tone = between(rng, 0.8, 1.2) * (0.7 if wet else 1.0)
    grey = between(rng, 70.0, 125.0)
    middle = "dashed" if rng.random() < 0.6 else "double" if customs.double_line else "solid"
    lined = paved and rng.random() < (0.65 if town < TOWN else 0.9)
    return Road(
        paved=paved,
        surface=brighter(mix(customs.asphalt, (grey, grey, grey), 0.5) if paved else growth.soil, tone),
        half_m=customs.lane_m * (1.0 if paved else between(rng, 0.6, 0.8)),
        pavement_m=between(rng, 1.2, 2.6) if paved and town < TOWN else 0.0,
        middle=middle if lined else None,
        edges=customs.edge_line if rng.random() < 0.85 else None,
        dash_m=customs.dash_m if rng.random() < 0.7 else (between(rng, 2.0, 6.0), between(rng, 3.0, 9.0)),
        phase_m=between(rng, 0.0, 20.0),
        wear=rng.random() ** 2,
    )


def camera_on(
    customs: Customs, road: Road, trip: Trip, size_px: tuple[int, int], town: float, rng: np.random.Generator
) -> Camera:
    """A camera on a car that keeps to the country's side of ``road``; ``size_px`` is (width, height)."""
    width, height = size_px
    side = -1.0 if customs.left else 1.0
    return Camera(
        width_px=width,
        height_px=height,
        focal_px=trip.focal * width,
        horizon_px=(0.5 + trip.tilt + between(rng, -0.02, 0.02)) * height,
        vanishing_px=(0.5 + rng.normal(0.0, 0.03)) * width,
        height_m=trip.camera_height_m,
        offset_m=side * road.half_m * between(rng, 0.4, 0.55) * (1.0 if road.paved else 0.5),
        bend_per_m=float(np.clip(rng.normal(0.0, 0.0006), -0.0015, 0.0015)) * (0.2 if town < TOWN else 1.0),
        bearing_deg=between(rng, 0.0, 360.0),
    )


def _developed(
    seen: NDArray[np.uint8], objects: NDArray[np.bool_], trip: Trip, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """What the trip's camera makes of the light, (height, width, 3): exposure, warmth, dark corners, grain.

    Objects, which are drawn in flat colours, get some texture here.
    """
    _, height, width = seen.shape
    grain = _cut(noise.grain_tile(), width, height, rng)
    rough = _cut(noise.fine_tile(), width, height, rng)
    bright = np.float32(trip.exposure * 1.03) * (1.0 - np.float32(trip.vignette) * _corners(width, height))
    bright *= 1.0 + objects * (np.float32(0.15) * (rough - np.float32(0.5)))
    planes = seen * bright
    planes[0] *= np.float32(trip.warmth)
    planes[2] /= np.float32(trip.warmth)
    planes += np.float32(trip.grain) * grain
    return np.ascontiguousarray(np.moveaxis(to_bytes(planes), 0, -1))


@functools.lru_cache(maxsize=8)
def _corners(width: int, height: int) -> Plane:
    """How far each pixel lies from the middle: 0 there, 1 in the corners; shape (height, width)."""
    x = (np.arange(width, dtype=np.float32) + 0.5) / width - 0.5
    y = (np.arange(height, dtype=np.float32) + 0.5) / height - 0.5
    return 2.0 * (x[None, :] ** 2 + y[:, None] ** 2)


def _cut(tile: Plane, width: int, height: int, rng: np.random.Generator) -> Plane:
    """A piece of a texture, shape (height, width), cut anywhere; pieces larger than the texture repeat it."""
    side = len(tile)
    top, left = int(rng.integers(side)), int(rng.integers(side))
    if top + height <= side and left + width <= side:
        return tile[top : top + height, left : left + width]
    return tile[(np.arange(top, top + height) % side)[:, None], np.arange(left, left + width) % side]
