"""The linear classifier of the probe, against slow formulas and another library."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.training.pretraining.linear import cross_judged, fit, loss_and_slope

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


def test_each_photo_is_judged_by_a_fit_to_other_groups() -> None:
    groups = np.arange(60) // 2
    judged = cross_judged(FEATURES, CODES * 7 + 3, groups)
    for fold in range(5):
        mine = groups % 5 == fold
        assert (judged.commonest[mine] == (np.bincount(CODES[~mine]).argmax() * 7 + 3)).all()
    assert (judged.best == CODES * 7 + 3).mean() > 0.8
    assert judged.nats.mean() < np.log(2) / 1.5
    wrong = CODES.copy()
    wrong[groups == 4] = 1 - wrong[groups == 4]  # what its own photos are called says nothing of a group
    again = cross_judged(FEATURES, wrong * 7 + 3, groups)
    assert (again.best[groups == 4] == judged.best[groups == 4]).all()


def test_units_do_not_matter() -> None:
    groups = np.arange(60) // 2
    plain = cross_judged(FEATURES, CODES, groups)
    scaled = cross_judged(FEATURES * [1, 1000, 1e-3] + 5, CODES, groups)
    assert (scaled.best == plain.best).mean() > 0.98


def test_features_that_say_nothing_give_the_commonest_class_and_its_share() -> None:
    classes = np.array([4] * 40 + [9] * 10)
    judged = cross_judged(np.zeros((50, 2)), classes, np.random.default_rng(1).permutation(50))
    assert judged.best.tolist() == judged.commonest.tolist() == [4] * 50
    assert judged.nats.mean() == pytest.approx(-0.8 * np.log(0.8) - 0.2 * np.log(0.2), abs=0.05)


def test_two_groups_and_one_class() -> None:
    two = cross_judged(np.zeros((6, 2)), np.array([4, 4, 4, 4, 9, 9]), np.array([0, 0, 0, 7, 7, 7]))
    assert two.best.tolist() == [9, 9, 9, 4, 4, 4]
    assert cross_judged(np.zeros((6, 2)), np.full(6, 2), np.arange(6)).best.tolist() == [2] * 6


def test_features_that_are_noise_leave_the_commonest_class() -> None:
    generator = np.random.default_rng(1)
    classes = (generator.random(300) < 0.3).astype(np.int64)  # seven of ten are of class 0
    judged = cross_judged(generator.normal(size=(300, 100)), classes, np.arange(300))
    assert (judged.best == 0).mean() > 0.95  # a fit that follows the noise gives some 60 %


def test_a_class_of_one_group_alone_is_no_obstacle() -> None:
    classes = np.array([0] * 20 + [1] * 20 + [2] * 5)
    groups = np.array([*range(1, 41), *[45] * 5])  # no fit that judges class 2 has seen it
    features = np.eye(3)[classes] + np.random.default_rng(2).normal(0, 0.1, (45, 3))
    judged = cross_judged(features, classes, groups)
    assert (judged.best[:40] == classes[:40]).all()
    assert 2 not in judged.best[40:]
    assert np.isfinite(judged.nats).all()
