"""k-means on the sphere against a literal version of it, and against scikit-learn's cost."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.geo.sphere import great_circle_km, latlon_of, unit_vectors
from graticule.partitions.cells.seeds import nearest_seed
from graticule.partitions.outlines.kmeans import spherical_kmeans


def towns(count: int = 600, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.array([[51.5, -0.1], [40.7, -74.0], [35.7, 139.7], [-33.9, 151.2], [-17.8, 178.0]])
    return centres[rng.integers(len(centres), size=count)] + rng.normal(size=(count, 2)) * 0.7


def test_finds_towns_also_across_the_antimeridian() -> None:
    latlon = np.concatenate([towns(300), [[-17, 179.5], [-17, -179.5]] * 30])
    found = spherical_kmeans(unit_vectors(latlon), 5)
    fiji = latlon[:, 0] == -17
    assert len(np.unique(found.labels[fiji])) == 1
    centre = latlon_of(found.centres[found.labels[fiji][0]])
    assert great_circle_km(centre, [-17.4, 179.5]) < 200


def test_labels_are_the_nearest_centres_by_great_circle() -> None:
    latlon = towns()
    found = spherical_kmeans(unit_vectors(latlon), 12)
    distances = great_circle_km(latlon[:, None], latlon_of(found.centres)[None])
    np.testing.assert_array_equal(found.labels, distances.argmin(axis=1))


def test_centres_are_the_means_of_their_places() -> None:
    vectors = unit_vectors(towns())
    found = spherical_kmeans(vectors, 6)
    for index, centre in enumerate(found.centres):
        mean = vectors[found.labels == index].sum(axis=0)
        np.testing.assert_allclose(centre, mean / np.linalg.norm(mean), atol=1e-12)


def test_weights_count_like_repeated_places() -> None:
    vectors = unit_vectors(towns(80))
    times = np.random.default_rng(1).integers(1, 5, size=80)
    weighted = spherical_kmeans(vectors, 5, weights=times.astype(float), starts=8)
    repeated = spherical_kmeans(np.repeat(vectors, times, axis=0), 5, starts=8)
    assert weighted.cost == pytest.approx(repeated.cost, rel=1e-6)


def test_costs_no_more_than_scikit_learn() -> None:
    cluster = pytest.importorskip("sklearn.cluster")
    vectors = unit_vectors(towns(2000, seed=3))
    theirs = cluster.KMeans(20, n_init=4, random_state=0).fit(vectors)
    centres = theirs.cluster_centers_ / np.linalg.norm(theirs.cluster_centers_, axis=1, keepdims=True)
    cost = (1 - (vectors @ centres.T).max(axis=1)).sum()
    assert spherical_kmeans(vectors, 20).cost < 1.1 * cost


@pytest.mark.parametrize("count", [1, 2, 7])
def test_no_more_centres_than_different_places(count: int) -> None:
    vectors = unit_vectors([[10, 20]] * 5 + [[11, 20]] * 5)
    found = spherical_kmeans(vectors, count)
    assert len(found.centres) == min(count, 2)
    assert set(found.labels.tolist()) == set(range(min(count, 2)))


def test_places_without_weight_get_no_centre() -> None:
    vectors = unit_vectors([[0, 0], [0, 1], [50, 50]])
    found = spherical_kmeans(vectors, 2, weights=np.array([1.0, 1.0, 0.0]))
    assert set(found.labels[:2].tolist()) == {0, 1}
    assert found.cost == pytest.approx(0, abs=1e-12)


def test_the_same_every_time() -> None:
    vectors = unit_vectors(towns())
    np.testing.assert_array_equal(spherical_kmeans(vectors, 9).centres, spherical_kmeans(vectors, 9).centres)


@pytest.mark.parametrize("seeds", [2, 32, 33, 200])
def test_nearest_seed_is_the_same_alone_and_in_company(seeds: int) -> None:
    rng = np.random.default_rng(5)
    vectors = unit_vectors(towns(500))
    chosen = vectors[rng.choice(500, seeds, replace=False)]
    together = nearest_seed(vectors, chosen)
    alone = [int(nearest_seed(vectors[i : i + 1], chosen)[0]) for i in range(500)]
    assert together.tolist() == alone
    literal = [int(np.linalg.norm(chosen - vector, axis=1).argmin()) for vector in vectors]
    assert together.tolist() == literal
