"""The rules of the field's code bases, against literal re-implementations of what each of them does."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graticule.errors import UsageError
from graticule.evaluation.ground_truth import GroundTruth
from graticule.evaluation.labels import Labels
from graticule.evaluation.one_place import errors_of_place, is_within_place
from graticule.evaluation.protocols import PROTOCOLS, protocol_named


def _haversine_km(a: tuple[float, float], b: tuple[float, float], radius_km: float) -> float:
    """The textbook's formula, as the peers have it."""
    latitude_a, longitude_a, latitude_b, longitude_b = map(math.radians, (*a, *b))
    hav = (
        math.sin((latitude_b - latitude_a) / 2) ** 2
        + math.cos(latitude_a) * math.cos(latitude_b) * math.sin((longitude_b - longitude_a) / 2) ** 2
    )
    return 2 * radius_km * math.asin(math.sqrt(hav))


@pytest.fixture(scope="module")
def pairs() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    a = np.stack([random.uniform(-85, 85, 300), random.uniform(-180, 180, 300)], axis=1)
    b = a + random.normal(0, 1, a.shape) * 10 ** random.uniform(-3, 0.7, (300, 1))
    return a, np.clip(b, [-90, -400], [90, 400])


@pytest.mark.parametrize(
    ("name", "radius_km"),
    [("graticule", 6371.0088), ("osv5m", 6371.0), ("pigeon", 6378.137), ("geoestimation", 6371.0)],
)
def test_distances_on_spheres(name: str, radius_km: float, pairs: tuple[np.ndarray, np.ndarray]) -> None:
    expected = [_haversine_km(tuple(a), tuple(b), radius_km) for a, b in zip(*pairs, strict=True)]
    np.testing.assert_allclose(protocol_named(name).distance_km(*pairs), expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["geoclip", "g3"])
def test_distances_on_the_ellipsoid(name: str, pairs: tuple[np.ndarray, np.ndarray]) -> None:
    oracle = pytest.importorskip("pyproj").Geod(ellps="WGS84")
    a, b = pairs
    expected = np.asarray(oracle.inv(a[:, 1], a[:, 0], b[:, 1], b[:, 0])[2]) / 1000
    np.testing.assert_allclose(protocol_named(name).distance_km(a, b), expected, atol=1e-6)


def test_thresholds_and_scores() -> None:
    strict = {name for name, protocol in PROTOCOLS.items() if not protocol.is_within([25.0], 25)[0]}
    assert strict == {"osv5m", "pigeon", "g3"}
    errors = np.array([0.0, 3.3, 800.0, np.inf])
    points = [5000 * math.exp(-error / 1492.7) for error in errors]
    np.testing.assert_allclose(PROTOCOLS["osv5m"].geoscore(errors), points)
    assert PROTOCOLS["pigeon"].geoscore(errors).tolist() == [round(each) for each in points]


def test_statements_name_every_rule() -> None:
    for name, protocol in PROTOCOLS.items():
        said = protocol.statement
        assert f"'{name}'" in said
        assert ("<" if protocol.strict else "≤") in said
        assert ("WGS 84" in said) == protocol.geodesic
        assert ("whole points" in said) == protocol.rounded
        assert ("nearest town" in said) == (protocol.area_rule == "nearest-town")
        assert ("is the one stated" in said) == (protocol.area_rule == "stated")
        assert "counts as wrong" in said
    assert PROTOCOLS["pigeon"].to_dict()["radius_km"] == 6378.137
    with pytest.raises(UsageError, match=r"no protocol 'pidgeon'.*\n.*--protocol pigeon"):
        protocol_named("pidgeon")


def test_many_pairs_go_in_blocks(pairs: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = (np.tile(each, (150, 1)) for each in pairs)
    whole = PROTOCOLS["graticule"].distance_km(a, b)
    np.testing.assert_array_equal(whole[:300], PROTOCOLS["graticule"].distance_km(*pairs))
    np.testing.assert_array_equal(whole[-300:], whole[:300])
    assert PROTOCOLS["graticule"].distance_km(a[0], b).shape == (len(b),)


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_one_place_for_all(name: str, pairs: tuple[np.ndarray, np.ndarray]) -> None:
    """The short way of the constant guess and the general one agree, poles and antimeridian included."""
    protocol, places = PROTOCOLS[name], np.concatenate([pairs[0], [[90, 0], [-90, 5], [1, 180], [1, -180]]])
    none = Labels.of([None] * len(places))
    truth = GroundTruth(places, none, none, None, None, None)
    for place in (np.array([48.0, 2.0]), np.array([1.0, 179.9]), np.array([-90.0, 0.0])):
        expected = protocol.distance_km(place, places)
        np.testing.assert_allclose(errors_of_place(place, truth, protocol), expected, atol=1e-6)
        for limit in (25.0, 2500.0, 19_000.0):
            inside = is_within_place(place, truth, protocol, limit)
            np.testing.assert_array_equal(inside, protocol.is_within(expected, limit))
