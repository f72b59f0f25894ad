"""What nature looks like at a place: warmth, rain, mountains, soil. Smooth functions on the sphere.

Latitude gives the bands; discs give what latitude alone does not know: deserts, monsoons, warm coasts,
ranges, plateaus, soils. A caricature of the Earth, right enough that a person recognises Norway and Niger.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.config import EARTH_RADIUS_KM
from graticule.geo.sphere import unit_vectors
from graticule.photos.synthetic.chance import Colour, ramp

Disc = tuple[float, float, float, float]
"""Latitude and longitude in degrees, radius in km, strength at the centre."""

# fmt: off
_WARMTH_C: Final[list[Disc]] = [  # beside what latitude and height say
    (58, 2, 1700, 9), (66, 12, 700, 6), (52, -128, 900, 6), (62, 112, 2100, -7), (58, -92, 1400, -5),
    (24, 45, 1500, 3), (22, 5, 1800, 3), (-24, 133, 1300, 3), (-45, -70, 900, 2), (36, 139, 700, 2),
    (41, 13, 900, 2.5), (55, 38, 900, 3), (40, -80, 900, 2),
]
_CONTINENTALITY: Final[list[Disc]] = [
    (62, 105, 2400, 1.0), (45, 80, 1900, 0.8), (46, 122, 1000, 0.8), (54, -100, 1700, 0.8),
    (54, 45, 1300, 0.5), (56, 0, 1500, -0.35), (-40, 0, 4000, -0.2),
]
_RAIN: Final[list[Disc]] = [
    (-4, -63, 1800, .35), (0, 20, 1100, .25), (12, 104, 1700, .45), (23, 90, 900, .5), (25, 80, 600, .35),
    (26, 113, 1000, .5), (35, 137, 900, .45), (34, -84, 1100, .45), (6, -2, 1100, .3), (-25, -51, 900, .45),
    (-42, 172, 800, .5), (52, 2, 1100, .2), (-18, 49, 450, .35), (-31, 153, 500, .35), (14, -88, 800, .4),
    (19, -72, 700, .35), (-43, -74, 600, .45), (42, 42, 300, .3), (46, -122, 400, .3),
    (10, 76, 500, .4), (62, 6, 500, .3),
    (23, 4, 1900, -.6), (23, 26, 1700, -.6), (24, 46, 1300, -.55), (33, 57, 900, -.35), (27, 70, 600, -.4),
    (41, 60, 1100, -.4), (39, 83, 900, -.5), (43, 105, 900, -.4), (6, 46, 800, -.55), (-24, 17, 1000, -.45),
    (-22, -69, 600, -.55), (-12, -77, 400, -.5), (-46, -69, 700, -.35), (33, -112, 900, -.35),
    (27, -104, 700, -.3), (40, -116, 700, -.3), (-25, 129, 1600, -.5), (-9, -40, 600, -.4), (3, 38, 600, -.4),
    (38, -3, 450, -.2), (33, 88, 1100, -.35), (39, 33, 400, -.15), (-30, 24, 500, -.3),
]
_RUGGED: Final[list[Disc]] = [
    (46.5, 10, 350, 1), (42.6, 1, 200, .7), (64, 13, 500, .6), (61, 7.5, 350, .8), (47.5, 24.5, 300, .5),
    (42.5, 20, 350, .6), (43, 12.5, 250, .4), (39, 40, 600, .6), (42.7, 44, 350, 1), (33, 49, 500, .7),
    (36, 52, 300, .8), (35, 70, 500, 1), (28.5, 84, 330, 1.2), (32, 78, 350, 1.1), (28.5, 92, 400, 1.1),
    (33, 88, 1000, .8), (42, 77, 700, 1), (49, 88, 600, .8), (27, 101, 500, .8), (60, 59, 500, .35),
    (36, 138, 250, .6), (38, 128, 250, .4), (23.7, 121, 150, .8), (39, -106, 600, .8), (46, -112, 700, .8),
    (52, -118, 600, 1), (45, -121.5, 350, .7), (37, -119, 300, .8), (63, -150, 700, .9), (25, -106, 500, .6),
    (19, -98, 350, .6), (15, -91, 250, .6), (5, -75, 400, .9), (-2, -78.5, 350, .9), (-11, -75.5, 500, 1),
    (-17, -68, 600, 1), (-25, -67, 500, 1), (-33, -70, 400, 1.1), (-42, -72, 350, .8), (-50, -73.3, 300, .8),
    (32, -5, 400, .7), (9.5, 39, 500, .8), (-2, 29.5, 350, .6), (0, 36.8, 250, .4), (-29.5, 29, 300, .7),
    (-19, 47, 300, .4), (-43.5, 170.5, 300, 1), (-6, 144, 400, .8), (-7, 110, 300, .5), (-1, 101, 300, .5),
    (16.5, 121, 250, .5), (-36.5, 148, 250, .4), (64.7, -18, 250, .6), (57, -5, 150, .5), (-20, -44, 400, .3),
    (10.5, 77, 200, .4), (20.5, 103, 350, .5), (55, 159, 400, .8), (65, 140, 900, .5), (15, 44, 250, .7),
    (23.3, 57.3, 150, .6), (23, 5.5, 250, .5), (21, 17.5, 250, .5), (6, 10.5, 200, .5), (70, -40, 900, .6),
]
_PLATEAU_KM: Final[list[Disc]] = [
    (33.5, 88, 800, 2.6), (-18, -68, 500, 1.8), (9, 39, 400, .9), (-27, 27, 600, 1.0), (23, -102, 500, 1.0),
    (39, -106, 500, 1.0), (46, 103, 800, .8), (33, 56, 600, .8), (39, 34, 400, .6), (0, 36, 500, .9),
    (72, -40, 800, 2),
]
_SOILS: Final[list[tuple[Colour, list[Disc]]]] = [
    ((168, 88, 52), [(9, -4, 1200, 1), (-1, 33, 900, 1), (1, 20, 900, .7), (-15, -50, 1400, .9),
                     (-12, 24, 900, .9), (-19, 47, 500, 1.3), (13, 104, 800, .7),
                     (17, 77, 700, .7), (33, -84, 500, .8)]),
    ((196, 88, 46), [(-25, 131, 1500, 2.2)]),
    ((222, 190, 138), [(23, 5, 1700, 2), (23, 26, 1500, 2), (24, 47, 1200, 2), (39, 83, 800, 2),
                       (-24, 14.5, 400, 1.2)]),
    ((190, 165, 130), [(33, 57, 900, 1.5), (43, 106, 900, 1.5), (33, -112, 800, 1.2), (-23, -69, 600, 1.6),
                       (41, 60, 1000, 1.5), (27, 69, 500, 1.2), (38, -3, 450, .8)]),
    ((78, 64, 52), [(50, 36, 900, 1.6), (42, -93, 700, 1.4), (-35, -61, 600, 1.4), (46, 126, 500, 1.4)]),
    ((198, 168, 108), [(37, 109, 600, 1.6)]),
    ((128, 124, 114), [(63, 17, 900, 1.4), (58, -85, 1500, 1.3), (64, 115, 1800, .8), (64.7, -18, 250, 1.5)]),
]
# fmt: on
_BASE_SOIL: Final[Colour] = (150.0, 125.0, 95.0)
_BASE_SOIL_WEIGHT: Final = 0.4

_HOTTEST_NORTH: Final = 6.7  # months since 1 January; half a year later in the south
_COOLING_C_PER_KM: Final = 5.5


@dataclass(frozen=True)
class Climate:
    """Nature at one place.

    Convention:
        - ``mean_c``: mean of the year, degrees Celsius; ``swing_c``: by how much the hottest month is hotter
        - ``rain``: 0 (desert) to 1 (rainforest); ``rugged``: 0 (plain) to 1 (high mountains)
        - ``height_km`` above the sea; ``soil``: the colour of bare ground
        - ``regional``: three slow waves over the Earth, each in [-1, 1], by which greens and greys drift
    """

    latitude: float
    longitude: float
    mean_c: float
    swing_c: float
    rain: float
    rugged: float
    height_km: float
    soil: Colour
    regional: tuple[float, float, float]

    def month_c(self, month: float) -> float:
        """Mean temperature at a time of the year, in degrees Celsius; ``month`` is 0 to 12 from 1 January."""
        hottest = _HOTTEST_NORTH + (6.0 if self.latitude < 0 else 0.0)
        return self.mean_c + self.swing_c * math.cos((month - hottest) * math.tau / 12.0)


def climate_of(latitude: float, longitude: float) -> Climate:
    """The climate at a place on Earth, in degrees.

    Example:
        >>> sahara, finland = climate_of(23.0, 8.0), climate_of(65.0, 27.0)
        >>> sahara.rain < finland.rain, sahara.mean_c > 20 > 5 > finland.mean_c
        (True, True)
    """
    unit, sharpness, strengths = _fields()
    place = unit_vectors([latitude, longitude])
    sums = (np.exp(sharpness * (unit @ place - 1.0)) @ strengths).tolist()
    warmth, continental, rain_here, rugged, plateau_km, *soils = sums
    height_km = 1.1 * min(rugged, 1.3) + plateau_km  # valleys, where roads run
    tilt = abs(math.sin(math.radians(latitude))) ** 2.3
    mean_c = 28.0 - 43.0 * tilt + warmth - _COOLING_C_PER_KM * height_km
    inland = max(0.15, (0.42 if latitude < 0 else 0.6) + continental)  # the south is mostly sea
    return Climate(
        latitude=latitude,
        longitude=longitude,
        mean_c=mean_c,
        swing_c=1.0 + 0.29 * abs(latitude) * inland,
        rain=min(1.0, max(0.0, _band_rain(latitude) + rain_here)),
        rugged=min(1.0, rugged),
        height_km=height_km,
        soil=_soil(soils),
        regional=_waves(place),
    )


def _band_rain(latitude: float) -> float:
    """Wet at the equator and where the west winds blow, dry between and at the poles."""
    tropics = 0.62 * math.exp(-((latitude / 12.0) ** 2))
    westerlies = 0.42 * math.exp(-(((abs(latitude) - 52.0) / 17.0) ** 2))
    return 0.14 + tropics + westerlies - 0.1 * ramp(abs(latitude), 62.0, 80.0)


def _soil(weights: list[float]) -> Colour:
    total = _BASE_SOIL_WEIGHT + sum(weights)
    red, green, blue = (
        (
            _BASE_SOIL_WEIGHT * _BASE_SOIL[channel]
            + sum(w * soil[channel] for w, (soil, _) in zip(weights, _SOILS, strict=True))
        )
        / total
        for channel in range(3)
    )
    return red, green, blue


def _waves(place: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = place.tolist()
    return (
        math.sin(5.1 * x + 2.3 * y + 1.0),
        math.sin(4.3 * y - 3.7 * z + 2.0),
        math.sin(6.7 * z + 3.1 * x - 0.5),
    )


@functools.cache
def _fields() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """All discs: their centres (D, 3), how sharp each is (D,), and its strength in each field (D, F)."""
    fields = [_WARMTH_C, _CONTINENTALITY, _RAIN, _RUGGED, _PLATEAU_KM, *(discs for _, discs in _SOILS)]
    discs = np.array([disc for field in fields for disc in field], dtype=np.float64)
    column = np.repeat(np.arange(len(fields)), [len(field) for field in fields])
    strengths = np.zeros((len(discs), len(fields)))
    strengths[np.arange(len(discs)), column] = discs[:, 3]
    # exp(s (cos a - 1)) is about exp(-s a^2 / 2), which is 1/e at the disc's radius r for s = 2 (R / r)^2
    return unit_vectors(discs[:, :2]), 2.0 * (EARTH_RADIUS_KM / discs[:, 2]) ** 2, strengths
