"""The verdict over two models in words, with regard to the noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graticule.evaluation.verdicts import goal_name


def better_at(pair: Mapping[str, Any], goal: str) -> str | None:
    """Which of two models is really better at a figure: "a", "b", or None where chance may have done it.

    Convention:
        - ``pair``: an entry of ``pairs`` in the document of a comparison
    """
    verdict = pair["tests"][goal]["verdict"]
    if verdict == "none":
        return None
    less_is_better = goal.endswith("_km")
    return "a" if (verdict == "smaller") == less_is_better else "b"


def pair_summary(pair: Mapping[str, Any]) -> str:
    """One sentence on two models.

    Example:
        >>> tests = {"25": {"verdict": "larger"}, "median_km": {"verdict": "none"}}
        >>> pair_summary({"a": "new", "b": "old", "tests": tests})
        "'new' is better than 'old' within 25 km; they cannot be told apart in median error."
    """
    goals: dict[str | None, list[str]] = {"a": [], "b": [], None: []}
    for goal in pair["tests"]:
        goals[better_at(pair, goal)].append(goal)
    a, b = f"'{pair['a']}'", f"'{pair['b']}'"
    if not goals["a"] and not goals["b"]:
        return f"{a} and {b} cannot be told apart in any figure: the differences may be chance."
    said = [
        f"{winner} is better than {loser} {_listed(goals[side])}"
        for side, winner, loser in (("a", a, b), ("b", b, a))
        if goals[side]
    ]
    if goals[None]:
        said.append(f"they cannot be told apart {_listed(goals[None])}")
    return "; ".join(said) + "."


def _listed(goals: list[str]) -> str:
    limits = [goal for goal in goals if goal.isdigit()]
    phrases = [f"in {goal_name(goal)}" for goal in goals if not goal.isdigit()]
    if limits:
        phrases.append(f"within {_and(limits)} km")
    return _and(phrases)


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
