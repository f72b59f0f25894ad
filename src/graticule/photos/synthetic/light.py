"""Sun, sky and air at a place and time: where the sun stands, how blue the sky is, how far one sees."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from graticule.photos.synthetic.chance import Colour, brighter, mix, ramp
from graticule.photos.synthetic.climate import Climate
from graticule.photos.synthetic.trip import Trip

_TILT_OF_EARTH_DEG: Final = 23.44
_SOLSTICE_MONTH: Final = 5.67  # 21 June
_LOWEST_SUN_DEG: Final = 4.0  # nobody takes street photos in the polar night


@dataclass(frozen=True)
class Light:
    """The light of one photo.

    Convention:
        - ``sun_height_deg`` above the horizon; ``sun_bearing_deg`` clockwise from north
        - ``cloudy``: share of the sky that is covered
        - ``tint``: what white paint in that light looks like, as factors around 1
        - ``shade``: brightness of what the sun does not reach, as a share of what it does
        - ``sight_m``: the distance at which air has taken 63 % of a colour
    """

    sun_height_deg: float
    sun_bearing_deg: float
    cloudy: float
    zenith: Colour
    horizon: Colour
    cloud: Colour
    tint: Colour
    shade: float
    sight_m: float


def light_of(climate: Climate, trip: Trip) -> Light:
    """The light at the trip's season, hour and weather."""
    height_deg, bearing_deg = sun_position(climate.latitude, trip.month, trip.daytime)
    cloudy = trip.clouds ** (0.55 + 2.6 * (1.0 - climate.rain))
    grey = ramp(cloudy, 0.55, 0.95)
    low = ramp(height_deg, 22.0, 3.0) * (1.0 - 0.7 * grey)
    humid = climate.rain * ramp(climate.mean_c, 14.0, 26.0)
    dusty = (1.0 - climate.rain) * ramp(climate.mean_c, 10.0, 22.0)
    # thin, dry or polar air is deep blue; humid air pale; dust makes the horizon yellow
    zenith = mix((52.0, 108.0, 190.0), (108.0, 158.0, 208.0), 0.75 * humid + 0.35 * dusty)
    zenith = mix(zenith, (34.0, 78.0, 160.0), 0.75 * ramp(climate.height_km, 0.6, 3.0))
    zenith = mix(zenith, (96.0, 142.0, 186.0), 0.6 * ramp(abs(climate.latitude), 45.0, 68.0))
    horizon = mix((186.0, 212.0, 232.0), (216.0, 222.0, 222.0), humid)
    horizon = mix(horizon, (232.0, 214.0, 180.0), 0.8 * dusty)
    horizon = mix(horizon, (250.0, 204.0, 150.0), 0.7 * low)
    zenith = mix(zenith, (120.0, 124.0, 158.0), 0.4 * low)
    overcast = brighter((198.0, 203.0, 210.0), 0.82 + 0.22 * ramp(height_deg, 5.0, 50.0))
    misty = ramp(trip.mist, 0.9, 0.97) * ramp(climate.rain, 0.15, 0.4)
    return Light(
        sun_height_deg=height_deg,
        sun_bearing_deg=bearing_deg,
        cloudy=cloudy,
        zenith=mix(zenith, overcast, max(grey, misty)),
        horizon=mix(horizon, brighter(overcast, 1.05), max(grey, misty)),
        cloud=mix((250.0, 250.0, 250.0), (255.0, 222.0, 190.0), low),
        tint=_tint(height_deg, grey, low),
        shade=0.58 + 0.34 * grey,
        sight_m=(900.0 - 550.0 * humid - 250.0 * dusty) * (1.0 - 0.4 * grey) * (1.0 - 0.88 * misty),
    )


def sun_position(latitude: float, month: float, daytime: float) -> tuple[float, float]:
    """Height and bearing of the sun, in degrees; never lower than a few degrees.

    Convention:
        - ``month`` 0 to 12 from 1 January; ``daytime`` -1 (sunrise) to 1 (sunset)

    Example:
        >>> [round(each) for each in sun_position(50.0, 5.67, 0.0)]  # noon at midsummer: high, in the south
        [63, 180]
        >>> [round(each) for each in sun_position(-30.0, 5.67, 0.0)]
        [37, 0]
    """
    declination = math.radians(_TILT_OF_EARTH_DEG) * math.cos((month - _SOLSTICE_MONTH) * math.tau / 12.0)
    phi = math.radians(latitude)
    sunset = math.acos(min(1.0, max(-1.0, -math.tan(phi) * math.tan(declination))))
    hour = daytime * sunset
    sine = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour)
    height_deg = math.degrees(math.asin(min(1.0, max(-1.0, sine))))
    east = -math.cos(declination) * math.sin(hour)
    north = math.sin(declination) * math.cos(phi) - math.cos(declination) * math.cos(hour) * math.sin(phi)
    return max(_LOWEST_SUN_DEG, height_deg), math.degrees(math.atan2(east, north)) % 360.0


def _tint(height_deg: float, grey: float, low: float) -> Colour:
    bright = 0.74 + 0.3 * ramp(height_deg, 0.0, 45.0) - 0.1 * grey
    return bright * (1.0 + 0.10 * low), bright, bright * (1.0 - 0.16 * low)
