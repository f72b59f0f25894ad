"""The search for the best constant guess, against an exhaustive one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from graticule.config import EARTH_RADIUS_KM, THRESHOLDS_KM
from graticule.evaluation import TrainingPlaces
from graticule.evaluation.constants import best_constants, best_within
from graticule.evaluation.metrics import errors_km, median_km
from graticule.evaluation.protocols import GRATICULE
from graticule.geo.sphere import great_circle_km, latlon_of, unit_vectors


def _most_within(places: np.ndarray, weights: np.ndarray, limit_km: float) -> float:
    """The largest weight that any circle of that radius holds: some best circle has two places on its rim,
    or one place as its centre.
    """
    vectors, angle = unit_vectors(places), limit_km * (1 - 1e-9) / EARTH_RADIUS_KM
    centres = [*vectors]
    for a, b in combinations(vectors, 2):
        apart, across = a @ b, np.cross(a, b)
        if across @ across < 1e-18:
            continue
        along = np.cos(angle) / (1 + apart) * (a + b)
        rest = 1 - along @ along
        if rest >= 0:
            side = np.sqrt(rest / (across @ across)) * across
            centres += [along + side, along - side]
    best = 0.0
    for centre in latlon_of(np.array(centres)):
        best = max(best, weights[great_circle_km(centre, places) <= limit_km].sum())
    return best


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limit_km", THRESHOLDS_KM)
def test_as_good_as_an_exhaustive_search(limit_km: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    middles = np.stack([random.uniform(-85, 85, 5), random.uniform(-180, 180, 5)], axis=1)
    spread_deg = limit_km / 111 * random.uniform(0.3, 2.0, (5, 1))
    places = (middles[:, None] + random.normal(0, 1, (5, 10, 2)) * spread_deg[:, None]).reshape(-1, 2)
    places[:, 0] = np.clip(places[:, 0], -90, 90)
    weights = random.integers(1, 5, 50).astype(float)
    found = best_within(TrainingPlaces.of(places, "test", weights=weights), limit_km)
    held = weights[great_circle_km(found, places) <= limit_km].sum()
    assert held >= 0.93 * _most_within(places, weights, limit_km)


@pytest.mark.parametrize("middle", [(0.0, 180.0), (90.0, 0.0), (-90.0, 0.0)])
def test_a_cluster_around_antimeridian_or_pole_is_held_whole(middle: tuple[float, float]) -> None:
    random = np.random.default_rng(0)
    bearings = random.uniform(0, 360, 40)
    from graticule.geo.sphere import destination

    cluster = destination(np.broadcast_to(middle, (40, 2)), bearings, random.uniform(0, 180, 40))
    elsewhere = np.stack([random.uniform(-50, 50, 30), random.uniform(20, 80, 30)], axis=1)
    found = best_within(TrainingPlaces.of(np.concatenate([cluster, elsewhere]), "test"), 200)
    assert (great_circle_km(found, cluster) <= 200).mean() > 0.9


def test_one_place_and_many_copies_of_it() -> None:
    for copies in (1, 1000):
        places = TrainingPlaces.of(np.tile([[12.0, 34.0]], (copies, 1)), "test")
        for place in best_constants(places).values():
            assert great_circle_km(place, [12.0, 34.0]) < 1.0


def test_antipodes_have_no_mean_but_a_best_place() -> None:
    found = best_constants(TrainingPlaces.of([[0, 0], [0, 180]], "test"))
    assert great_circle_km(found["25"], [[0, 0], [0, 180]]).min() < 25


def test_other_goals_beat_every_place_of_a_grid() -> None:
    random = np.random.default_rng(1)
    places = np.stack([random.normal(40, 15, 300), random.normal(10, 40, 300)], axis=1)
    found = best_constants(TrainingPlaces.of(places, "test"))
    grid = np.stack(np.meshgrid(np.arange(-80, 81, 4.0), np.arange(-180, 180, 4.0)), -1).reshape(-1, 2)
    distances = great_circle_km(grid[:, None], places)
    assert (
        errors_km(np.tile(found["mean_km"], (300, 1)), places).mean() <= distances.mean(axis=1).min() * 1.0001
    )
    ours = median_km(great_circle_km(found["median_km"], places))
    assert ours <= np.median(distances, axis=1).min() * 1.005
    score = GRATICULE.geoscore(great_circle_km(found["geoscore"], places)).mean()
    assert score >= GRATICULE.geoscore(distances).mean(axis=1).max() * 0.9999


def test_weighted_median_against_repeated_places() -> None:
    random = np.random.default_rng(2)
    places = np.stack([random.uniform(-60, 60, 40), random.uniform(-170, 170, 40)], axis=1)
    weights = random.integers(1, 9, 40)
    found = best_constants(TrainingPlaces.of(places, "test", weights=weights))["median_km"]
    repeated = np.repeat(places, weights, axis=0)
    same = best_constants(TrainingPlaces.of(repeated, "test"))["median_km"]
    medians = [np.median(great_circle_km(place, repeated)) for place in (found, same)]
    assert medians[0] == pytest.approx(medians[1], rel=0.02)


def test_a_small_dense_cell_outweighs_a_large_full_one() -> None:
    cells = TrainingPlaces(
        np.array([[0.0, 0.0], [50.0, 50.0]]),
        np.array([1000.0, 100.0]),
        "two cells",
        areas_km2=np.array([1e6, 10.0]),
    )
    assert great_circle_km(best_within(cells, 1), [50.0, 50.0]) < 2
    assert great_circle_km(best_within(cells, 2500), [0.0, 0.0]) <= 2500


def test_real_places_give_the_published_figures(shared: object) -> None:
    """On yfcc25600 and Im2GPS, near the figures of all 2,997 photos of Im2GPS3k (15.4 and 37.4 %)."""
    coords = shared / "data" / "coords"  # type: ignore[operator]
    training = TrainingPlaces.read(coords / "mp16_sample_100k.csv.gz")
    found = best_constants(training)
    held = {
        limit: (great_circle_km(found[f"{limit}"], training.latlon) <= limit).mean()
        for limit in THRESHOLDS_KM
    }
    # the best of 20,000 of the places themselves holds 0.505, 2.588, 7.016, 22.726 and 42.361 %
    assert held[1] >= 0.00505
    assert held[25] >= 0.02588
    assert held[200] >= 0.07016
    assert held[750] >= 0.22726
    assert held[2500] >= 0.42361
    test = pl.read_csv(coords / "im2gps.csv.gz").select("latitude", "longitude").to_numpy()
    assert 0.12 < (great_circle_km(found["750"], test) <= 750).mean() < 0.20
    assert 0.33 < (great_circle_km(found["2500"], test) <= 2500).mean() < 0.43
