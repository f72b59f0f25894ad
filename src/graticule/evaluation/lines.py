"""The main table of an evaluation: one line per figure, the model beside the three trivial guesses."""

from __future__ import annotations

from typing import Any, Final

from graticule.evaluation.verdicts import goal_name

_NAMES: Final = {
    "country_accuracy": "right country",
    "coverage_90": "truth in the 90 % region",
    "ece": "calibration error (ECE)",
    "top-1": "true cell first",
}


def lines(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of the table, figures that do not exist left out.

    Convention:
        - ``metrics``: the document of ``metrics.json``
        - each line: ``goal`` and its ``name``; the figure of ``model``, its ``interval``, and of
          ``constant``, ``random``, ``largest_cell``; ``place`` of the constant; ``verdict`` and ``is_clear``
          as in ``against_constant``, None where there is no such comparison
    """
    wanted = [("median_km", "median_km", None), ("mean_km", "mean_km", None)]
    wanted += [(limit, "within_km", limit) for limit in metrics["within_km"]]
    wanted += [("geoscore", "geoscore", None)]
    wanted += [(f"top-{k}", "top_k", k) for k, share in metrics["top_k"].items() if share is not None]
    single = ("country_accuracy", "coverage_90", "ece")
    wanted += [(name, name, None) for name in single if metrics[name] is not None]
    return [_line(metrics, *each) for each in wanted]


def _line(metrics: dict[str, Any], goal: str, part: str, key: str | None) -> dict[str, Any]:
    baselines = metrics["baselines"]
    against = metrics["against_constant"].get(goal)
    return {
        "goal": goal,
        "name": _NAMES.get(goal) or _name(goal),
        "model": _pick(metrics, part, key),
        "interval": _known(_pick(metrics["intervals"] or {}, part, key)),
        **{name: _pick(baselines[name], part, key) for name in ("constant", "random", "largest_cell")},
        "place": baselines["constant"]["places"].get(goal, {}).get("name"),
        "verdict": None if against is None else against["verdict"],
        "is_clear": None if against is None else against["is_clear"],
    }


def _pick(source: dict[str, Any], part: str, key: str | None) -> Any:
    value = source.get(part)
    return value if key is None or value is None else value.get(key)


def _known(interval: Any) -> Any:
    """None for an interval without ends: too few photos or groups."""
    return None if interval is None or (interval[0] is None and interval[1] is None) else interval


def _name(goal: str) -> str:
    return f"true cell in the first {goal[4:]}" if goal.startswith("top-") else goal_name(goal)
