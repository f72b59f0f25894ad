"""Every formula of graticule.geo.sphere beside a slow, literal one."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import CoordinateError, UsageError
from graticule.geo import sphere

HALF_ROUND_KM = math.pi * EARTH_RADIUS_KM

latitudes = st.one_of(st.sampled_from([-90.0, 0.0, 90.0, 45.0, -0.0]), st.floats(-90, 90))
longitudes = st.one_of(st.sampled_from([-180.0, 0.0, 180.0, 360.0, 90.0]), st.floats(-360, 360))
places = st.tuples(latitudes, longitudes).map(list)


def random_places(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    return np.stack([latitude, rng.uniform(-180, 180, count)], axis=-1)


# --- literal references -----------------------------------------------------------------------------------


def decimal_sine(angle: Decimal) -> Decimal:
    total = term = angle
    for n in range(1, 200):
        term = -term * angle * angle / ((2 * n) * (2 * n + 1))
        total += term
        if abs(term) < Decimal("1e-55"):
            break
    return total


DECIMAL_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")


def decimal_vector(place: list[float]) -> list[Decimal]:
    latitude, longitude = (Decimal(angle) * DECIMAL_PI / 180 for angle in place)
    quarter = DECIMAL_PI / 2
    cosine = decimal_sine(latitude + quarter)
    return [
        cosine * decimal_sine(longitude + quarter),
        cosine * decimal_sine(longitude),
        decimal_sine(latitude),
    ]


def literal_distance_km(a: list[float], b: list[float]) -> float:
    """Half the chord and half its complement, in 50 digits: right for any two places."""
    with localcontext() as context:
        context.prec = 50
        p, q = decimal_vector(a), decimal_vector(b)
        chord = sum((x - y) ** 2 for x, y in zip(p, q, strict=True)).sqrt()
        complement = sum((x + y) ** 2 for x, y in zip(p, q, strict=True)).sqrt()
    return 2 * EARTH_RADIUS_KM * math.atan2(float(chord), float(complement))


def literal_vector(place: list[float]) -> list[float]:
    latitude, longitude = math.radians(place[0]), math.radians(place[1])
    return [
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    ]


def literal_bearing_deg(a: list[float], b: list[float]) -> float:
    latitude_a, latitude_b, turn = math.radians(a[0]), math.radians(b[0]), math.radians(b[1] - a[1])
    east = math.sin(turn) * math.cos(latitude_b)
    north = math.cos(latitude_a) * math.sin(latitude_b)
    north -= math.sin(latitude_a) * math.cos(latitude_b) * math.cos(turn)
    return math.degrees(math.atan2(east, north)) % 360


def literal_destination(place: list[float], bearing_deg: float, distance_km: float) -> list[float]:
    latitude, longitude, bearing = math.radians(place[0]), math.radians(place[1]), math.radians(bearing_deg)
    arc = distance_km / EARTH_RADIUS_KM
    sine = math.sin(latitude) * math.cos(arc) + math.cos(latitude) * math.sin(arc) * math.cos(bearing)
    turn = math.atan2(
        math.sin(bearing) * math.sin(arc) * math.cos(latitude), math.cos(arc) - math.sin(latitude) * sine
    )
    return [math.degrees(math.asin(sine)), (math.degrees(longitude + turn) + 180) % 360 - 180]


def literal_mean(points: list[list[float]], weights: list[float]) -> list[float]:
    sums = [0.0, 0.0, 0.0]
    for point, weight in zip(points, weights, strict=True):
        for axis, value in enumerate(literal_vector(point)):
            sums[axis] += weight * value
    x, y, z = sums
    return [math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))]


# --- distances --------------------------------------------------------------------------------------------


def test_distance_equals_literal_reference() -> None:
    a, b = random_places(300, 1), random_places(300, 2)
    expected = [literal_distance_km(p, q) for p, q in zip(a.tolist(), b.tolist(), strict=True)]
    np.testing.assert_allclose(sphere.great_circle_km(a, b), expected, rtol=1e-14)


@given(places, places)
def test_distance_is_right_for_any_two_places(a: list[float], b: list[float]) -> None:
    expected = literal_distance_km(a, b)
    assert float(sphere.great_circle_km(a, b)) == pytest.approx(expected, rel=1e-13, abs=1e-11)
    assert float(sphere.great_circle_km(b, a)) == float(sphere.great_circle_km(a, b))


@pytest.mark.parametrize("metres", [1000.0, 1.0, 1e-3])
@pytest.mark.parametrize(
    ("latitude", "longitude"), [(0, 0), (52.5, 13.4), (89.9, 0), (-45, 180), (-33, -180)]
)
def test_places_a_metre_apart(latitude: float, longitude: float, metres: float) -> None:
    step_deg = math.degrees(metres / 1000 / EARTH_RADIUS_KM)
    for near in ([latitude + step_deg, longitude], [latitude, longitude + step_deg]):
        expected = literal_distance_km([latitude, longitude], near)
        measured = float(sphere.great_circle_km([latitude, longitude], near))
        assert measured == pytest.approx(expected, rel=1e-12)
        # The other name of the same meridian: a difference near 360 degrees is rounded to nanometres.
        again = float(sphere.great_circle_km([latitude, longitude - 360], near))
        assert again == pytest.approx(expected, rel=1e-12, abs=1e-11)


@pytest.mark.parametrize("metres", [0.0, 1e-3, 1.0, 1000.0])
@pytest.mark.parametrize("latitude", [0.0, 12.5, 45.0, 89.0])
def test_antipodes(latitude: float, metres: float) -> None:
    step_deg = math.degrees(metres / 1000 / EARTH_RADIUS_KM)
    a, b = [latitude, 30.0], [-latitude + step_deg, -150.0]
    measured = float(sphere.great_circle_km(a, b))
    assert HALF_ROUND_KM - measured == pytest.approx(metres / 1000, rel=1e-6, abs=1e-11)
    assert measured <= HALF_ROUND_KM


def test_distance_over_the_antimeridian_and_the_poles() -> None:
    degree_km = HALF_ROUND_KM / 180
    assert float(sphere.great_circle_km([0, 179.5], [0, -179.5])) == pytest.approx(degree_km)
    assert float(sphere.great_circle_km([0, 179.5], [0, 180.5])) == pytest.approx(degree_km)
    assert float(sphere.great_circle_km([89.5, 0], [89.5, 180])) == pytest.approx(degree_km)
    assert float(sphere.great_circle_km([90, 0], [90, 123])) == pytest.approx(0, abs=1e-11)
    assert float(sphere.great_circle_km([90, 0], [-90, 77])) == pytest.approx(HALF_ROUND_KM)


def test_distance_broadcasts_and_takes_a_radius() -> None:
    a, b = random_places(5).reshape(5, 1, 2), random_places(7).reshape(1, 7, 2)
    matrix = sphere.great_circle_km(a, b)
    assert matrix.shape == (5, 7)
    assert matrix[3, 4] == sphere.great_circle_km(a[3, 0], b[0, 4])
    np.testing.assert_allclose(
        sphere.great_circle_km(a, b, radius_km=1.0), matrix / EARTH_RADIUS_KM, rtol=1e-14
    )
    assert sphere.great_circle_km(np.empty((0, 2)), [0, 0]).shape == (0,)


# --- vectors and means ------------------------------------------------------------------------------------


def test_vectors_equal_literal_reference_and_come_back() -> None:
    latlon = random_places(1000)
    vectors = sphere.unit_vectors(latlon)
    np.testing.assert_allclose(vectors, [literal_vector(place) for place in latlon.tolist()], atol=1e-15)
    np.testing.assert_allclose(sphere.latlon_of(vectors * 3.5), latlon, atol=1e-12)
    assert sphere.unit_vectors(latlon.reshape(10, 100, 2)).shape == (10, 100, 3)
    assert sphere.unit_vectors(np.empty((0, 2))).shape == (0, 3)


def test_vectors_at_poles_and_antimeridian() -> None:
    vectors = [[0, 0, 1], [0, 0, -5], [-1, -0.0, 0], [-1, 0, -0.0], [0, -1, 0]]
    assert sphere.latlon_of(vectors).tolist() == [[90, 0], [-90, 0], [0, 180], [0, 180], [0, -90]]


def test_a_vector_that_points_nowhere_is_nan() -> None:
    assert np.isnan(sphere.latlon_of([[0, 0, 0], [np.nan, 0, 1]])).all()
    with pytest.raises(CoordinateError, match=r"shape \(\.\.\., 3\).*\(4, 2\)\.\n.*unit_vectors"):
        sphere.latlon_of(np.zeros((4, 2)))


def test_mean_equals_literal_reference() -> None:
    latlon = random_places(50, 4) * [0.3, 0.2] + [50, 170]
    weights = np.random.default_rng(4).uniform(0, 5, 50)
    np.testing.assert_allclose(
        sphere.spherical_mean(latlon), literal_mean(latlon.tolist(), [1] * 50), atol=1e-12
    )
    expected = literal_mean(latlon.tolist(), weights.tolist())
    np.testing.assert_allclose(sphere.spherical_mean(latlon, weights), expected, atol=1e-12)
    shaped = sphere.spherical_mean(latlon.reshape(5, 10, 2), weights.reshape(5, 10))
    np.testing.assert_allclose(shaped, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("latlon", "expected"),
    [
        ([[10, 179], [10, -179]], [10.0015, 180]),
        ([[80, 0], [80, 180]], [90, None]),
        ([[-90, 5], [-90, 100]], [-90, None]),
        ([12, 34], [12, 34]),
    ],
)
def test_mean_at_the_antimeridian_and_the_poles(latlon: list, expected: list) -> None:
    mean = sphere.spherical_mean(latlon)
    assert mean[0] == pytest.approx(expected[0], abs=1e-3)
    if expected[1] is not None:
        assert abs(mean[1]) == pytest.approx(expected[1])


@pytest.mark.parametrize("latlon", [np.empty((0, 2)), [[0, 0], [0, 180]], [[90, 0], [-90, 0]]])
def test_places_without_a_mean_are_refused(latlon: list) -> None:
    with pytest.raises(CoordinateError, match=r"have no mean.*\n.*at least one place"):
        sphere.spherical_mean(latlon)
    with pytest.raises(CoordinateError, match="have no mean"):
        sphere.spherical_mean([1, 2], weights=0.0)


def test_group_means_equal_a_mean_for_each_group() -> None:
    latlon = random_places(2000, 5)
    rng = np.random.default_rng(5)
    groups, weights = rng.integers(-1, 40, 2000), rng.uniform(0, 2, 2000)
    groups[groups == 7] = 8  # an empty group
    means = sphere.group_means(latlon, groups, 41, weights)
    assert means.shape == (41, 2)
    for group in range(41):
        inside = groups == group
        if inside.any():
            expected = literal_mean(latlon[inside].tolist(), weights[inside].tolist())
            np.testing.assert_allclose(means[group], expected, atol=1e-10)
    assert np.isnan(means[[7, 40]]).all()
    assert sphere.group_means(np.empty((0, 2)), [], 3).shape == (3, 2)
    assert sphere.group_means(np.empty((0, 2)), [], 0).shape == (0, 2)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_means_do_not_depend_on_the_scale_of_the_weights(scale: float) -> None:
    latlon, weights = random_places(20, 6), np.linspace(0.1, 1, 20)
    np.testing.assert_allclose(
        sphere.spherical_mean(latlon, weights * scale), sphere.spherical_mean(latlon, weights), atol=1e-10
    )


def test_bad_groups_and_weights_are_refused_with_advice() -> None:
    latlon = random_places(3)
    with pytest.raises(UsageError, match=r"lie in 0\.\.1 .*go from 0 to 2\.\nRaise count"):
        sphere.group_means(latlon, [0, 1, 2], 2)
    with pytest.raises(UsageError, match=r"3 integers.*float64 of shape \(3,\)"):
        sphere.group_means(latlon, [0.0, 1.0, 1.0], 2)
    with pytest.raises(UsageError, match=r"3 integers.*shape \(2,\)\.\nGive one group"):
        sphere.group_means(latlon, [0, 1], 2)
    with pytest.raises(UsageError, match=r"Weights have to have shape \(3,\)"):
        sphere.group_means(latlon, [0, 1, 1], 2, [1, 2])
    for bad in (-1, np.nan, np.inf):
        with pytest.raises(UsageError, match=r"finite and not negative\.\nReplace"):
            sphere.group_means(latlon, [0, 1, 1], 2, [1, bad, 1])
    with pytest.raises(CoordinateError, match=r"shape \(N, 2\).*\nReshape"):
        sphere.group_means(latlon[None], [0, 1, 1], 2)


# --- ways -------------------------------------------------------------------------------------------------


def test_destination_equals_literal_reference() -> None:
    latlon = random_places(500, 7)
    rng = np.random.default_rng(7)
    bearings, lengths = rng.uniform(0, 360, 500), rng.uniform(0, 15000, 500)
    reached = sphere.destination(latlon, bearings, lengths)
    expected = [
        literal_destination(*row)
        for row in zip(latlon.tolist(), bearings.tolist(), lengths.tolist(), strict=True)
    ]
    assert sphere.great_circle_km(reached, expected).max() < 1e-6


@given(places, st.floats(0, 360), st.one_of(st.floats(0, 20000), st.floats(0, 0.01)))
def test_destination_lies_at_its_distance_and_bearing(
    place: list[float], bearing: float, length: float
) -> None:
    reached = sphere.destination(place, bearing, length)
    assert abs(reached[0]) <= 90
    assert abs(reached[1]) <= 180
    # A float64 longitude of some hundred degrees is no finer than a few nanometres on the ground.
    assert float(sphere.great_circle_km(place, reached)) == pytest.approx(length, rel=1e-12, abs=1e-11)
    assume(length > 1e-3 and abs(place[0]) < 89.9 and abs(reached[0]) < 89.9 and length < 19000)
    assert math.cos(math.radians(float(sphere.bearing_deg(place, reached)) - bearing)) > 1 - 1e-9


def test_destination_of_special_places() -> None:
    quarter_km = HALF_ROUND_KM / 2
    np.testing.assert_allclose(sphere.destination([90, 25], 180, quarter_km), [0, 25], atol=1e-12)
    np.testing.assert_allclose(sphere.destination([-90, 25], 0, quarter_km), [0, 25], atol=1e-12)
    np.testing.assert_allclose(sphere.destination([10, 20], 0, -100), sphere.destination([10, 20], 180, 100))
    assert sphere.destination([10, 20], np.arange(4) * 90.0, 100).shape == (4, 2)
    assert sphere.destination(np.empty((0, 2)), 0, 1).shape == (0, 2)
    assert sphere.destination(random_places(6).reshape(2, 3, 2), 0, np.ones((2, 1))).shape == (2, 3, 2)
    with pytest.raises(CoordinateError, match=r"not finite\.\nGive bearings in degrees"):
        sphere.destination([0, 0], np.nan, 1)


def test_bearing_equals_literal_reference() -> None:
    a, b = random_places(500, 8), random_places(500, 9)
    expected = [literal_bearing_deg(p, q) for p, q in zip(a.tolist(), b.tolist(), strict=True)]
    np.testing.assert_allclose(sphere.bearing_deg(a, b), expected, atol=1e-9)


def test_bearing_of_special_places() -> None:
    to = [[1, 0], [0, 1], [-1, 0], [0, -1], [0, 0]]
    assert sphere.bearing_deg([0, 0], to).tolist() == [0, 90, 180, 270, 0]
    assert float(sphere.bearing_deg([0, 179.5], [0, -179.5])) == 90
    assert float(sphere.bearing_deg([80, 10], [90, 55])) == pytest.approx(0, abs=1e-12)
    assert float(sphere.bearing_deg([50, 0], [50 + 1e-9, 1e-9 / math.cos(math.radians(50))])) == (
        pytest.approx(45, abs=1e-4)
    )
    assert 0 <= float(sphere.bearing_deg([0, 0], [50, -1e-300])) < 360


# --- the nearest ------------------------------------------------------------------------------------------


def literal_nearest(point: np.ndarray, targets: np.ndarray) -> int:
    lengths = [float(sphere.great_circle_km(point, target)) for target in targets]
    return lengths.index(min(lengths))


def test_nearest_equals_literal_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    points, targets = random_places(60, 10), random_places(40, 11)
    expected = [literal_nearest(point, targets) for point in points]
    for pairs in (1 << 21, 100, 1):  # one chunk; some; one for each point
        monkeypatch.setattr(sphere, "_PAIRS_PER_CHUNK", pairs)
        distance_km, index = sphere.nearest_km(points, targets)
        assert index.tolist() == expected
        np.testing.assert_array_equal(distance_km, sphere.great_circle_km(points, targets[index]))


@pytest.mark.parametrize("centre", [[48.2, 16.37], [90.0, 0.0], [0.0, 180.0]])
def test_nearest_tells_places_centimetres_apart(centre: list[float]) -> None:
    rng = np.random.default_rng(12)
    around = sphere.destination(centre, rng.uniform(0, 360, 80), rng.uniform(0, 2e-3, 80))
    points, targets = around[:50], np.concatenate([around[50:], random_places(200, 13)])
    assert sphere.nearest_km(points, targets)[1].tolist() == [
        literal_nearest(point, targets) for point in points
    ]


def test_nearest_takes_the_first_of_equals_and_any_shape() -> None:
    targets = [[10, 10], [0, 0], [0, 0], [10, 10]]
    distance_km, index = sphere.nearest_km([[[0, 0], [10, 10]], [[1, 1], [9, 9]]], targets)
    assert index.tolist() == [[1, 0], [1, 0]]
    assert distance_km.shape == (2, 2)
    assert int(sphere.nearest_km([0, 0], targets)[1]) == 1
    assert sphere.nearest_km(np.empty((0, 2)), targets)[0].shape == (0,)
    with pytest.raises(CoordinateError, match=r"M at least 1.*\(0, 2\)\.\nGive at least one"):
        sphere.nearest_km([0, 0], np.empty((0, 2)))


# --- bad places -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latlon", "text"),
    [
        ([[0, 0], [91, 5]], r"Place 1 of 2 .*\(91\.0, 5\.0\).*\[-90, 90\]\.\n.*look swapped"),
        (
            [-90.001, 120],
            r"\(-90\.001, 120\.0\).*\[-90, 90\]\.\nGive places as \(latitude, longitude\) in degrees\.",
        ),
        ([[0, 0], [1, np.nan]], r"Place 1 of 2 .*not finite\.\nDrop"),
        ([np.nan, 1], "not finite"),
        ([5, np.inf], "not finite"),
        ([5, -np.inf], "not finite"),
        ([None, 1.0], "not finite"),
        ([[1, 2, 3]], r"shape \(\.\.\., 2\).*\(1, 3\)\.\nGive \(latitude, longitude\)"),
        (5.0, r"have shape \(\)"),
        ([[1, 2], [3]], "have to be numbers"),
        (["52", "13"], r"have to be numbers.*\nGive"),
        ([1j, 2], "have to be numbers"),
    ],
)
def test_bad_places_are_refused_with_advice(latlon: object, text: str) -> None:
    with pytest.raises(CoordinateError, match=text):
        sphere.check_latlon(latlon)
    with pytest.raises(ValueError, match=text):
        sphere.great_circle_km(latlon, [0, 0])


def test_good_places_pass_unchanged() -> None:
    latlon = random_places(10)
    assert sphere.check_latlon(latlon) is latlon
    assert sphere.check_latlon(latlon.astype(np.float32)).dtype == np.float64
    assert sphere.check_latlon([[90, 540], [-90, -1e9]]).tolist() == [[90, 540], [-90, -1e9]]
    assert sphere.check_latlon(np.empty((3, 0, 2))).shape == (3, 0, 2)
