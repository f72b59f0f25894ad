"""Lengths on the ellipsoid, against the geodesics of PROJ (Karney's algorithm)."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.errors import CoordinateError
from graticule.geo.ellipsoid import geodesic_km
from graticule.geo.sphere import great_circle_km


def _places(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.stack(
        [np.degrees(np.arcsin(random.uniform(-1, 1, count))), random.uniform(-180, 180, count)], axis=1
    )


def _pairs(kind: str) -> tuple[np.ndarray, np.ndarray]:
    here, random = _places(500, 0), np.random.default_rng(1)
    opposite = np.stack([-here[:, 0], here[:, 1] + 180], axis=1)
    zeros, steps = np.zeros(500), np.linspace(0, 180, 500)
    low = np.array([90.0, 600.0])
    east, west = np.stack([here[:, 0], zeros + 179.9], 1), np.stack([here[:, 0], zeros - 179.9], 1)
    return {
        "anywhere": (here, _places(500, 2)),
        "metres apart": (here, np.clip(here + random.normal(0, 1e-5, (500, 2)), -low, low)),
        "nearly opposite": (here, np.clip(opposite + random.normal(0, 0.3, (500, 2)), -low, low)),
        "opposite": (here, opposite),
        "along the equator": (np.stack([zeros, zeros], 1), np.stack([zeros, steps], 1)),
        "from pole to pole": (np.stack([zeros + 90, zeros], 1), np.stack([zeros - 90, steps], 1)),
        "across the antimeridian": (east, west),
    }[kind]  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    [
        "anywhere",
        "metres apart",
        "nearly opposite",
        "opposite",
        "along the equator",
        "from pole to pole",
        "across the antimeridian",
    ],
)
def test_against_proj(kind: str) -> None:
    oracle = pytest.importorskip("pyproj").Geod(ellps="WGS84")
    a, b = _pairs(kind)
    expected = np.asarray(oracle.inv(a[:, 1], a[:, 0], b[:, 1], b[:, 0])[2]) / 1000
    np.testing.assert_allclose(geodesic_km(a, b), expected, rtol=0, atol=1e-6)


def test_known_lengths() -> None:
    # Vincenty's worked example, Flinders Peak to Buninyon, on WGS 84: 54,972.271 m
    flinders, buninyon = [-37.95103342, 144.42486789], [-37.65282114, 143.92649553]
    assert float(geodesic_km(flinders, buninyon)) == pytest.approx(54.972271, abs=1e-5)
    # from pole to pole along a meridian
    assert float(geodesic_km([90.0, 0.0], [-90.0, 17.0])) == pytest.approx(20003.931459, abs=1e-6)


def test_symmetric_and_close_to_the_sphere() -> None:
    a, b = _pairs("anywhere")
    np.testing.assert_allclose(geodesic_km(a, b), geodesic_km(b, a), atol=1e-6)
    assert np.abs(geodesic_km(a, b) / great_circle_km(a, b) - 1).max() < 0.006


def test_shapes_and_errors() -> None:
    assert geodesic_km(np.zeros((0, 2)), np.zeros((0, 2))).shape == (0,)
    assert geodesic_km([0.0, 0.0], np.zeros((3, 4, 2))).shape == (3, 4)
    assert float(geodesic_km([12.0, 13.0], [12.0, 13.0])) == 0.0
    with pytest.raises(CoordinateError, match="latitude"):
        geodesic_km([91.0, 0.0], [0.0, 0.0])
