from __future__ import annotations

import base64
import math

import numpy as np
import pytest
from map_scenes import SUMMER_PALACE, all_cells, china, jpeg, layer

from graticule.errors import CoordinateError, UsageError
from graticule.geo import s2
from graticule.geo.sphere import great_circle_km
from graticule.maps import CellLayer, MapPhoto, MapScene
from graticule.maps.scene import DEGREE_PARTS, scene_document

SQUARE = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])


def rings(cells: dict) -> list[np.ndarray]:
    """What the viewer makes of the numbers: a slow, literal reading of the format."""
    numbers = np.array(cells["steps"], dtype=np.int64).reshape(-1, 2)
    sizes = cells["sizes"] if isinstance(cells["sizes"], list) else [cells["sizes"]] * cells["count"]
    found, start = [], 0
    for size in sizes:
        place, ring = np.zeros(2, dtype=np.int64), []
        for step in numbers[start : start + size]:
            place = place + step
            ring.append(place / DEGREE_PARTS)
        found.append(np.array(ring))
        start += size
    assert start == len(numbers)
    return found


def test_rings_come_back_to_a_hundred_thousandth_of_a_degree():
    ids = all_cells(3)
    read = rings(scene_document(MapScene(title="t", cells=layer(ids)))["cells"])
    assert len(read) == len(ids)
    for ring, wanted in zip(read, s2.vertices(ids), strict=True):
        assert great_circle_km(ring, wanted).max() < 0.001


def test_steps_over_the_antimeridian_are_short():
    ring = np.array([[10.0, 179.0], [10.0, -179.0], [12.0, -179.0], [12.0, 179.0]])
    cells = scene_document(MapScene(title="t", cells=CellLayer(polygons=[ring], labels=["x"])))["cells"]
    assert cells["steps"][2:] == [0, 200_000, 200_000, 0, 0, -200_000]


def test_closed_rings_and_rings_of_several_sizes():
    triangle = np.array([[5.0, 5.0], [6.0, 5.0], [5.0, 6.0], [5.0, 5.0]])
    cells = scene_document(
        MapScene(title="t", cells=CellLayer(polygons=[SQUARE, triangle], labels=["a", "b"]))
    )["cells"]
    assert cells["sizes"] == [4, 3]
    assert np.allclose(rings(cells)[1], triangle[:3])


def test_cells_of_several_rings_come_in_the_order_of_the_cells():
    far = SQUARE + np.array([0.0, 10.0])
    cells = CellLayer(
        polygons=[SQUARE + 20.0, SQUARE, far], labels=["two", "one"], photos=[5, 3], owners=[1, 0, 1]
    )
    assert len(cells) == 2
    document = scene_document(MapScene(title="t", cells=cells))["cells"]
    assert (document["count"], document["rings"], document["photos"]) == (2, [1, 2], [5, 3])
    found = rings({**document, "count": 3})
    assert [ring[0].tolist() for ring in found] == [[0.0, 0.0], [20.0, 20.0], [0.0, 10.0]]
    single = CellLayer(polygons=[SQUARE], labels=["a"], owners=[0])
    assert scene_document(MapScene(title="t", cells=single))["cells"]["rings"] == 1


@pytest.mark.parametrize("owners", [[0, 2, 2], [0, 1], [-1, 0, 1]])
def test_owners_that_leave_a_cell_or_a_polygon_out_are_refused(owners):
    with pytest.raises(UsageError, match="owners of 3 polygons are not one of the cells"):
        CellLayer(polygons=[SQUARE] * 3, labels=["a", "b"], owners=owners)


def test_columns_of_cells_with_several_rings_have_an_entry_for_each_cell():
    with pytest.raises(UsageError, match="layer of 2 cells has 3 labels; give one for each cell"):
        CellLayer(polygons=[SQUARE] * 3, labels=["a", "b", "c"], owners=[0, 0, 1])


def test_a_layer_of_ten_thousand_cells_stays_small():
    ids = all_cells(6)[:10_000]
    cells = scene_document(MapScene(title="t", cells=layer(ids)))["cells"]
    assert len(cells["steps"]) == 80_000
    assert sum(len(str(number)) + 1 for number in cells["steps"]) < 700_000


