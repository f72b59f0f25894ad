"""A model below a constant guess is called that."""

from __future__ import annotations

import math

import pytest

from graticule.evaluation.lines import lines
from graticule.evaluation.verdicts import against_constant, figure, summary


def test_below_above_equal_for_shares() -> None:
    assert against_constant("25", 0.1, 0.2, "Rome, IT", (-0.2, -0.05))["verdict"] == "below"
    assert against_constant("25", 0.2, 0.1, "Rome, IT", None)["verdict"] == "above"
    assert against_constant("25", 0.1, 0.1, "Rome, IT", None)["verdict"] == "equal"


def test_for_lengths_less_is_better() -> None:
    worse = against_constant("median_km", 5000.0, 4000.0, "Rome, IT", (10.0, 2000.0))
    assert worse["verdict"] == "below"
    assert worse["is_clear"]
    assert worse["words"] == "median error: 5,000 km, WORSE than the constant guess 'Rome, IT' with 4,000 km"
    assert against_constant("mean_km", 3000.0, 4000.0, "Rome, IT", None)["verdict"] == "above"


def test_no_answers_are_worse_than_any_constant() -> None:
    found = against_constant("median_km", None, 4000.0, "Rome, IT", None)
    assert found["verdict"] == "below"
    assert "infinite" in found["words"]


def test_noise_is_said() -> None:
    noisy = against_constant("750", 0.10, 0.12, "Rome, IT", (-0.05, 0.01))
    assert not noisy["is_clear"]
    assert noisy["words"].endswith("(the difference is within the noise)")
    assert "noise" not in against_constant("750", 0.10, 0.12, "Rome, IT", (-0.05, -0.01))["words"]
    assert "noise" not in against_constant("750", 0.10, 0.12, "Rome, IT", None)["words"]


BEST = "the best constant guess"


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        ("aaaaa", f"Better than {BEST} at every threshold."),
        ("bbbbb", f"BELOW {BEST} at every threshold: one fixed place, always answered, does better."),
        ("baaab", f"Better than {BEST} within 25, 200 and 750 km; BELOW it within 1 and 2500 km."),
        (
            "eeaab",
            f"Better than {BEST} within 200 and 750 km; BELOW it within 2500 km; "
            "equal to it within 1 and 25 km.",
        ),
        ("eeeee", f"Equal to {BEST} within 1, 25, 200, 750 and 2500 km."),
        ("bbbbe", f"BELOW {BEST} within 1, 25, 200 and 750 km; equal to it within 2500 km."),
    ],
)
def test_summary(verdicts: str, sentence: str) -> None:
    words = {"a": "above", "b": "below", "e": "equal"}
    goals = ("1", "25", "200", "750", "2500")
    against = {goal: {"verdict": words[letter]} for goal, letter in zip(goals, verdicts, strict=True)}
    assert summary({**against, "median_km": {"verdict": "below"}}) == sentence


def test_figures_for_readers() -> None:
    assert figure("1", 0.0) == "0.0 %"
    assert figure("median_km", 12.34) == "12.3 km"
    assert figure("median_km", math.inf) == "infinite"
    assert figure("top-1", None) == "none"


def test_lines_leave_out_what_does_not_exist() -> None:
    baseline = {
        "within_km": {"25": 0.1},
        "top_k": {"1": None},
        "geoscore": 1.0,
        "median_km": 2.0,
        "mean_km": 3.0,
    }
    metrics = {
        **baseline,
        "country_accuracy": 0.5,
        "coverage_90": None,
        "ece": None,
        "intervals": None,
        "against_constant": {"25": {"verdict": "below", "is_clear": False}},
        "baselines": {
            "constant": {**baseline, "places": {"25": {"name": "Rome, IT"}}},
            "random": baseline,
            "largest_cell": baseline,
        },
    }
    found = lines(metrics)
    assert [line["goal"] for line in found] == ["median_km", "mean_km", "25", "geoscore", "country_accuracy"]
    assert found[2]["place"] == "Rome, IT"
    assert found[2]["verdict"] == "below"
    assert found[2]["interval"] is None
    assert found[4]["constant"] is None
