"""The mask study: accuracy with a part covered, against random rectangles of the same area."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graticule.evaluation.intervals import Ratio, resample
from graticule.evaluation.paired.significance import holm, sign_flip_test
from graticule.explanations.auditing.judging import Judge, Judged, Mask, Rows
from graticule.explanations.auditing.rectangles import Rectangle

MARGIN: Final = 0.1
"""A country counts as leaning on a part when covering it costs at least so much accuracy more than chance:
less may be honest evidence of the place, such as the road's markings at the bottom."""

ALPHA: Final = 0.05

ALIKE: Final = 0.5**0.5
"""A part repeats from trip to trip when more than half of its pixels' variance is common to all photos."""

_MOST_ALIKE: Final = 40
FEWEST_UNITS: Final = 5
"""Countries with fewer groups are not tested: not even the clearest case could be told from chance."""


Progress = Callable[[int, int], None]
"""Called with how many steps are done, and of how many."""


@dataclass(frozen=True, eq=False)
class Covered:
    """One part covered in some photos.

    Convention:
        - ``plain``, ``covered``, ``random``: the answers with nothing, the part, random rectangles covered
    """

    name: str
    part: Rectangle | Mask
    area: float
    rows: Rows
    plain: Judged
    covered: Judged
    random: Judged

    @property
    def excess(self) -> NDArray[np.float64]:
        """How much more often each photo is right with random rectangles than with the part covered, (n,)."""
        return self.random.right - self.covered.right


@dataclass(frozen=True)
class Sampling:
    """How often random rectangles are drawn, and how intervals are made."""

    draws: int = 3
    resamples: int = 1000
    seed: int = 0


def study(
    judge: Judge,
    parts: Mapping[str, Rectangle | Mask],
    rows: Rows,
    sampling: Sampling,
    *,
    on_progress: Progress | None = None,
) -> list[Covered]:
    """Cover each part in the photos ``rows``; parts of one area share their random rectangles."""
    plain = judge(rows)
    random: dict[float, Judged] = {}
    found = []
    for name, part in parts.items():
        mask = judge.mask(part)
        area = round(part.area if isinstance(part, Rectangle) else float(mask.mean()), 4)
        if area not in random:
            random[area] = judge.at_random(rows, area, draws=sampling.draws, seed=sampling.seed)
        found.append(Covered(name, part, area, rows, plain, judge(rows, mask), random[area]))
        if on_progress:
            on_progress(len(found), len(parts))
    return found


