"""Classes, chance, areas and searched ground, against loops and scikit-learn."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_recall_fscore_support

from graticule.evaluation.areas import LEVELS, nearest_town_accuracy, polygon_accuracy, region_of
from graticule.evaluation.classification import ClassCounts, class_statistic, is_in_first_k
from graticule.evaluation.cluster_draw import cluster_draw
from graticule.evaluation.improvement import chances, improvements
from graticule.evaluation.labels import Labels
from graticule.evaluation.metrics import calibration_statistic, expected_calibration_error
from graticule.evaluation.recall_against_area import ranked_by_density, recall_at_km2, searched_km2
from graticule.evaluation.training_places import TrainingPlaces
from graticule.geo.places import nearest_towns
from graticule.geo.sphere import great_circle_km
from graticule.geo.towns import gazetteer, town_districts
from graticule.partitions import Partition


@pytest.fixture
def classes() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    truth = random.choice(6, 400, p=[0.4, 0.3, 0.2, 0.06, 0.04, 0.0])
    return truth, np.where(random.random(400) < 0.5, truth, random.integers(-1, 6, 400))


def test_figures_against_scikit_learn(classes: tuple[np.ndarray, np.ndarray]) -> None:
    truth, answers = classes
    counts = ClassCounts.of(truth, answers, 6)
    figures = counts.figures()
    assert figures["accuracy"] == np.mean(truth == answers)
    with np.errstate(all="ignore"), pytest.warns(UserWarning, match="y_pred contains classes"):
        assert figures["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, answers))
    labels = [0, 1, 2, 3, 4, 5]
    assert figures["macro_f1"] == pytest.approx(
        f1_score(truth, answers, labels=labels, average="macro", zero_division=0)
    )
    expected = precision_recall_fscore_support(truth, answers, labels=labels, zero_division=0)
    np.testing.assert_allclose(np.nan_to_num(counts.precision), expected[0])
    np.testing.assert_allclose(np.nan_to_num(counts.recall), expected[1])


def test_weights_count_photos_several_times(classes: tuple[np.ndarray, np.ndarray]) -> None:
    truth, answers = classes
    weights = np.random.default_rng(1).integers(0, 4, 400)
    repeated = ClassCounts.of(np.repeat(truth, weights), np.repeat(answers, weights), 6).figures()
    assert class_statistic(truth, answers, 6)(weights.astype(float)) == pytest.approx(repeated)
    assert ClassCounts.of(truth, answers, 6, weights=weights).figures() == pytest.approx(repeated)


def test_no_photos_have_no_figures() -> None:
    assert np.isnan(list(ClassCounts.of([], [], 3).figures().values())).all()
    assert np.isnan(list(ClassCounts.of([-1], [0], 3).figures().values())).all()


def test_calibration_statistic() -> None:
    random = np.random.default_rng(2)
    confidence, right, stated = random.random(200), random.random(200) < 0.4, random.random(200) < 0.8
    weights = random.integers(0, 3, 200)
    rows = np.repeat(np.arange(200), weights)[np.repeat(stated, weights)]
    expected = expected_calibration_error(confidence[rows], right[rows])
    found = calibration_statistic(confidence, right, stated)(weights.astype(float))
    assert found["ece"] == pytest.approx(expected)


def test_labels() -> None:
    truth, answers = Labels.of(["b", "a", None, "c"]), Labels.of(["b", "z", None, None])
    assert answers.agrees_with(truth).tolist() == [True, False, False, False]
    assert answers.among(("z", "q")).tolist() == [2, 0, -1, -1]
    assert truth.counts == {"a": 1, "b": 1, "c": 1}
    assert truth.series().to_list() == ["b", "a", None, "c"]
    assert truth.where([True, False, True, True]).texts().tolist() == ["b", None, None, "c"]
    assert truth.grouped(["X", None, "X"]).texts().tolist() == [None, "X", None, "X"]
    assert Labels.of([None, None]).texts().tolist() == [None, None]
    assert len(Labels.of(pl.Series([], dtype=pl.String))) == 0
    assert is_in_first_k(truth, [answers, Labels.of(["a", "a", "a", "a"])], 2).tolist() == [
        True,
        True,
        False,
        False,
    ]


def test_chances_against_draws() -> None:
    random = np.random.default_rng(3)
    training, test = np.array([50, 30, 15, 5, 0]), np.array([10, 40, 30, 10, 10])
    truth = np.repeat(np.arange(5), test)
    found = chances(training, test)
    assert found["largest"] == np.mean(truth == 0)
    uniform = (random.integers(0, 5, (4000, 100)) == truth).mean()
    by_share = (random.choice(5, (4000, 100), p=training / 100) == truth).mean()
    assert found["uniform"] == pytest.approx(uniform, abs=0.005)
    assert found["gini"] == pytest.approx(by_share, abs=0.005)
    assert improvements(0.4, training, test)["improvement"]["uniform"] == pytest.approx(2.0)
    assert np.isnan(chances([0, 0])["uniform"])


def test_thesis_table() -> None:
    """S4, table 6.6: of 110 cells random is right for 0.009, and 0.0125 is then 1.38 times better."""
    assert improvements(1.38 / 110, np.ones(110))["improvement"]["uniform"] == pytest.approx(1.38)


def test_cluster_draw_has_the_moments_of_its_clusters() -> None:
    random = np.random.default_rng(4)
    far_east = np.stack([random.normal(60, 0.5, 4000), random.normal(180, 2.0, 4000)], axis=1)
    south = np.stack([random.normal(-30, 1.0, 1000), random.normal(20, 1.0, 1000)], axis=1)
    places = TrainingPlaces.of(np.concatenate([far_east, south]), "two clusters")
    guesses = cluster_draw(places, 20_000, clusters=2)
    is_east = guesses[:, 0] > 0
    assert is_east.mean() == pytest.approx(0.5, abs=0.02)  # each cluster as often, whatever it holds
    east = guesses[is_east]
    turned = np.where(east[:, 1] < 0, east[:, 1] + 360, east[:, 1])
    # a normal distribution in the tangent plane bends when it is laid on the sphere: a little
    assert east[:, 0].mean() == pytest.approx(60, abs=0.1)
    assert east[:, 0].std() == pytest.approx(0.5, abs=0.05)
    assert turned.mean() == pytest.approx(180, abs=0.1)
    assert turned.std() == pytest.approx(2.0, abs=0.1)
    np.testing.assert_array_equal(guesses, cluster_draw(places, 20_000, clusters=2))
    one = cluster_draw(TrainingPlaces.of([[10.0, 20.0]], "one place"), 3)
    np.testing.assert_allclose(one, [[10.0, 20.0]] * 3)


def test_nearest_town_rule_against_strings() -> None:
    """Literal: OSV-5M's four strings of the nearest town, compared."""
    random = np.random.default_rng(5)
    truth = np.array([[48.86, 2.35], [45.76, 4.84], [51.5, -0.1], [-33.9, 151.2], [35.7, 139.7]])
    truth = np.repeat(truth, 30, axis=0)
    answers = truth + random.normal(0, 1, truth.shape) * 10 ** random.uniform(-3, 0.5, (150, 1))
    answers[:4] = np.nan
    towns, (state, county) = gazetteer(), town_districts()

    def row_of(place: np.ndarray) -> int:
        vectors = great_circle_km(place, near)
        return int(rows[int(np.argmin(vectors))])

    latlon = np.degrees(
        np.stack(
            [np.arcsin(towns.vectors[:, 2]), np.arctan2(towns.vectors[:, 1], towns.vectors[:, 0])], axis=1
        )
    )
    found = nearest_town_accuracy(answers, truth)
    right: dict[str, list[bool]] = {level: [] for level in LEVELS}
    for answer, place in zip(answers, truth, strict=True):
        strings = []
        for at in (answer, place):
            if np.isnan(at).any():
                strings.append(None)
                continue
            rows = np.flatnonzero(np.abs(latlon[:, 0] - at[0]) < 3)
            near = latlon[rows]
            row = row_of(at)
            parts = [towns.country[row], state[row], county[row], towns.city[row]]
            strings.append(
                [None if part is None else tuple(parts[: depth + 1]) for depth, part in enumerate(parts)]
            )
        for depth, level in enumerate(LEVELS):
            if strings[1][depth] is not None:
                right[level].append(strings[0] is not None and strings[0][depth] == strings[1][depth])
    for level in LEVELS:
        assert found[level].mean == pytest.approx(np.mean(right[level])), level
    assert nearest_towns(truth[:1]).country.tolist() == ["FR"]


