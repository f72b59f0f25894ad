"""Scenes that several tests of maps draw."""

from __future__ import annotations

import pytest
from map_scenes import HOSTILE, all_cells, china, layer

from graticule.maps import MapPhoto, MapScene


@pytest.fixture(scope="session")
def china_scene() -> MapScene:
    ids = all_cells(4)
    return MapScene(title="Where was it?", cells=layer(ids, [7] * len(ids)), photos=[china(ids)])


@pytest.fixture(scope="session")
def album_scene() -> MapScene:
    """Three photos: one answered, one refused with a hostile name, one on the other side of the Earth."""
    ids = all_cells(4)
    photos = [
        china(ids),
        MapPhoto(name=HOSTILE, error="The file is empty (0 bytes)."),
        china(
            ids,
            name="lima.jpg",
            latitude=-12.0,
            cells=(),
            longitude=-77.0,
            truth=None,
            thumbnail_jpeg=None,
            candidates=(),
        ),
    ]
    return MapScene(title="Album & <b>more</b>", cells=layer(ids), photos=photos)
