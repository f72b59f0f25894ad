"""What has to go so that splits lie apart."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.geo.sphere import destination, great_circle_km
from graticule.photos.embargo import in_embargo


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("embargo_km", [0.2, 3.0, 40.0])
def test_what_stays_lies_apart(seed: int, embargo_km: float) -> None:
    chance = np.random.default_rng(seed)
    middle = [[0.0, 180.0], [89.99, 0.0], [48.0, 2.0]][seed % 3]
    latlon = destination(np.tile(middle, (300, 1)), chance.uniform(0, 360, 300), chance.uniform(0, 200, 300))
    part = chance.choice(3, 300, p=[0.7, 0.1, 0.2])
    goes = in_embargo(latlon, part, embargo_km)
    km = great_circle_km(latlon[:, None], latlon[None])
    across = part[:, None] != part[None]
    assert not (across & (km <= embargo_km))[~goes][:, ~goes].any()
    lonely = ~(across & (km <= embargo_km)).any(axis=1)
    assert not goes[lonely].any()


def test_strays_go_rather_than_their_many_neighbours() -> None:
    town = np.array([[48.0, 2.0 + 0.0001 * number] for number in range(50)])
    part = np.zeros(50, dtype=int)
    part[25] = 2  # one test photo in a town of train photos
    assert np.flatnonzero(in_embargo(town, part, 1.0)).tolist() == [25]


def test_along_a_border_the_later_split_stays() -> None:
    road = np.array([[0.0, 0.01 * number] for number in range(100)])  # 1.1 km apart
    part = np.repeat([0, 2], [50, 50])
    goes = np.flatnonzero(in_embargo(road, part, 2.5))
    assert goes.tolist() == [48, 49]


def test_nothing_near_nothing_goes() -> None:
    assert not in_embargo(np.array([[0.0, 0.0], [10.0, 0.0]]), np.array([0, 2]), 100).any()
    assert in_embargo(np.empty((0, 2)), np.empty(0, dtype=int), 1).shape == (0,)
