"""Which of two models is better: tests against SciPy and loops, verdicts on models whose skill is known."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from graticule.errors import PredictionsError, UsageError
from graticule.evaluation.intervals import percentile_interval
from graticule.evaluation.paired import compare_predictions
from graticule.evaluation.paired.pairs import GOALS
from graticule.evaluation.paired.significance import (
    holm,
    mcnemar_test,
    paired_t_test,
    sign_flip_test,
    wilcoxon_test,
)
from graticule.evaluation.paired.words import pair_summary


def test_paired_t_test_against_scipy() -> None:
    random = np.random.default_rng(0)
    a = random.lognormal(6, 2, 200)
    b = a * random.lognormal(0, 0.5, 200)
    expected = stats.ttest_rel(a, b)
    found = paired_t_test(a, b)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)


def test_degenerate_pairs() -> None:
    assert paired_t_test([1.0, 2.0], [1.0, 2.0]) == (0.0, 1.0)
    assert paired_t_test([2.0, 3.0], [1.0, 2.0]) == (math.inf, 0.0)
    assert math.isnan(paired_t_test([2.0], [1.0]).p)
    assert math.isnan(paired_t_test([], []).p)
    assert wilcoxon_test([1.0, 2.0], [1.0, 2.0]) == (0.0, 1.0)
    assert math.isnan(wilcoxon_test([], []).p)
    assert mcnemar_test([True, False], [True, False]) == (0.0, 1.0)


def test_wilcoxon_against_all_signs() -> None:
    """Literal: of all 2^n signs of the ranks, the share whose rank sum is as far from the middle."""
    differences = np.array([3.0, -1.0, 4.0, 1.5, -5.9, 2.6, 5.3])
    ranks = stats.rankdata(np.abs(differences))
    middle = ranks.sum() / 2
    found = abs(ranks[differences > 0].sum() - middle)
    sums = [ranks[np.array(signs)].sum() for signs in itertools.product([False, True], repeat=7)]
    expected = np.mean([abs(each - middle) >= found - 1e-9 for each in sums])
    assert wilcoxon_test(differences, np.zeros(7)).p == pytest.approx(expected)


def test_mcnemar_against_the_binomial() -> None:
    random = np.random.default_rng(1)
    a, b = random.random(300) < 0.5, random.random(300) < 0.4
    only_a, only_b = (
        sum(x and not y for x, y in zip(a, b, strict=True)),
        sum(y and not x for x, y in zip(a, b, strict=True)),
    )
    found = mcnemar_test(a, b)
    assert found.statistic == only_a - only_b
    assert found.p == pytest.approx(stats.binomtest(only_a, only_a + only_b).pvalue)


def test_holm_against_a_loop() -> None:
    p_values = [0.02, 0.001, 0.4, math.nan, 0.03]
    found = holm(p_values)
    assert math.isnan(found[3])
    # a hypothesis falls at a level if it and all with smaller p fall
    known = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    for level in (0.005, 0.05, 0.08, 0.2, 0.5):
        rejected = set()
        for step, (p, i) in enumerate(known):
            if p > level / (len(known) - step):
                break
            rejected.add(i)
        assert rejected == {i for i, p in enumerate(found) if p <= level}


def test_sign_flips_against_all_signs_and_against_the_t_test() -> None:
    random = np.random.default_rng(3)
    few = random.normal(0.8, 1, 9)
    sums = [abs(np.dot(signs, few)) for signs in itertools.product((-1, 1), repeat=9)]
    assert sign_flip_test(few, np.zeros(9)).p == np.mean(np.array(sums) >= abs(few.sum()) - 1e-12)
    many = random.normal(0.12, 1, 400)
    assert sign_flip_test(many, np.zeros(400)).p == pytest.approx(
        paired_t_test(many, np.zeros(400)).p, abs=0.01
    )
    # ten photos of each author that go together are one piece of evidence, not ten
    groups = np.repeat(np.arange(6), 10)
    assert sign_flip_test(np.ones(60), np.zeros(60), groups=groups).p == 2 / 2**6
    assert sign_flip_test(np.ones(60), np.zeros(60)).p == pytest.approx(1e-4)
    assert sign_flip_test(few, few).p == 1.0
    assert math.isnan(sign_flip_test([], []).p)


def _table(latlon: np.ndarray, **columns: object) -> pl.DataFrame:
    ids = [f"p{i}" for i in range(len(latlon))]
    return pl.DataFrame({"photo_id": ids, "latitude": latlon[:, 0], "longitude": latlon[:, 1]}, strict=False
    ).with_columns(**columns)  # fmt: skip


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    random = np.random.default_rng(2)
    return np.stack([random.uniform(-60, 70, 400), random.uniform(-180, 180, 400)], axis=1)


def _model(places: np.ndarray, hits: float, seed: int) -> np.ndarray:
    """Right to some 60 km for a share of the photos, anywhere for the others."""
    random = np.random.default_rng(seed)
    anywhere = np.stack([random.uniform(-60, 70, 400), random.uniform(-180, 180, 400)], axis=1)
    near = places + random.normal(0, 0.4, places.shape)
    return np.where(random.random(400)[:, None] < hits, near, anywhere)


def test_a_better_model_is_called_better(places: np.ndarray) -> None:
    tables = {"good": _table(_model(places, 0.7, 11)), "bad": _table(_model(places, 0.3, 12))}
    contest = compare_predictions(tables, _table(places), resamples=300)
    document = contest.metrics
    json.dumps(document, allow_nan=False)
    (pair,) = document["pairs"]
    assert "'good' is better than 'bad'" in pair["words"]
    assert "'bad' is better" not in pair["words"]
    assert set(pair["tests"]) == set(GOALS)
    assert contest.is_complete
    for goal, test in pair["tests"].items():
        a, b = (document["models"][name][goal] for name in ("good", "bad"))
        assert test["difference"] == pytest.approx(a - b)
        assert test["p_holm"] >= test["p"]
    # the interval of a share against a literal bootstrap
    hits = {name: contest.errors_km(name) <= 200 for name in ("good", "bad")}
    random = np.random.default_rng(9)
    drawn = [
        hits["good"][rows].mean() - hits["bad"][rows].mean()
        for rows in (random.integers(0, 400, 400) for _ in range(1000))
    ]
    assert pair["tests"]["200"]["interval"] == pytest.approx(percentile_interval(drawn), abs=0.02)


def test_equal_models_are_seldom_told_apart(places: np.ndarray) -> None:
    """Of comparisons of equally good models at most about one in twenty may find anything at all."""
    found = 0
    for seed in range(40):
        tables = {"a": _table(_model(places, 0.5, 100 + seed)), "b": _table(_model(places, 0.5, 500 + seed))}
        pair = compare_predictions(tables, _table(places), resamples=200).metrics["pairs"][0]
        found += "cannot be told apart in any figure" not in pair["words"]
    assert found <= 6


def test_groups_widen_the_interval(places: np.ndarray) -> None:
    """Forty authors with ten photos each at one place, on which a model is right or wrong as a whole."""
    clumped = np.repeat(places[:40], 10, axis=0)
    lucky = np.repeat(np.random.default_rng(3).random(40) < 0.5, 10)
    tables = {"a": _table(np.where(lucky[:, None], clumped, 0.0)), "b": _table(np.zeros((400, 2)))}
    truth = _table(clumped)
    widths = []
    for table in (truth, truth.with_columns(group=pl.Series(np.repeat(np.arange(40), 10)).cast(pl.String))):
        test = compare_predictions(tables, table, resamples=400).metrics["pairs"][0]["tests"]["200"]
        widths.append(test["interval"][1] - test["interval"][0])
    assert widths[1] > 2 * widths[0]


def test_unanswered_photos_are_wrong_and_counted(places: np.ndarray) -> None:
    silent = _table(np.where(np.arange(400)[:, None] < 100, np.nan, places))
    contest = compare_predictions({"all": _table(places), "some": silent}, _table(places), resamples=100)
    assert contest.metrics["models"]["some"]["n_failed"] == 100
    assert contest.metrics["models"]["some"]["25"] == 0.75
    assert contest.metrics["pairs"][0]["a_nearer"] == 100
    assert contest.frame["best"].null_count() == 300
    assert any("no answer for 100 photos" in remark for remark in contest.metrics["remarks"])


def test_photos_that_not_all_have_are_counted(places: np.ndarray) -> None:
    table = _table(places)
    contest = compare_predictions({"a": table[:300], "b": table[200:], "c": table}, table[:390], resamples=0)
    assert contest.metrics["n"] == 100
    assert contest.metrics["left_out"] == {"a": 200, "b": 100, "c": 300, "truth": 290}
    assert not contest.is_complete
    assert len(contest.metrics["pairs"]) == 3


def test_what_cannot_be_compared(places: np.ndarray) -> None:
    table = _table(places)
    with pytest.raises(UsageError, match="alone cannot be compared"):
        compare_predictions({"a": table}, table)
    with pytest.raises(PredictionsError, match="No photo of the truth is in all 2"):
        compare_predictions({"a": table[:5], "b": table[5:9]}, table)
    with pytest.raises(UsageError, match="no protocol"):
        compare_predictions({"a": table, "b": table}, table, protocol="osv5n")


def test_itself_and_one_photo(places: np.ndarray) -> None:
    table = _table(places)
    pair = compare_predictions({"a": table, "b": table}, table, resamples=50).metrics["pairs"][0]
    assert "cannot be told apart in any figure" in pair["words"]
    away = table.with_columns(latitude=pl.lit(0.0))
    pair = compare_predictions({"a": table[:2], "b": away[:2]}, table[:2], resamples=50).metrics["pairs"][0]
    assert "cannot be told apart in any figure" in pair["words"]  # two photos prove nothing
    pair = compare_predictions({"a": table[:1], "b": away[:1]}, table[:1], resamples=50).metrics["pairs"][0]
    assert "cannot be told apart in any figure" in pair["words"]
    assert pair["tests"]["mean_km"]["p"] is None


def test_words() -> None:
    tests = {"mean_km": {"verdict": "smaller"}, "1": {"verdict": "smaller"}, "25": {"verdict": "none"}}
    words = pair_summary({"a": "x", "b": "y", "tests": tests})
    assert words == (
        "'x' is better than 'y' in mean error; 'y' is better than 'x' within 1 km; "
        "they cannot be told apart within 25 km."
    )
