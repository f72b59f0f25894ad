"""One place per country."""

from __future__ import annotations

import numpy as np

from graticule.geo.countries import CONTINENTS, continent_of
from graticule.geo.country_points import country_points
from graticule.geo.outlines import country_of, country_outlines


def test_every_point_lies_in_its_own_country() -> None:
    codes = [code for code in country_outlines().codes if continent_of(code) in CONTINENTS]
    points = country_points(codes)
    known = np.isfinite(points[:, 0])
    assert known.sum() >= len(codes) - 6  # Antarctica, and islands without a town
    assert country_of(points[known]).tolist() == np.array(codes)[known].tolist()


def test_the_largest_town_stands_unless_it_lies_across_the_border() -> None:
    names = {"FR": (48.85, 2.35), "US": (40.71, -74.01), "CN": (31.22, 121.46), "BR": (-23.55, -46.64)}
    np.testing.assert_allclose(country_points(list(names)), list(names.values()), atol=0.05)


def test_none_and_unknown() -> None:
    assert country_points([]).shape == (0, 2)
    assert np.isnan(country_points(["AQ", "QQ"])).all()