def test_polygons() -> None:
    import shapely

    from graticule.evaluation.areas import Ratio

    class Two:
        polygons = np.array([shapely.box(0, 0, 10, 10), shapely.box(170, -10, 180, 10)], dtype=object)

    truth = np.array([[5.0, 5.0], [5.0, 175.0], [5.0, -185.0], [50.0, 50.0], [5.0, 5.0]])
    answers = np.array([[9.0, 1.0], [5.0, 5.0], [0.0, 171.0], [50.0, 50.0], [np.nan, np.nan]])
    assert region_of(truth, Two()).tolist() == [0, 1, 1, -1, 0]
    found = polygon_accuracy(answers, truth, Two())
    assert isinstance(found, Ratio)
    assert found.mean == 0.5  # two of four; the fourth lies in no polygon


def test_searched_ground_against_a_loop() -> None:
    random = np.random.default_rng(6)
    areas, truth = random.uniform(1, 100, 8), random.integers(-1, 8, 50)
    shares = random.dirichlet(np.ones(8), 50)
    ranked = ranked_by_density(shares, areas)
    listed = ranked[:, :5].copy()
    listed[::7, 3:] = -1
    found = searched_km2(listed, truth, areas)
    for row in range(50):
        assert list(ranked[row]) == sorted(
            range(8), key=lambda cell, row=row: -shares[row, cell] / areas[cell]
        )
        ground, expected = 0.0, np.inf
        for cell in listed[row]:
            ground += areas[cell] if cell >= 0 else 0.0
            if cell == truth[row] and cell >= 0:
                expected = ground
                break
        assert found[row] == pytest.approx(expected)
    np.testing.assert_allclose(recall_at_km2(found, [50, 200]), [(found <= 50).mean(), (found <= 200).mean()])
    assert np.isinf(searched_km2(np.empty((3, 0)), [0, 1, 2], areas)).all()


def test_more_ground_never_finds_less(three_cells: Partition) -> None:
    found = searched_km2([[0, 1, 2], [2, 1, 0]], [1, 1], three_cells.areas_km2)
    shares = recall_at_km2(found)
    assert (np.diff(shares) >= 0).all()
