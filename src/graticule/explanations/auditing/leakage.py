"""Leakage: are photos whose author, trip or very file is among the training photos placed better?"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graticule.explanations.auditing.masking import ALPHA, Sampling, intervals
from graticule.explanations.auditing.subject import Subject

FEWEST: Final = 5
"""Of fewer groups on either side nothing is said."""

_SHUFFLES: Final = 2000


def leakage(subject: Subject, right: NDArray[np.float64], sampling: Sampling) -> dict[str, Any]:
    """Accuracy on photos with fellows among the training photos, against the others.

    Convention:
        - ``right``: (N,), whether the country of each photo is found
        - ``difference``: within countries that have both, weighted by their photos: a country that is easy
          and much photographed would else look like a leak; ``p``: that fellows make no difference, by
          exchanging whole groups within countries, one-sided; ``inflates``: below 0.05
        - ``inflation``: how much the accuracy of all would fall if those with fellows were placed like the
          others
    """
    if subject.seen is None:
        return {"known": False, "why_not": subject.why_not_seen}
    seen = subject.seen
    sides = {
        "with_fellows": _side(subject, right, seen, sampling),
        "without_fellows": _side(subject, right, ~seen, sampling),
    }
    found: dict[str, Any] = {"known": True, **sides, "difference": None, "p": None, "inflates": None}
    if min(each["groups"] for each in sides.values()) < FEWEST:
        return found | {"why_not": _few(sides)}
    difference = _within(subject.countries, right, seen)
    if difference is None:
        return found | {"why_not": "no country has photos of both kinds"}
    p = _exchanged(subject, right, seen, difference, sampling.seed)
    return found | {
        "difference": difference,
        "p": p,
        "inflates": bool(p < ALPHA and difference > 0),
        "inflation": float(seen.mean()) * difference,
    }


def _side(
    subject: Subject, right: NDArray[np.float64], which: NDArray[np.bool_], sampling: Sampling
) -> dict[str, Any]:
    units = np.unique(subject.units[which], return_inverse=True)[1].astype(np.int64)
    row: dict[str, Any] = {"photos": int(which.sum()), "groups": len(np.unique(units)), "accuracy": None}
    if not which.any():
        return row | {"interval": None}
    found = intervals({"accuracy": right[which]}, units, sampling)
    return row | {"accuracy": float(right[which].mean()), "interval": found and found["accuracy"]}


def _few(sides: dict[str, dict[str, Any]]) -> str:
    counts = sides["with_fellows"]["groups"], sides["without_fellows"]["groups"]
    return (
        f"{counts[0]} groups have fellows among the training photos and {counts[1]} have none: too few on "
        "one side to compare"
    )


def _within(countries: NDArray[np.str_], right: NDArray[np.float64], seen: NDArray[np.bool_]) -> float | None:
    """Mean over countries of accuracy with less that without fellows, weighted by photos; None for none."""
    total, weights = 0.0, 0
    for code in np.unique(countries):
        own = countries == code
        one, other = right[own & seen], right[own & ~seen]
        if len(one) and len(other):
            total += int(own.sum()) * float(one.mean() - other.mean())
            weights += int(own.sum())
    return total / weights if weights else None


def _exchanged(
    subject: Subject, right: NDArray[np.float64], seen: NDArray[np.bool_], difference: float, seed: int
) -> float:
    """How often groups that are dealt to the two sides at random differ by as much."""
    # a group that lies in two countries is one in each
    keys = np.array([f"{code} {unit}" for code, unit in zip(subject.countries, subject.units, strict=True)])
    first, group = np.unique(keys, return_index=True, return_inverse=True)[1:]
    home, label = subject.countries[first], seen[first]
    random = np.random.default_rng([seed, 5])
    as_large = 1
    for _ in range(_SHUFFLES):
        dealt = label.copy()
        for code in np.unique(home):
            own = np.flatnonzero(home == code)
            dealt[own] = label[random.permutation(own)]
        chance = _within(subject.countries, right, dealt[group])
        as_large += chance is not None and chance >= difference - 1e-12
    return as_large / (_SHUFFLES + 1)
