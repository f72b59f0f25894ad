"""Figures by part of the world, against loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from graticule.evaluation.breakdown import by_part
from graticule.evaluation.intervals import Sampling
from graticule.evaluation.labels import Labels
from graticule.evaluation.metrics import median_km
from graticule.evaluation.protocols import GRATICULE


@pytest.fixture
def codes() -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    truth = random.choice(np.array(["FR", "PE", "JP", None], dtype=object), 200, p=[0.5, 0.3, 0.15, 0.05])
    answers = np.where(
        random.random(200) < 0.6, truth, random.choice(np.array(["FR", "US", None], dtype=object), 200)
    )
    errors = 10 ** random.uniform(0, 4.3, 200)
    errors[[code is None for code in answers]] = np.inf
    constants = {"750": 10 ** random.uniform(0, 4.3, 200), "2500": 10 ** random.uniform(0, 4.3, 200)}
    return truth, answers, errors, constants


def test_against_loops_and_scikit_learn(
    codes: tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]],
) -> None:
    truth, answers, errors, constants = codes
    within = {limit: far <= float(limit) for limit, far in constants.items()}
    rows = by_part(
        Labels.of(truth), Labels.of(answers), errors, within, protocol=GRATICULE, name_of=str.lower
    )
    assert sum(row["n"] for row in rows) == 200
    assert [row["n"] for row in rows] == sorted((row["n"] for row in rows), reverse=True)
    assert {row["code"]: row["name"] for row in rows} == {
        "FR": "fr",
        "PE": "pe",
        "JP": "jp",
        "none": "open sea",
    }
    labels = ["FR", "PE", "JP"]
    known = np.array([code if code is not None else "?" for code in truth])
    said = np.array([code if code is not None else "!" for code in answers])
    expected = precision_recall_fscore_support(known, said, labels=labels, zero_division=0)
    for index, code in enumerate(labels):
        row = next(row for row in rows if row["code"] == code)
        mine = truth == code
        assert row["n"] == mine.sum()
        assert row["n_answered"] == np.isfinite(errors[mine]).sum()
        assert row["median_km"] == median_km(errors[mine])
        for limit in (750, 2500):
            assert row["within_km"][f"{limit}"] == pytest.approx((errors[mine] <= limit).mean())
            assert row["constant_within_km"][f"{limit}"] == pytest.approx(
                (constants[f"{limit}"][mine] <= limit).mean()
            )
        assert row["precision"] == pytest.approx(expected[0][index])
        assert row["recall"] == pytest.approx(expected[1][index])
        assert row["f1"] == pytest.approx(expected[2][index])


def test_a_part_never_answered_has_no_precision() -> None:
    codes, none = Labels.of(["FR"]), Labels.of([None])
    far = {"750": np.array([False]), "2500": np.array([False])}
    row = by_part(codes, none, np.array([np.inf]), far, protocol=GRATICULE, name_of=str)[0]
    assert np.isnan(row["precision"])
    assert (row["recall"], row["f1"], row["median_km"]) == (0.0, 0.0, np.inf)


def test_intervals_hold_the_figures(
    codes: tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]],
) -> None:
    truth, answers, errors, constants = codes
    within = {limit: far <= float(limit) for limit, far in constants.items()}
    for groups in (None, np.arange(200) // 2):
        rows = by_part(
            Labels.of(truth),
            Labels.of(answers),
            errors,
            within,
            protocol=GRATICULE,
            name_of=str,
            sampling=Sampling(300, 0.95, 0, groups),
        )
        assert {row["code"] for row in rows} == {"FR", "PE", "JP", "none"}
        for row in rows:
            if row["code"] == "none":
                assert row["intervals"]["recall"] is None
                continue
            low, high = row["intervals"]["within_km"]["2500"]
            assert low <= (errors[truth == row["code"]] <= 2500).mean() <= high
            low, high = row["intervals"]["median_km"]
            assert low <= median_km(errors[truth == row["code"]]) <= high
            for name in ("recall", "precision", "f1"):
                low, high = row["intervals"][name]
                assert low < high or np.isnan(low) or low in (0.0, 1.0)
                assert np.isnan(row[name]) or low <= row[name] <= high
