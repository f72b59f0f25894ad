from __future__ import annotations

import json

import numpy as np
import pytest

from graticule.config import EARTH_RADIUS_KM
from graticule.partitions import build_s2, summarise


def test_figures_by_hand() -> None:
    places = [[48.86, 2.35]] * 5 + [[39.9, 116.4]] * 3 + [[-33.9, 151.2]] * 4 + [[64.1, -21.9]]
    figures = summarise(build_s2(places, max_photos=5, min_photos=3))
    assert (figures.cells, figures.photos, figures.dropped_photos, figures.dropped_cells) == (3, 13, 1, 1)
    assert figures.photos_per_cell == {"min": 3, "median": 4.0, "max": 5}
    assert figures.cells_by_level == {2: 3}
    assert figures.nodes == 9  # three faces, three cells of level 1, three of level 2
    assert json.loads(json.dumps(figures.to_dict()))["cells_by_level"] == {"2": 3}


def test_radius_is_that_of_a_cap_with_the_cells_area() -> None:
    figures = summarise(build_s2([[1.0, 2.0]], max_photos=5, min_photos=1, start_level=0))
    angle_rad = figures.median_radius_km / EARTH_RADIUS_KM
    assert 2 * np.pi * (1 - np.cos(angle_rad)) == pytest.approx(4 * np.pi / 6)