def in_figures(
    judge: Judge, studied: Sequence[Covered], sampling: Sampling, *, on_progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Accuracies with intervals, over all photos and by country, and the countries that lean on each part.

    Convention:
        - ``fall``: accuracy with nothing covered less that with the part covered; ``random_fall``: the same
          with random rectangles; ``excess``: their difference; shares in [0, 1]; intervals by group
        - ``carried``: how often a photo of another country is taken for this one once the part is pasted into
          it, and ``carried_random`` once a random rectangle is; asked only where covering costs enough
        - ``p``: that ``excess``, or what the part carries more than random rectangles, is at most ``MARGIN``,
          by flipping signs of whole groups, one-sided: a part that a country leans on is missed where it is
          covered **and** names the country where it is pasted
        - ``p_holm``: corrected for all countries and all parts ``studied``; ``leans``: below ``ALPHA``
        - ``alike``: mean correlation of the part's pixels between photos of different groups; ``repeats``:
          above ``ALIKE``, so that a camera, its car or a mark shows there, and not the varied place
        - of each part ``leaning``: the countries that lean on it, ``named``: those where it repeats
    """
    found = []
    for number, covered in enumerate(studied):
        found.append(_of_part(judge, covered, sampling))
        if on_progress:
            on_progress(number + 1, len(studied))
    rows = [row for part in found for row in part["by_country"]]
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p"], row["p_holm"] = _known(row["p"]), _known(p)
        row["leans"] = bool(p < ALPHA)
    for part in found:
        part["by_country"].sort(key=lambda row: -row["excess"])
        part["leaning"] = sorted(row["country"] for row in part["by_country"] if row["leans"])
        part["named"] = [row["country"] for row in part["by_country"] if row["leans"] and row["repeats"]]
        part["named"].sort()
    return found


def _known(p: float) -> float | None:
    return None if p != p else p


def _of_part(judge: Judge, covered: Covered, sampling: Sampling) -> dict[str, Any]:
    units, codes = judge.subject.units[covered.rows], judge.subject.countries[covered.rows]
    units = np.unique(units, return_inverse=True)[1].astype(np.int64)
    rows = [_of_country(judge, covered, code, units, sampling) for code in sorted(set(codes.tolist()))]
    part = covered.part
    return {
        "region": covered.name,
        "rectangle": list(part.shares) if isinstance(part, Rectangle) else None,
        "area": covered.area,
        "photos": len(codes),
        **_figures(covered, np.ones(len(codes), dtype=np.bool_), units, sampling),
        "by_country": rows,
        "too_few_groups": [row["country"] for row in rows if row["groups"] < FEWEST_UNITS],
    }


def _of_country(
    judge: Judge, covered: Covered, code: str, units: NDArray[np.int64], sampling: Sampling
) -> dict[str, Any]:
    which = judge.subject.countries[covered.rows] == code
    groups = np.unique(units[which], return_inverse=True)[1].astype(np.int64)
    count = int(groups.max()) + 1
    row: dict[str, Any] = {"country": code, "photos": int(which.sum()), "groups": count}
    row |= _figures(covered, which, units, sampling)
    row |= {"carried": None, "carried_random": None, "alike": None, "repeats": None, "p": float("nan")}
    if count < FEWEST_UNITS:
        return row
    p = leaning_p(covered.excess[which], groups, seed=sampling.seed)
    if row["excess"] >= MARGIN and p < ALPHA:
        own, random = carrying(judge, covered.part, covered.rows[which], sampling)
        alike = alikeness(judge, covered.part, covered.rows[which], seed=sampling.seed)
        row |= {"carried": float(own.mean()), "carried_random": float(random.mean())}
        row |= {"alike": alike, "repeats": alike > ALIKE}
        p = max(p, leaning_p(own - random, groups, seed=sampling.seed))
    return row | {"p": p}


def carrying(
    judge: Judge, part: Rectangle | Mask, rows: Rows, sampling: Sampling
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whether the part carries its country's name into other photos, and how often random rectangles do."""
    mask = judge.mask(part)
    area = part.area if isinstance(part, Rectangle) else float(mask.mean())
    own = judge.carried(rows, mask[None], seed=sampling.seed)
    return own, judge.carried_at_random(rows, area, draws=sampling.draws, seed=sampling.seed)


def alikeness(judge: Judge, part: Rectangle | Mask, rows: Rows, *, seed: int) -> float:
    """Mean correlation of the part's pixels between photos of different groups; 0 for a single one."""
    random = np.random.default_rng([seed, 11])
    mixed = random.permutation(rows)
    first = np.unique(judge.subject.units[mixed], return_index=True)[1]
    chosen = mixed[first][:_MOST_ALIKE]
    if len(chosen) < 2:
        return 0.0
    pixels = judge.subject.squares[chosen][:, judge.mask(part)].reshape(len(chosen), -1).astype(np.float64)
    pixels -= pixels.mean(axis=1, keepdims=True)
    pixels /= np.maximum(np.linalg.norm(pixels, axis=1, keepdims=True), 1e-12)
    every = pixels @ pixels.T
    return float((every.sum() - np.trace(every)) / (len(chosen) * (len(chosen) - 1)))


def leaning_p(excess: NDArray[np.float64], groups: NDArray[np.int64], *, seed: int = 0) -> float:
    """One-sided p-value that the mean of ``excess`` (n,) is at most ``MARGIN``, groups (n,) kept together.

    Example:
        >>> leaning_p(np.full(8, 1.0), np.arange(8)), leaning_p(np.zeros(8), np.arange(8))
        (0.00390625, 0.99609375)
    """
    beyond = excess - MARGIN
    both = sign_flip_test(beyond, np.zeros(len(beyond)), groups=groups, seed=seed)
    return both.p / 2 if both.statistic > 0 else 1 - both.p / 2


def _figures(
    covered: Covered, which: NDArray[np.bool_], units: NDArray[np.int64], sampling: Sampling
) -> dict[str, Any]:
    """Accuracies of the photos ``which`` (n,), and intervals of what covering changes."""
    plain, part, random = (each.right for each in (covered.plain, covered.covered, covered.random))
    values = {"fall": plain - part, "random_fall": plain - random, "excess": random - part}
    groups = np.unique(units[which], return_inverse=True)[1].astype(np.int64)
    chosen = {name: value[which] for name, value in values.items()}
    return {
        "accuracy": float(plain[which].mean()),
        "accuracy_covered": float(part[which].mean()),
        "accuracy_random": float(random[which].mean()),
        **{name: float(value.mean()) for name, value in chosen.items()},
        "intervals": intervals(chosen, groups, sampling),
    }


def intervals(
    values: Mapping[str, NDArray[np.float64]], groups: NDArray[np.int64], sampling: Sampling
) -> dict[str, list[float] | None] | None:
    """95 % intervals of means of values (n,), by group; None where groups are too few, or none is wanted."""
    if not sampling.resamples:
        return None
    ratios = {name: Ratio(value) for name, value in values.items()}
    drawn = resample(ratios, groups=groups, resamples=sampling.resamples, seed=sampling.seed)
    found = {name: list(drawn.interval(name)) for name in values}
    return {name: None if any(end != end for end in ends) else ends for name, ends in found.items()}