def test_the_error_is_computed_when_left_out_and_kept_when_given():
    ids = all_cells(2)
    cells = layer(ids)
    wanted = float(great_circle_km((39.9, 116.4), SUMMER_PALACE))
    computed = scene_document(MapScene(title="t", cells=cells, photos=[china(ids)]))["photos"][0]
    assert computed["errorKm"] == pytest.approx(wanted, rel=1e-5)
    given = scene_document(MapScene(title="t", cells=cells, photos=[china(ids, error_km=12.5)]))["photos"][0]
    assert given["errorKm"] == 12.5
    unknown = scene_document(MapScene(title="t", cells=cells, photos=[china(ids, truth=None)]))["photos"][0]
    assert unknown["errorKm"] is None


def test_places_stay_latitude_first_and_longitudes_wrap():
    photo = MapPhoto(name="x", latitude=-17.0, longitude=190.0, truth=(1, 2))
    read = scene_document(MapScene(title="t", photos=[photo]))["photos"][0]
    assert read["estimate"] == [-17.0, -170.0]
    assert read["truth"] == [1.0, 2.0]


def test_thumbnails_become_data_uris():
    picture = jpeg((1, 2, 3))
    read = scene_document(MapScene(title="t", photos=[MapPhoto(name="x", thumbnail_jpeg=picture)]))["photos"][
        0
    ]
    assert read["thumbnail"] == "data:image/jpeg;base64," + base64.b64encode(picture).decode()


def test_what_is_not_a_number_becomes_null():
    photo = MapPhoto(name="x", latitude=1.0, longitude=2.0, confidence=math.nan, error_km=math.inf)
    read = scene_document(MapScene(title="t", photos=[photo]))["photos"][0]
    assert read["confidence"] is None
    assert read["errorKm"] is None


def test_numpy_values_are_taken():
    photo = MapPhoto(
        name="x",
        latitude=np.float32(1.5),
        longitude=np.float64(2.5),
        cells=[(np.int64(0), np.float32(0.123456))],
        candidates=[
            {
                "name": "y",
                "latitude": np.float64(1),
                "longitude": np.float64(2),
                "probability": np.float32(0.5),
            }
        ],
    )
    cells = CellLayer(polygons=[SQUARE], labels=np.array(["a"]), photos=np.array([3]), levels=np.array([1]))
    document = scene_document(MapScene(title="t", cells=cells, photos=[photo]))
    assert document["cells"]["photos"] == [3]
    assert document["photos"][0]["probabilities"] == [0.1235]


@pytest.mark.parametrize("latitude", [91.0, math.nan, math.inf])
def test_an_estimate_that_is_not_on_earth_is_refused(latitude):
    scene = MapScene(title="t", photos=[MapPhoto(name="trip.jpg", latitude=latitude, longitude=0.0)])
    with pytest.raises(
        CoordinateError, match=r"estimate of 'trip.jpg' is .* not on Earth; expected \(latitude"
    ):
        scene_document(scene)


def test_a_corner_that_is_not_on_earth_is_refused():
    scene = MapScene(title="t", cells=CellLayer(polygons=[SQUARE, SQUARE + 90.0], labels=["a", "b"]))
    with pytest.raises(CoordinateError, match="polygon of cell 1 has a corner that is not on Earth"):
        scene_document(scene)


@pytest.mark.parametrize(
    ("polygon", "said"),
    [
        (SQUARE[:2], "cell 0 has 2 corners; expected at least 3"),
        (np.zeros((4, 3)), r"shape \(4, 3\); expected \(n, 2\)"),
    ],
)
def test_rings_that_are_none_are_refused(polygon, said):
    with pytest.raises(UsageError, match=said):
        scene_document(MapScene(title="t", cells=CellLayer(polygons=[polygon], labels=["a"])))


def test_columns_of_another_length_are_refused():
    with pytest.raises(UsageError, match="layer of 1 polygons has 2 labels; give one for each polygon"):
        CellLayer(polygons=[SQUARE], labels=["a", "b"])


@pytest.mark.parametrize("index", [-1, 1])
def test_a_cell_that_the_layer_does_not_have_is_refused(index):
    cells = CellLayer(polygons=[SQUARE], labels=["a"])
    photo = MapPhoto(name="trip.jpg", latitude=0.0, longitude=0.0, cells=[(0, 0.5), (index, 0.5)])
    with pytest.raises(
        UsageError, match=f"Photo 'trip.jpg' refers to cell {index}, but the layer has 1 cells"
    ):
        scene_document(MapScene(title="t", cells=cells, photos=[photo]))
