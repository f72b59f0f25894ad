"""One place per country, for photos of which nothing but the country is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.geo.outlines import country_of
from graticule.geo.sphere import latlon_of
from graticule.geo.towns import gazetteer

_TOWNS_TRIED: Final = 50


def country_points(codes: Sequence[str]) -> NDArray[np.float64]:
    """The place that stands for each country: its most populous town that lies inside its outline.

    Convention:
        - ``codes``: N countries as ISO 3166-1 alpha-2 (or XK)
        - the result is (latitude, longitude) in **degrees**, shape ``(N, 2)``; NaN for a country without a
          town, or none of whose largest towns lies inside its outline

    Raises:
        GraticuleError: the file of outlines or the gazetteer is missing or damaged.

    Example:
        >>> country_points(["JP", "AQ"]).round(1).tolist()
        [[35.7, 139.7], [nan, nan]]
    """
    towns = gazetteer()
    points = np.full((len(codes), 2), np.nan)
    for row, code in enumerate(codes):
        own = np.flatnonzero(towns.country == code)
        largest = own[np.argsort(-towns.population[own], kind="stable")[:_TOWNS_TRIED]]
        latlon = latlon_of(towns.vectors[largest]) if len(largest) else np.empty((0, 2))
        inside = latlon[country_of(latlon) == code]  # a town at a border may lie beyond it at 1:50m
        if len(inside):
            points[row] = inside[0]
    return points
