"""The cap on the finest answer holds for models that give a place and no cells."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from graticule.geo.sphere import great_circle_km
from graticule.predictions import Prediction, Predictions
from graticule.web.areas import Areas
from graticule.web.settings import Finest

POINTS = np.array([[49.0, 2.0], [36.0, 140.0], [46.2, 5.1]])


def areas(finest: Finest) -> Areas:
    return Areas(
        finest,
        of_cell=np.array([0, 1, 2]),
        tokens=["a", "b", "c"],
        names=["A", "B", "C"],
        countries=["FR", "JP", "FR"],
        points=POINTS,
        areas_km2=np.ones(3),
        shapes=np.array([shapely.box(0, 0, 1, 1)] * 3),
        photos=np.ones(3, dtype=np.int64),
        levels=np.ones(3, dtype=np.int64),
    )


@pytest.mark.parametrize("finest", ["country", "region", "cell"])
@pytest.mark.parametrize("place", [[45.987654, 5.123456], [35.111111, 139.999999], [-89.0, 170.0]])
def test_a_place_without_cells_is_no_finer_than_the_cap(finest: Finest, place: list[float]) -> None:
    country = {45.987654: "FR", 35.111111: "JP"}.get(place[0])
    item = Prediction("a", latitude=place[0], longitude=place[1], country=country, model="m")
    said = areas(finest).answer(Predictions.of([item]), top=3)
    found = [said["latitude"], said["longitude"]]
    assert said["confidence"] is None
    assert said["candidates"] == []
    if finest == "cell":
        assert found == pytest.approx(place, abs=6e-5)
        assert found == np.round(found, 4).tolist()
        return
    decimals = 0 if finest == "country" else 1
    nearest = POINTS[int(great_circle_km(POINTS, place).argmin())]
    assert found == pytest.approx(np.round(nearest, decimals).tolist())
