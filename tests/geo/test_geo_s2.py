"""graticule.geo.s2 against Google's own library, the package ``s2geometry``."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import CellIdError, CoordinateError, GraticuleError, UsageError
from graticule.geo import s2
from graticule.geo.sphere import great_circle_km, unit_vectors

google = pytest.importorskip("s2geometry", reason="the oracle s2geometry is not installed")

LEVELS = range(31)
CORNER_LATITUDE = math.degrees(math.asin(1 / math.sqrt(3)))  # of the cube's corners, 35.26 degrees


# --- the oracle -------------------------------------------------------------------------------------------


def oracle_ids(latlon: np.ndarray) -> np.ndarray:
    make, place = google.S2CellId, google.S2LatLng.FromDegrees
    pairs = zip(latlon[:, 0].tolist(), latlon[:, 1].tolist(), strict=True)
    return np.array([make(place(a, b)).id() for a, b in pairs], dtype=np.uint64)


def oracle(ids: np.ndarray, function: Callable) -> list:
    """``function`` of the oracle's cell id, for each id."""
    return [function(google.S2CellId(cell_id)) for cell_id in ids.tolist()]


def degrees_of(place: object) -> list[float]:
    return [place.lat().degrees(), place.lng().degrees()]


def random_places(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    return np.stack([latitude, rng.uniform(-180, 180, count)], axis=-1)


def random_cells(per_level: int, seed: int = 0) -> np.ndarray:
    """Cells of all levels, some of them along the edges and in the corners of the faces."""
    rng = np.random.default_rng(seed)
    cells = []
    for level in LEVELS:
        face = rng.integers(0, 6, per_level, dtype=np.uint64)
        position = rng.integers(0, 4**level, per_level, dtype=np.uint64, endpoint=False)
        position[: per_level // 8] = 0
        position[per_level // 8 : per_level // 4] = 4**level - 1
        shift = np.uint64(2 * (30 - level))
        cells.append(face << np.uint64(61) | (2 * position + np.uint64(1)) << shift)
    return np.concatenate(cells)


def special_places() -> np.ndarray:
    """Poles, antimeridian, face edges and corners, and the floating-point numbers beside them."""
    latitude = np.array([0.0, -0.0, 90, 45, CORNER_LATITUDE, 1e-300, 1e-12, 89.99999999999999, 30])
    longitude = np.array(
        [0.0, -0.0, 45, 90, 135, 180, 225, 270, 360, 540, 1e-300, 1e-9, 179.99999999999997, 7]
    )
    latitude, longitude = (np.unique([values, -values]) for values in (latitude, longitude))
    beside = [np.stack(np.meshgrid(latitude, longitude), axis=-1).reshape(-1, 2)]
    for toward in (-1000.0, 1000.0):
        beside.append(np.nextafter(beside[0], toward))
    # Where the top and bottom faces meet the others: tan(latitude) = cos(longitude from the face's middle).
    turn = np.linspace(-45, 45, 201)
    edge = np.degrees(np.arctan(np.cos(np.radians(turn))))
    for middle in (0, 90, 180, -90):
        beside += [np.stack([sign * edge, middle + turn], axis=-1) for sign in (1, -1)]
    latlon = np.concatenate(beside)
    return np.stack([np.clip(latlon[:, 0], -90, 90), latlon[:, 1]], axis=-1)


def corner_places(per_level: int) -> np.ndarray:
    """Corners and middles of edges of cells of all levels: which cell they fall into is up to rounding."""
    corners = s2.vertices(random_cells(per_level, seed=3))
    vectors = unit_vectors(corners)
    middles = vectors + np.roll(vectors, 1, axis=1)
    latitude = np.degrees(np.arctan2(middles[..., 2], np.hypot(middles[..., 0], middles[..., 1])))
    longitude = np.degrees(np.arctan2(middles[..., 1], middles[..., 0]))
    return np.concatenate([corners.reshape(-1, 2), np.stack([latitude, longitude], axis=-1).reshape(-1, 2)])


# --- ids of places ----------------------------------------------------------------------------------------


def test_a_million_random_places() -> None:
    latlon = random_places(1_000_000)
    np.testing.assert_array_equal(s2.cell_ids(latlon), oracle_ids(latlon))


@pytest.mark.parametrize("places", [special_places, lambda: corner_places(200)], ids=["special", "corners"])
def test_places_where_rounding_decides(places: Callable[[], np.ndarray]) -> None:
    latlon = places()
    np.testing.assert_array_equal(s2.cell_ids(latlon), oracle_ids(latlon))


def test_whole_degrees() -> None:
    grid = np.stack(np.meshgrid(np.arange(-90, 91, 3.0), np.arange(-180, 181)), axis=-1).reshape(-1, 2)
    np.testing.assert_array_equal(s2.cell_ids(grid), oracle_ids(grid))


def assert_equal_at_every_level(latlon: np.ndarray) -> None:
    leaves = [google.S2CellId(cell_id) for cell_id in oracle_ids(latlon).tolist()]
    ids = s2.cell_ids(latlon)
    for level in LEVELS:
        expected = np.array([leaf.parent(level).id() for leaf in leaves], dtype=np.uint64)
        np.testing.assert_array_equal(s2.cell_ids(latlon, level), expected)
        np.testing.assert_array_equal(s2.parent(ids, level), expected)


def test_ids_and_parents_at_every_level() -> None:
    assert_equal_at_every_level(np.concatenate([random_places(8_000, 1), special_places(), corner_places(4)]))


@pytest.mark.slow
def test_a_million_places_at_every_level() -> None:
    assert_equal_at_every_level(random_places(1_000_000, 2))


@given(st.floats(-90, 90), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(LEVELS))
def test_any_place(latitude: float, longitude: float, level: int) -> None:
    expected = google.S2CellId(google.S2LatLng.FromDegrees(latitude, longitude)).parent(level).id()
    assert int(s2.cell_ids([latitude, longitude], level)) == expected


@pytest.mark.parametrize("units", [-3, -1, 1, 3])
def test_ids_do_not_hang_on_the_last_bits_of_a_sine(units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On another machine NumPy's sine may differ from the C library's; the ids must not."""
    latlon = np.concatenate([corner_places(100), special_places()])
    expected = oracle_ids(latlon)

    def off_by_units(exact: np.ufunc) -> Callable:
        return lambda angle: np.clip(exact(angle) + units * np.spacing(exact(angle)), -1, 1)

    monkeypatch.setattr(np, "sin", off_by_units(np.sin))
    monkeypatch.setattr(np, "cos", off_by_units(np.cos))
    np.testing.assert_array_equal(s2.cell_ids(latlon), expected)
    monkeypatch.setattr(s2, "_BORDER", 0.0)
    assert (s2.cell_ids(latlon) != expected).any()  # so the second look is what did it


@pytest.mark.parametrize("count", [0, 1, s2._CHUNK - 1, s2._CHUNK, s2._CHUNK + 1, 2 * s2._CHUNK])
def test_counts_around_the_chunks(count: int) -> None:
    latlon = random_places(2 * s2._CHUNK, 4)
    whole = s2.cell_ids(latlon)
    np.testing.assert_array_equal(s2.cell_ids(latlon[:count]), whole[:count])
    cells = s2.parent(whole, 12)
    for function in (s2.centre, s2.vertices, s2.edge_neighbours, s2.area_km2):
        np.testing.assert_array_equal(function(cells[:count]), function(cells)[:count])


def test_shapes_and_memory_layouts() -> None:
    latlon = random_places(24, 5)
    ids = s2.cell_ids(latlon, 9)
    assert ids.dtype == np.uint64
    np.testing.assert_array_equal(s2.cell_ids(latlon.reshape(2, 3, 4, 2), 9), ids.reshape(2, 3, 4))
    np.testing.assert_array_equal(s2.cell_ids(np.asfortranarray(latlon), 9), ids)
    np.testing.assert_array_equal(s2.cell_ids(latlon[::-3], 9), ids[::-3])
    np.testing.assert_array_equal(s2.cell_ids(latlon.tolist(), 9), ids)
    assert s2.cell_ids(latlon[0], 9).shape == ()
    assert s2.cell_ids(np.empty((4, 0, 2))).shape == (4, 0)


def test_level_may_be_an_array() -> None:
    ids = s2.cell_ids(random_places(5, 6))
    fan = s2.parent(ids[:, None], np.arange(31))
    assert fan.shape == (5, 31)
    for level in LEVELS:
        np.testing.assert_array_equal(fan[:, level], s2.parent(ids, level))
    np.testing.assert_array_equal(s2.parent(ids[0], np.arange(31)), fan[0])
    with pytest.raises(UsageError, match=r"one level, but 5 were given\.\n.*s2\.parent"):
        s2.cell_ids(random_places(5), np.arange(5))


def peak_mb(function: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def test_memory_is_bounded() -> None:
    latlon = random_places(1_000_000, 7)
    ids = s2.cell_ids(latlon, 20)
    assert peak_mb(lambda: s2.cell_ids(latlon, 20)) < 25  # 8 MB of ids come back
    assert peak_mb(lambda: s2.centre(ids)) < 60  # 16 MB
    assert peak_mb(lambda: s2.area_km2(ids)) < 60  # 8 MB
    assert peak_mb(lambda: s2.token(ids)) < 120  # 64 MB


@pytest.mark.slow
def test_memory_for_five_million_places() -> None:
    latlon = random_places(5_000_000, 7)
    assert peak_mb(lambda: s2.cell_ids(latlon, 20)) < 60  # 40 MB of ids come back


# --- the tree of cells ------------------------------------------------------------------------------------

CELLS = random_cells(200)


def test_level_face_and_ranges() -> None:
    assert s2.level(CELLS).tolist() == oracle(CELLS, lambda cell: cell.level())
    assert s2.face(CELLS).tolist() == oracle(CELLS, lambda cell: cell.face())
    assert s2.range_min(CELLS).tolist() == oracle(CELLS, lambda cell: cell.range_min().id())
    assert s2.range_max(CELLS).tolist() == oracle(CELLS, lambda cell: cell.range_max().id())


def test_children_and_their_parents() -> None:
    inner = CELLS[s2.level(CELLS) < 30]
    expected = oracle(inner, lambda cell: [cell.child(position).id() for position in range(4)])
    children = s2.children(inner)
    assert children.tolist() == expected
    parents = s2.parent(children, (s2.level(inner))[:, None])
    np.testing.assert_array_equal(parents, np.broadcast_to(inner[:, None], children.shape))
    assert s2.children(inner.reshape(4, -1)).shape == (4, len(inner) // 4, 4)


@pytest.mark.parametrize("level", LEVELS)
def test_parents_of_cells_of_all_levels(level: int) -> None:
    finer = CELLS[s2.level(CELLS) >= level][:: 1 + level % 3]
    assert s2.parent(finer, level).tolist() == oracle(finer, lambda cell: cell.parent(level).id())


def test_tokens() -> None:
    tokens = s2.token(CELLS)
    assert tokens.tolist() == oracle(CELLS, lambda cell: cell.ToToken())
    np.testing.assert_array_equal(s2.from_token(tokens), CELLS)
    np.testing.assert_array_equal(s2.from_token([token.upper() for token in tokens.tolist()]), CELLS)
    assert s2.token(CELLS[:6].reshape(2, 3)).shape == (2, 3)
    assert s2.from_token(tokens[:6].reshape(2, 3)).shape == (2, 3)
    assert str(s2.token(CELLS[0])) == tokens[0]
    assert s2.token([]).shape == (0,)
    assert s2.from_token([]).dtype == np.uint64


def test_validity() -> None:
    rng = np.random.default_rng(8)
    anything = rng.integers(0, 2**64, 20_000, dtype=np.uint64)
    zeros = np.uint64(1) << rng.integers(0, 64, 20_000, dtype=np.uint64)
    powers = np.uint64(1) << np.arange(64, dtype=np.uint64)
    ids = np.concatenate(
        [anything, anything & ~(zeros - np.uint64(1)), powers, ~powers, CELLS, [np.uint64(0)]]
    )
    valid = s2.is_valid(ids)
    assert valid.tolist() == oracle(ids, lambda cell: cell.is_valid())
    assert 0.1 < valid.mean() < 0.9
    assert s2.is_valid(CELLS).all()
    assert s2.is_valid(CELLS[:6].reshape(3, 2)).shape == (3, 2)


@given(st.integers(0, 2**64 - 1))
def test_any_number_is_judged_as_google_does(number: int) -> None:
    valid = google.S2CellId(number).is_valid()
    assert bool(s2.is_valid(number)) == valid
    if valid:
        assert str(s2.token(number)) == google.S2CellId(number).ToToken()
    else:
        with pytest.raises(CellIdError):
            s2.token(number)


# --- geometry ---------------------------------------------------------------------------------------------


def assert_same_places(ours: np.ndarray, theirs: list, *, within_deg: float) -> None:
    theirs = np.array(theirs)
    np.testing.assert_allclose(ours[..., 0], theirs[..., 0], rtol=0, atol=within_deg)
    turn = ours[..., 1] - theirs[..., 1]
    turn -= 360 * np.rint(turn / 360)
    # At a pole the longitude is anything, and near it the rounding of the vector blows it up.
    np.testing.assert_allclose(turn * np.cos(np.radians(theirs[..., 0])), 0, atol=within_deg)
    assert great_circle_km(ours, theirs).max() < 1e-9


def test_centres() -> None:
    centres = s2.centre(CELLS)
    assert_same_places(centres, oracle(CELLS, lambda cell: degrees_of(cell.ToLatLng())), within_deg=1e-12)
    np.testing.assert_array_equal(s2.parent(s2.cell_ids(centres), s2.level(CELLS)), CELLS)


def test_vertices() -> None:
    def corners(cell: object) -> list:
        box = google.S2Cell(cell)
        return [degrees_of(google.S2LatLng(box.GetVertex(k))) for k in range(4)]

    vertices = s2.vertices(CELLS)
    assert vertices.shape == (len(CELLS), 4, 2)
    assert_same_places(vertices, oracle(CELLS, corners), within_deg=1e-12)


def test_vertices_run_counter_clockwise_and_are_shared_by_neighbours() -> None:
    cells = s2.parent(CELLS[s2.level(CELLS) >= 12], 12)
    corners, centres = unit_vectors(s2.vertices(cells)), unit_vectors(s2.centre(cells))
    turn = np.cross(corners, np.roll(corners, -1, axis=1))
    assert (np.einsum("ckx,cx->ck", turn, centres) > 0).all()
    for neighbours in s2.edge_neighbours(cells).T:
        other = unit_vectors(s2.vertices(neighbours))
        close = np.linalg.norm(corners[:, :, None] - other[:, None], axis=-1) < 1e-12
        assert (close.sum(axis=(1, 2)) == 2).all()


def test_poles_and_antimeridian_are_corners() -> None:
    north = s2.parent(s2.cell_ids([90, 0]), 8)
    assert [90.0, 0.0] in s2.vertices(north).tolist()
    west_of = s2.cell_ids([10, 179.999], 8)
    assert np.abs(s2.vertices(west_of)[:, 1]).max() == 180
    assert (np.abs(s2.vertices(s2.from_token("7"))[:, 1]) == 135).all()


def test_edge_neighbours() -> None:
    expected = oracle(CELLS, lambda cell: [other.id() for other in cell.GetEdgeNeighbors()])
    neighbours = s2.edge_neighbours(CELLS)
    assert neighbours.tolist() == expected
    assert (s2.edge_neighbours(neighbours) == CELLS[:, None, None]).any(axis=-1).all()


def decimal_arctan(x: Decimal) -> Decimal:
    for _ in range(4):  # four times half the angle, so that the series is short
        x = x / (1 + (1 + x * x).sqrt())
    total, term = x, x
    for n in range(3, 400, 2):
        term *= -x * x
        total += term / n
    return 16 * total


def literal_area_km2(cell_id: int) -> float:
    """The four corners' solid angles in 80 digits, where nothing is lost by subtracting them."""
    cell = google.S2CellId(cell_id)
    _, i, j, _ = cell.ToFaceIJOrientation()
    size = 1 << (30 - cell.level())
    with localcontext() as context:
        context.prec = 80

        def projected(k: int) -> Decimal:
            s = Decimal(k) / 2**30
            return (4 * s * s - 1) / 3 if 2 * k >= 2**30 else (1 - 4 * (1 - s) ** 2) / 3

        i, j = i // size * size, j // size * size
        total = Decimal(0)
        for u, sign_u in ((projected(i), -1), (projected(i + size), 1)):
            for v, sign_v in ((projected(j), -1), (projected(j + size), 1)):
                total += sign_u * sign_v * decimal_arctan(u * v / (1 + u * u + v * v).sqrt())
        return float(total * Decimal(EARTH_RADIUS_KM) ** 2)


def test_areas_equal_literal_reference() -> None:
    cells = random_cells(10, seed=9)
    expected = [literal_area_km2(cell_id) for cell_id in cells.tolist()]
    np.testing.assert_allclose(s2.area_km2(cells), expected, rtol=4e-15)


def test_areas_equal_googles() -> None:
    exact = np.array(oracle(CELLS, lambda cell: google.S2Cell(cell).ExactArea())) * EARTH_RADIUS_KM**2
    # Google takes the area from rounded corners; 1e-16 is the more of a cell's width the deeper the cell.
    tolerance = 1e-14 + 1e-15 * 2.0 ** s2.level(CELLS)
    assert (np.abs(s2.area_km2(CELLS) / exact - 1) < tolerance).all()


def test_areas_add_up() -> None:
    sphere_km2 = 4 * math.pi * EARTH_RADIUS_KM**2
    cells = s2.from_token(["1", "3", "5", "7", "9", "b"])
    for _ in range(6):
        assert float(s2.area_km2(cells).sum()) == pytest.approx(sphere_km2, rel=1e-13)
        cells = s2.children(cells).reshape(-1)
    inner = CELLS[s2.level(CELLS) < 30]
    np.testing.assert_allclose(s2.area_km2(s2.children(inner)).sum(axis=-1), s2.area_km2(inner), rtol=1e-14)


@given(st.floats(-90, 90), st.floats(-180, 180), st.sampled_from(LEVELS))
def test_a_place_lies_in_its_cell(latitude: float, longitude: float, level: int) -> None:
    leaf, cell = s2.cell_ids([latitude, longitude]), s2.cell_ids([latitude, longitude], level)
    assert s2.range_min(cell) <= leaf <= s2.range_max(cell)
    assert s2.level(cell) == level
    assert s2.from_token(s2.token(cell)) == cell
    radius_km = great_circle_km(s2.vertices(cell), s2.centre(cell)).max()
    assert great_circle_km([latitude, longitude], s2.centre(cell)) <= radius_km * (1 + 1e-9) + 1e-11


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0), (2, 3)])
def test_every_function_keeps_the_shape(shape: tuple[int, ...]) -> None:
    cells = CELLS[1000 : 1000 + math.prod(shape)].reshape(shape)
    for function in (s2.level, s2.face, s2.range_min, s2.range_max, s2.is_valid, s2.token, s2.area_km2):
        assert function(cells).shape == shape
    for function in (s2.children, s2.edge_neighbours):
        assert function(cells).shape == (*shape, 4)
    assert s2.parent(cells, 0).shape == shape
    assert s2.centre(cells).shape == (*shape, 2)
    assert s2.vertices(cells).shape == (*shape, 4, 2)


# --- speed ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_fifteen_times_as_fast_as_the_loop() -> None:
    bench = Path(__file__).parents[2] / "bench" / "s2.py"
    done = subprocess.run([sys.executable, str(bench), "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["differing_ids"] == 0
    assert result["ratio"] >= 15
    assert result["five_million_mb"] < 500


# --- bad input --------------------------------------------------------------------------------------------

OF_IDS = [
    s2.level, s2.face, s2.range_min, s2.range_max, s2.token, s2.children, s2.centre, s2.vertices,
    s2.edge_neighbours, s2.area_km2, lambda ids: s2.parent(ids, 0),
]  # fmt: skip


@pytest.mark.parametrize("function", OF_IDS)
def test_numbers_that_are_no_cells_are_refused(function: Callable) -> None:
    ids = CELLS[2000:2005].copy()
    ids[3] = 0xD000000000000000
    text = r"0xd000000000000000 \(number 3 of 5.*not the id of an S2 cell\.\nMake ids by s2\.cell_ids"
    with pytest.raises(CellIdError, match=text) as caught:
        function(ids)
    assert isinstance(caught.value, GraticuleError)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(CellIdError, match="number 0 of 1"):
        function(0)


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([1.5], r"have to be uint64, but these are float64\.\nGive whole numbers"),
        (np.array([1.0, 2.0]), "float64"),
        ([-5], r"int64 and some are negative\.\n.*ids\.view\(numpy\.uint64\)"),
        (["35f4"], r"tokens become ids by s2\.from_token"),
        ([None], "object"),
        ([2**64], "have to be uint64"),
    ],
)
def test_what_is_no_id_at_all_is_refused(ids: object, text: str) -> None:
    for function in (s2.is_valid, s2.level):
        with pytest.raises(CellIdError, match=text):
            function(ids)


def test_lists_of_python_integers_lose_no_digits() -> None:
    ids = [0x1000000000000001, 0xB000000000000001]  # NumPy alone makes floats of such a list
    assert s2.range_min(ids).tolist() == ids
    assert s2.level(np.array([0x1000000000000001], dtype=np.int64)).tolist() == [30]


def test_a_cell_has_no_finer_parent_and_a_leaf_no_children() -> None:
    with pytest.raises(
        CellIdError, match=r"35f4000000000000 is coarser.*\nAsk for its own level, 5, or a lower"
    ):
        s2.parent(s2.from_token(["3", "35f4"])[1:], 6)
    with pytest.raises(CellIdError, match=r"leaf cell \(level 30\).*\nLeave out"):
        s2.children(s2.cell_ids([[1, 2]]))


@pytest.mark.parametrize("level", [-1, 31, 2.5, "5", None])
def test_levels_that_do_not_exist_are_refused(level: object) -> None:
    for function in (s2.cell_ids, s2.parent):
        with pytest.raises(UsageError, match=rf"no S2 level {level}\.\nGive a whole number from 0"):
            function([[0, 0]] if function is s2.cell_ids else s2.from_token("35f4"), level)


@pytest.mark.parametrize(
    "name", ["", "X", "0", "35f4000000000000f", "0x35f4", "+35f", "3_5", " 35f4", "35g4", "f4"]
)
def test_tokens_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(CellIdError, match=r"is not the token of an S2 cell\.\nGive 1 to 16 hexadecimal"):
        s2.from_token(["35f4", name])
    assert not google.S2CellId.FromToken(name).is_valid() or name in {"0x35f4", "+35f", " 35f4"}


def test_numbers_are_no_tokens() -> None:
    with pytest.raises(CellIdError, match=r"have to be strings, but these are int64\.\nGive hexadecimal"):
        s2.from_token([35])


def test_places_off_the_earth_are_refused() -> None:
    for latlon in ([[91.0, 0]], [[np.nan, 0]], [[0, np.inf]]):
        with pytest.raises(CoordinateError, match="Place 0 of 1"):
            s2.cell_ids(latlon)


# --- weight -----------------------------------------------------------------------------------------------


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, graticule.geo.s2, graticule.geo.sphere; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    top = {name.partition(".")[0] for name in loaded.split()}
    assert "numpy" in top
    assert not top & {"scipy", "shapely", "polars", "pydantic", "PIL", "onnxruntime", "torch", "s2geometry"}
