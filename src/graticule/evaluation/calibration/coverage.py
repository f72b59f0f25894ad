"""Is the promise kept? How often stated regions held the truth, beside how often they should.

In: whether each photo's region held the truth, and the region's area. Out: shares in [0, 1] with intervals,
areas in km2, and sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import betabinom

from graticule.evaluation.calibration.reliability import wilson

LEVEL: Final = 0.95


def coverage_of(
    is_held: ArrayLike,
    areas_km2: ArrayLike,
    *,
    promise: float,
    calibrated_on: float | None = None,
    groups: ArrayLike | None = None,
) -> dict[str, Any]:
    """How often the truth lay in the region, and whether that is what was promised.

    Convention:
        - ``is_held``: (N,); ``areas_km2``: (N,); ``promise``: a share
        - ``interval``: 95 % of the measured coverage (Wilson); ``expected``: between which shares 95 % of
          all sets of N photos lie when the promise holds; where it is known on how many photos the
          threshold was found, chance in finding it counts as well
        - ``groups``: (N,) numbers: photos of one author or trip are alike, so that many count as few;
          ``n_effective`` says as how many
        - ``verdict``: "kept", "not kept" (below what is expected) or "more than kept" (above)

    Source:
        The coverage of N photos by a threshold found on n is beta-binomial: V. Vovk, "Conditional Validity
        of Inductive Conformal Predictors" (2012).

    Example:
        >>> coverage_of([True] * 77 + [False] * 23, [1.0] * 100, promise=0.9)["verdict"]
        'not kept'
    """
    held = np.asarray(is_held, dtype=bool)
    areas = np.asarray(areas_km2, dtype=np.float64)
    count = len(held)
    share = float(held.mean()) if count else float("nan")
    effective = count if groups is None else effective_count(held, groups)
    low, high = wilson(share, effective)
    expected = expected_range(promise, effective, calibrated_on)
    verdict = "kept"
    if count and share < expected[0] - 1e-9:
        verdict = "not kept"
    elif count and share > expected[1] + 1e-9:
        verdict = "more than kept"
    return {
        "promise": promise,
        "n": count,
        "n_effective": effective,
        "coverage": share,
        "interval": [float(low), float(high)],
        "expected": list(expected),
        "verdict": verdict,
        "mean_km2": float(areas.mean()) if count else float("nan"),
        "median_km2": float(np.median(areas)) if count else float("nan"),
    }


def effective_count(is_held: ArrayLike, groups: ArrayLike) -> float:
    """As how many independent photos these count, whose groups share their fate.

    Convention:
        - ``is_held``: (N,); ``groups``: (N,) numbers
        - the result lies between 1 and N; when nothing differs, nothing tells how alike the photos of a
          group are: as alike as can be

    Source:
        L. Kish, "Survey Sampling" (1965): N over the design effect, which is the variance between groups
        over that of as many independent photos.

    Example:
        >>> effective_count([True] * 5 + [False] * 5, [0] * 5 + [1] * 5)
        2.0
        >>> effective_count([True, False] * 5, range(10))
        10.0
    """
    held = np.asarray(is_held, dtype=np.float64)
    count, share = len(held), held.mean() if len(held) else 0.0
    plain = share * (1 - share) * count
    label = np.unique(np.asarray(groups), return_inverse=True)[1]
    if plain <= 0:
        return float(count**2 / (np.bincount(label) ** 2).sum()) if count else 0.0
    between = float((np.bincount(label, weights=held - share) ** 2).sum())
    return float(np.clip(count * plain / between, 1.0, count)) if between > 0 else float(count)


def expected_range(promise: float, count: float, calibrated_on: float | None = None) -> tuple[float, float]:
    """Between which shares the coverage of ``count`` photos lies 95 times in 100 when the promise holds.

    Example:
        >>> [round(end, 2) for end in expected_range(0.9, 300)]
        [0.86, 0.93]
        >>> [round(end, 2) for end in expected_range(0.9, 300, 100)]
        [0.83, 0.96]
    """
    if not count:
        return 0.0, 1.0
    count = max(1, round(count))
    if calibrated_on:
        # the k-th smallest of n scores leaves a Beta(k, n + 1 - k) share of all photos below it
        rank = min(calibrated_on, float(np.ceil((calibrated_on + 1) * promise - 1e-9)))
        spread = betabinom(count, rank, calibrated_on + 1 - rank)
    else:
        from scipy.stats import binom

        spread = binom(count, promise)
    low, high = spread.ppf((1 - LEVEL) / 2), spread.ppf((1 + LEVEL) / 2)
    return float(low) / count, float(high) / count


def coverage_in_words(found: dict[str, Any], where: str = "") -> str:
    r"""One sentence over what ``coverage_of`` found.

    Example:
        >>> found = coverage_of([True] * 77 + [False] * 23, [2e6] * 100, promise=0.9)
        >>> print(coverage_in_words(found).replace(": ", ":\n"))
        The 90 % regions held the truth for 77.0 % of 100 photos (84 to 95 % would keep it):
        NOT KEPT; on average 2.0 million km².
    """
    low, high = found["expected"]
    verdict = {"kept": "kept", "not kept": "NOT KEPT", "more than kept": "kept, and larger than needed"}
    held = f"{100 * found['coverage']:.1f} % of {found['n']:,} photos"
    return (
        f"The {100 * found['promise']:g} % regions{where} held the truth for {held} "
        f"({100 * low:.0f} to {100 * high:.0f} % would keep it): {verdict[found['verdict']]}; "
        f"on average {area_in_words(found['mean_km2'])}."
    )


def area_in_words(area_km2: float) -> str:
    """An area as a reader takes it in.

    Example:
        >>> area_in_words(312.4), area_in_words(45_600.0), area_in_words(112_300_000.0)
        ('312 km²', '46 thousand km²', '112 million km²')
    """
    for unit, name in ((1e6, " million"), (1e4, " thousand")):
        if area_km2 >= unit:
            value = area_km2 / (1e6 if unit == 1e6 else 1e3)
            return f"{value:,.1f}{name} km²" if value < 10 else f"{value:,.0f}{name} km²"
    return f"{area_km2:,.0f} km²"


def shift_in_words(
    found: dict[str, Any],
    *,
    outside: float,
    groups: Sequence[str | None],
    calibration: dict[str, Any] | None = None,
) -> list[str]:
    """Why a promise was not kept, as far as the photos tell: one sentence for each thing that differs.

    Convention:
        - ``found``: of ``coverage_of``; ``outside``: share of the photos that no cell covers
        - ``groups``: (N,) continent of each photo; ``calibration``: what the bundle's card says of the
          photos that it was calibrated on: ``outside``, ``continents`` (photos by continent)
    """
    if found["verdict"] != "not kept":
        return []
    said = [
        "A promise holds for photos like those that the model was calibrated on; these are not, or they are "
        "not as independent as they are many."
    ]
    known = calibration or {}
    before = known.get("outside")
    if outside > (before or 0.0) + 0.005:
        beside = "" if before is None else f" ({100 * before:.1f} % of the photos of calibration)"
        said.append(
            f"{100 * outside:.1f} % of the photos lie outside all cells{beside}: no region can hold them."
        )
    there: dict[str, int] = known.get("continents") or {}
    total = sum(there.values())
    if total and groups:
        here = {name: sum(group == name for group in groups) / len(groups) for name in {*groups} if name}
        gaps = {name: share - there.get(name, 0) / total for name, share in here.items()}
        name = max(gaps, key=lambda key: gaps[key], default=None)
        if name is not None and gaps[name] > 0.1:
            said.append(
                f"{100 * here[name]:.0f} % of them are of {name}, of the photos of calibration "
                f"{100 * there.get(name, 0) / total:.0f} %."
            )
    said.append("Calibrate on photos like these:  graticule calibrate MODEL --photos TABLE -o MODEL2")
    return said
