"""The linear classifier of the probe, against slow formulas and another library."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.training.pretraining.linear import best_classes, fit, loss_and_slope

GENERATOR = np.random.default_rng(0)
FEATURES = GENERATOR.normal(size=(60, 3))
CODES = (FEATURES @ np.array([1.0, -2.0, 0.5]) + GENERATOR.normal(0, 0.5, 60) > 0).astype(np.int64)


def test_loss_and_slope_are_the_literal_ones() -> None:
    inputs = np.concatenate([FEATURES, np.ones((60, 1))], axis=1)
    weights = GENERATOR.normal(size=(4, 2))

    def literal(w: np.ndarray) -> float:
        total = 0.0
        for row, code in zip(inputs, CODES, strict=True):
            scores = [sum(x * each for x, each in zip(row, w[:, k], strict=True)) for k in range(2)]
            total -= np.log(np.exp(scores[code]) / sum(np.exp(score) for score in scores))
        return total / len(CODES) + 0.01 * float((w[:3] ** 2).sum())

    loss, slope = loss_and_slope(weights, inputs, CODES, 0.01)
    assert loss == pytest.approx(literal(weights))
    for place in range(weights.size):
        step = np.zeros(weights.size)
        step[place] = 1e-6
        moved = literal(weights + step.reshape(4, 2)) - literal(weights - step.reshape(4, 2))
        assert slope[place] == pytest.approx(moved / 2e-6, abs=1e-5)


def test_weights_are_those_of_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    decay = 0.01
    ours = fit(FEATURES, CODES, 2, decay)
    # of two classes it fits the difference v; ours are v / 2 and -v / 2, whose squares are half of its
    theirs = linear_model.LogisticRegression(C=1 / (decay * len(CODES)), tol=1e-10, max_iter=10000)
    theirs.fit(FEATURES, CODES)
    assert ours[:3, 1] - ours[:3, 0] == pytest.approx(theirs.coef_[0], rel=1e-3)
    assert ours[3, 1] - ours[3, 0] == pytest.approx(float(theirs.intercept_[0]), abs=1e-3)


def test_classes_keep_their_numbers_and_units_do_not_matter() -> None:
    groups = np.arange(60) // 2
    best = best_classes(FEATURES, CODES * 7 + 3, groups, FEATURES)
    assert set(best) <= {3, 10}
    assert (best == CODES * 7 + 3).mean() > 0.85
    scaled = best_classes(
        FEATURES * [1, 1000, 1e-3] + 5, CODES * 7 + 3, groups, FEATURES * [1, 1000, 1e-3] + 5
    )
    assert (scaled == best).mean() > 0.98


def test_one_group_one_class_and_features_that_say_nothing() -> None:
    zeros = np.zeros((6, 2))
    assert best_classes(zeros, np.array([4, 4, 4, 4, 9, 9]), np.zeros(6, np.int64), zeros).tolist() == [4] * 6
    assert best_classes(zeros, np.full(6, 2), np.arange(6), zeros[:1]).tolist() == [2]
    assert len(best_classes(zeros, np.full(6, 2), np.arange(6), zeros[:0])) == 0


def test_features_that_say_nothing_leave_the_commonest_class() -> None:
    generator = np.random.default_rng(1)
    classes = (generator.random(300) < 0.3).astype(np.int64)  # seven of ten are of class 0
    noise, others = generator.normal(size=(300, 100)), generator.normal(size=(200, 100))
    best = best_classes(noise, classes, np.arange(300), others)
    assert (best == 0).mean() > 0.95  # a fit that follows the noise gives some 60 %


def test_a_class_of_one_group_alone_is_no_obstacle() -> None:
    classes = np.array([0] * 20 + [1] * 20 + [2] * 5)
    groups = np.array([*range(1, 41), *[45] * 5])  # held out: the only group of class 2
    features = np.eye(3)[classes] + np.random.default_rng(2).normal(0, 0.1, (45, 3))
    assert set(best_classes(features, classes, groups, np.eye(3)).tolist()) >= {0, 1}
