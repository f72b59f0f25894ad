"""Looks for the rectangle that a model leans on, with a third of the photos, so that others can test it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.explanations.auditing.judging import Judge, Rows
from graticule.explanations.auditing.masking import (
    ALIKE,
    MARGIN,
    Covered,
    Progress,
    Sampling,
    alikeness,
    carrying,
    study,
)
from graticule.explanations.auditing.rectangles import USUAL, Rectangle

STEP: Final = 0.05
_KEEP: Final = 0.97  # of the fall in probability must a trimmed rectangle keep
_GAIN: Final = 1.03  # times that fall must a larger one reach
_LEAST_Z: Final = 2.0
_MOST_PHOTOS: Final = 100


@dataclass(frozen=True)
class Found:
    """A rectangle to be tested, the usual part that it began as, countries that seem to lean on it."""

    rectangle: Rectangle
    began_as: str
    suspects: tuple[str, ...]


def dealt(units: NDArray[np.int64], countries: NDArray[np.str_], seed: int) -> tuple[Rows, Rows]:
    """Photos to search with and photos to test with: whole groups, a third of each country's to search.

    Example:
        >>> search, test = dealt(np.array([0, 0, 1, 2]), np.array(["GH"] * 4), 0)
        >>> len(search) + len(test), bool(set(search.tolist()) & set(test.tolist()))
        (4, False)
    """
    first = np.unique(units, return_index=True)[1]
    home = countries[first]
    side = np.zeros(len(first), dtype=np.bool_)
    random = np.random.default_rng(seed)
    for code in np.unique(home):
        own = random.permutation(np.flatnonzero(home == code))
        side[own[2::3]] = True  # of two groups both test
    searches = side[units]
    return np.flatnonzero(searches), np.flatnonzero(~searches)


def search(
    judge: Judge, rows: Rows, sampling: Sampling, *, on_progress: Progress | None = None
) -> Found | None:
    """The rectangle whose covering costs most more than chance, trimmed to what matters; None when none does.

    Of the usual parts the one that loses most photos in countries that lean on it (beyond ``MARGIN`` and two
    standard errors), then grown while that costs yet more, then trimmed from all sides while it costs as
    much: for the countries where it repeats, if there are any.
    """
    studied = study(judge, USUAL, rows, sampling, on_progress=on_progress)
    best, most = None, 0.0
    for covered in studied:
        suspects = _suspects(judge, covered, sampling)
        lost = float(covered.excess[np.isin(judge.subject.countries[rows], suspects)].sum())
        if lost > most:
            best, most = (covered, suspects), lost
    if best is None:
        return None
    covered, suspects = best
    every = {code: rows[judge.subject.countries[rows] == code] for code in suspects}
    part = USUAL[covered.name]
    repeating = [
        code for code, own in every.items() if alikeness(judge, part, own, seed=sampling.seed) > ALIKE
    ]
    suspects = repeating or suspects
    of_suspects = rows[np.isin(judge.subject.countries[rows], suspects)][:_MOST_PHOTOS]
    return Found(refined(judge, part, of_suspects), covered.name, tuple(suspects))


def _suspects(judge: Judge, covered: Covered, sampling: Sampling) -> list[str]:
    codes, units = judge.subject.countries[covered.rows], judge.subject.units[covered.rows]
    found = []
    for code in sorted(set(codes.tolist())):
        own = codes == code
        sums = np.bincount(np.unique(units[own], return_inverse=True)[1], weights=covered.excess[own])
        mean = float(covered.excess[own].mean())
        if len(sums) < 2 or mean < MARGIN:
            continue
        spread = float(sums.std(ddof=1)) * len(sums) ** 0.5 / int(own.sum())
        if mean < _LEAST_Z * spread:
            continue
        pasted, random = carrying(judge, covered.part, covered.rows[own], sampling)
        if pasted.mean() - random.mean() >= MARGIN:
            found.append(str(code))
    return found


def refined(judge: Judge, start: Rectangle, rows: Rows) -> Rectangle:
    """Grown side by side while the true country's probability falls, then trimmed while it stays as low."""
    base = judge(rows).share
    falls: dict[Rectangle, float] = {}

    def fall(part: Rectangle) -> float:
        if part not in falls:
            falls[part] = float((base - judge(rows, judge.mask(part)).share).mean())
        return falls[part]

    now = start
    while (grown := max(_moved(now, STEP), key=fall, default=now)) != now and fall(grown) > _GAIN * fall(now):
        now = grown
    wanted = _KEEP * fall(now)
    while trimmed := [part for part in _moved(now, -STEP) if fall(part) >= wanted]:
        now = max(trimmed, key=fall)
    return now


def _moved(part: Rectangle, step: float) -> Sequence[Rectangle]:
    """The rectangle with one of its sides moved outwards by ``step``, or inwards, where that is one."""
    top, left, bottom, right = part.shares
    sides = {"top": top - step, "left": left - step, "bottom": bottom + step, "right": right + step}
    found = []
    for side, value in sides.items():
        moved = round(min(1.0, max(0.0, value)), 6)
        changed = {**dict(zip(("top", "left", "bottom", "right"), part.shares, strict=True)), side: moved}
        if changed["top"] < changed["bottom"] and changed["left"] < changed["right"]:
            new = replace(part, **{side: moved})
            if new != part:
                found.append(new)
    return found
