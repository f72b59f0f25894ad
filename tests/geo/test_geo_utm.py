"""UTM to degrees, against values that PROJ 9 gives."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.errors import CoordinateError
from graticule.geo.utm import is_utm, latlon_of_utm

# (latitude, longitude), zone, north, easting, northing; PROJ's EPSG:326xx and 327xx, rounded to 0.1 mm
REFERENCE = [
    ((43.642567, -79.387139), 17, True, 630084.3008, 4833438.5857),  # Toronto
    ((52.516275, 13.377704), 33, True, 389918.0416, 5819699.1324),  # Berlin
    ((-33.856784, 151.215297), 56, False, 334900.2613, 6252290.5224),  # Sydney
    ((0.0, 3.0), 31, True, 500000.0, 0.0),
    ((60.39, 5.32), 32, True, 297230.2202, 6700510.1753),  # Bergen, in the widened zone 32
    ((-54.8, -68.3), 19, False, 545000.0534, 3927239.3813),  # Ushuaia
    ((84.0, -177.0), 1, True, 500000.0, 9328093.8306),
    ((-80.0, 179.9), 60, False, 556196.0568, 1117013.3038),
    ((0.001, -81.0), 17, True, 500000.0, 110.53),
    ((70.0, 18.0), 33, True, 614473.7147, 7768690.1088),
    ((45.0, 12.5), 32, True, 775853.729, 4988911.8386),  # beyond the zone's edge, as data sets have it
]


@pytest.mark.parametrize(("place", "zone", "north", "east", "up"), REFERENCE)
def test_reference_values(place, zone, north, east, up):
    assert latlon_of_utm(east, up, zone, north) == pytest.approx(place, abs=5e-9)


def test_many_at_once():
    places, zones, north, east, up = (np.array(column) for column in zip(*REFERENCE, strict=True))
    assert latlon_of_utm(east, up, zones, north) == pytest.approx(places, abs=5e-9)
    assert latlon_of_utm(np.empty(0), np.empty(0), 32, True).shape == (0, 2)


def test_longitudes_wrap_at_the_antimeridian():
    east_of_it = latlon_of_utm(834_000.0, 5_000_000.0, 60, True)
    assert -180 <= east_of_it[1] < -178


@pytest.mark.parametrize(
    ("east", "up", "zone"),
    [
        (48.1, 11.5, 32),
        (500_000, 4e6, 0),
        (500_000, 4e6, 61),
        (500_000, 4e6, 31.5),
        (500_000, -1, 32),
        (np.nan, 4e6, 32),
    ],
)
def test_what_is_no_utm_is_refused(east, up, zone):
    assert not is_utm(east, up, zone)
    with pytest.raises(CoordinateError, match="These are no UTM coordinates: expected zones 1 to 60"):
        latlon_of_utm(east, up, zone, True)
