"""Figures by part of the world, against loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from graticule.evaluation.breakdown import by_part, part_intervals
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
    rows = by_part(truth, answers, errors, constants, protocol=GRATICULE, name_of=str.lower)
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
    codes, none = np.array(["FR"], dtype=object), np.array([None], dtype=object)
    far = {"750": np.array([np.inf]), "2500": np.array([np.inf])}
    row = by_part(codes, none, np.array([np.inf]), far, protocol=GRATICULE, name_of=str)[0]
    assert np.isnan(row["precision"])
    assert (row["recall"], row["f1"], row["median_km"]) == (0.0, 0.0, np.inf)


def test_intervals_hold_the_figures(
    codes: tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]],
) -> None:
    truth, _, errors, _ = codes
    groups = np.arange(200) // 2
    for given in (None, groups):
        found = part_intervals(truth, errors, GRATICULE, groups=given, resamples=300, level=0.95, seed=0)
        assert set(found) == {"FR", "PE", "JP", "none"}
        for code in ("FR", "PE", "JP"):
            low, high = found[code]["within_km"]["2500"]
            assert low <= (errors[truth == code] <= 2500).mean() <= high
            low, high = found[code]["median_km"]
            assert low <= median_km(errors[truth == code]) <= high
