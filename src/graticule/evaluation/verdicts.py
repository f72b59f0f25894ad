"""Is the model better than a constant guess? In words, for every figure, and with regard to the noise."""

from __future__ import annotations

import math
from typing import Any, Literal

from graticule.evaluation.intervals import Interval

Verdict = Literal["above", "below", "equal"]


def against_constant(
    goal: str,
    model: float | None,
    constant: float,
    place: str,
    interval: Interval | None,
    *,
    p: float | None = None,
) -> dict[str, Any]:
    """The comparison of one figure of the model with the best constant guess for it.

    Convention:
        - ``goal``: a threshold in km as text, "median_km", "mean_km" or "geoscore"
        - ``model``: None where the figure does not exist (an infinite median)
        - ``interval``: of the difference model - constant, paired over the same photos, or None
        - ``p``: of McNemar's exact test, for a threshold; of few photos the interval alone claims too much
        - ``verdict`` in the result: "below" means that the model is worse than answering ``place`` always;
          ``is_clear``: the interval does not hold 0, and ``p``, where there is one, is below 0.05

    Example:
        >>> against_constant("25", 0.02, 0.04, "London, GB", (-0.03, -0.01))["words"]
        "within 25 km: 2.0 %, BELOW the constant guess 'London, GB' with 4.0 %"
    """
    value = math.inf if model is None else model
    difference = value - constant
    less_is_better = goal.endswith("_km")
    gain = -difference if less_is_better else difference
    verdict: Verdict = "equal" if gain == 0 else "above" if gain > 0 else "below"
    is_clear = interval is not None and (interval[0] > 0 or interval[1] < 0) and (p is None or p < 0.05)
    return {
        "model": model,
        "constant": constant,
        "difference": difference,
        "interval": interval,
        "verdict": verdict,
        "is_clear": is_clear,
        "words": _words(goal, value, constant, place, verdict, is_clear if interval is not None else None),
    }


def _words(
    goal: str, model: float, constant: float, place: str, verdict: Verdict, is_clear: bool | None
) -> str:
    less_is_better = goal.endswith("_km")
    relation = {
        "above": "better than the constant guess" if less_is_better else "above the constant guess",
        "below": "WORSE than the constant guess" if less_is_better else "BELOW the constant guess",
        "equal": "equal to the constant guess",
    }[verdict]
    noise = " (the difference is within the noise)" if is_clear is False and verdict != "equal" else ""
    return (
        f"{goal_name(goal)}: {figure(goal, model)}, {relation} '{place}' with {figure(goal, constant)}{noise}"
    )


def goal_name(goal: str) -> str:
    """What a goal is called in a sentence.

    Example:
        >>> goal_name("2500"), goal_name("median_km")
        ('within 2500 km', 'median error')
    """
    names = {"median_km": "median error", "mean_km": "mean error", "geoscore": "GeoScore"}
    return names.get(goal) or f"within {goal} km"


def figure(goal: str, value: float | None) -> str:
    """A figure as a reader wants it: per cent, km, or points.

    Example:
        >>> figure("25", 0.0372), figure("median_km", 2531.7), figure("geoscore", None)
        ('3.7 %', '2,532 km', 'none')
    """
    if value is None or math.isnan(value):
        return "none"
    if math.isinf(value):
        return "infinite"
    if goal == "geoscore":
        return f"{value:,.0f}"
    if goal.endswith("_km"):
        return f"{value:,.1f} km" if value < 100 else f"{value:,.0f} km"
    return f"{100 * value:.1f} %"


def summary(against: dict[str, dict[str, Any]]) -> str:
    """One sentence over all thresholds; ``against``: comparisons by goal, as in ``metrics.json``.

    Example:
        >>> rows = {"25": {"verdict": "above"}, "200": {"verdict": "below"}, "geoscore": {"verdict": "above"}}
        >>> summary(rows)
        'Better than the best constant guess within 25 km; BELOW it within 200 km.'
    """
    limits = [goal for goal in against if goal.isdigit()]
    by_verdict: dict[str, list[str]] = {"above": [], "below": [], "noise": [], "equal": []}
    for goal in limits:
        verdict, is_told = against[goal]["verdict"], against[goal].get("is_clear", True)
        by_verdict[verdict if is_told or verdict == "equal" else "noise"].append(goal)
    if len(by_verdict["above"]) == len(limits):
        return "Better than the best constant guess at every threshold."
    if len(by_verdict["below"]) == len(limits):
        return (
            "BELOW the best constant guess at every threshold: one fixed place, always answered, does better."
        )
    phrases = {
        "above": "better than {} within {} km",
        "below": "BELOW {} within {} km",
        "noise": "not to be told from {} within {} km",
        "equal": "equal to {} within {} km",
    }
    said: list[str] = []
    for verdict, goals in by_verdict.items():
        if goals:
            whom = "it" if said else "the best constant guess"
            said.append(phrases[verdict].format(whom, _listed(goals)))
    sentence = "; ".join(said)
    return sentence[0].upper() + sentence[1:] + "."


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
