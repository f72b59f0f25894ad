"""Thresholds of regions that hold the truth as often as promised: split-conformal prediction.

In: stated probabilities and true cells of photos that nothing else was fitted on. Out: for each promise the
score that a region's cells stay below, over all photos and, where there are enough, for each continent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.bundle.regions import RegionRule, is_within, promise_key
from graticule.errors import TableError, UsageError
from graticule.evaluation.calibration.inputs import Array, Cells, checked_weights

_MORE: Final = 1e-9  # a region's scores must stay below the threshold

PENALTIES: Final = (0.0, 0.0003, 0.001, 0.003, 0.01)
"""Penalties of a further cell that ``fit_raps`` tries."""


def least_photos(coverage: float) -> int:
    """How many photos it takes before any threshold can promise ``coverage``.

    Convention:
        - ``coverage``: a share in (0, 1)

    Example:
        >>> [least_photos(share) for share in (0.8, 0.9, 0.95)]
        [4, 9, 19]
    """
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def finite_quantile(
    scores: ArrayLike,
    coverage: float,
    weights: ArrayLike | None = None,
    *,
    units: ArrayLike | None = None,
) -> float:
    """The threshold that the score of one photo more stays below with probability ``coverage`` or more.

    That is the ceil((N + 1) coverage)-th smallest score: the photo to come is one more.

    Convention:
        - ``scores``: (N,), infinite for a photo whose truth is in no region; ``weights``: (N,) how often
          such photos come up; then the photo to come counts with the mean weight
        - ``units``: (N,) number of the author or trip of each photo. The photo to come is then of another
          one, and counts as many times as a photo has fellows of its own: whole groups are exchangeable,
          photos are not
        - infinite when there are too few photos, or too many of them are in no region

    Raises:
        UsageError: ``coverage`` lies outside (0, 1).

    Source:
        The group to come as one more of the groups: R. Dunn, L. Wasserman, A. Ramdas, "Distribution-Free
        Prediction Sets for Two-Layer Hierarchical Models" (2022).

    Example:
        >>> round(finite_quantile(np.arange(9.0), 0.9), 6), finite_quantile(np.arange(8.0), 0.9)
        (8.0, inf)
        >>> finite_quantile(np.arange(9.0), 0.9, units=[0, 0, 0, 1, 1, 1, 2, 2, 2])  # as three photos
        inf
    """
    if not 0 < coverage < 1:
        raise UsageError(f"Coverage is a share between 0 and 1, got {coverage}; for example 0.9.")
    values = np.asarray(scores, dtype=np.float64)
    if not len(values):
        return math.inf
    counts = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    fellows = 1.0
    if units is not None:
        sizes = np.unique(np.asarray(units), return_counts=True)[1].astype(np.float64)
        fellows = float((sizes**2).sum() / sizes.sum())
    total = counts.sum() + fellows * counts.mean()
    enough = np.flatnonzero(counts[order].cumsum() >= coverage * total - 1e-9)
    return float(values[order[enough[0]]]) + _MORE if len(enough) else math.inf


def true_scores(scores: NDArray[np.floating[Any]], cells: ArrayLike) -> Array:
    """The score (N,) of each photo's true cell; infinite where no cell covers the place (-1)."""
    truth = np.asarray(cells, dtype=np.int64)
    found: Array = np.where(truth >= 0, scores[np.arange(len(truth)), np.maximum(truth, 0)], np.inf)
    return found


def conformal_threshold(
    probabilities: ArrayLike,
    cells: ArrayLike,
    *,
    coverage: float = 0.9,
    weights: ArrayLike | None = None,
    units: ArrayLike | None = None,
) -> float:
    """The cumulative probability that the best cells must reach so that they hold the truth that often.

    Convention:
        - ``probabilities``: (N, K), calibrated; ``cells``: (N,) true cell, -1 where no cell covers the
          place; such a truth is in no set, so it counts as beyond all cells
        - the sets are those of ``graticule.bundle.regions.cells_within``: the fewest best cells whose
          probabilities add up to the threshold or more; so the truth is in its set when the cells
          before it add up to less
        - ``units``: as for ``finite_quantile``
        - the result is a share in [0, 1]; 1 (all cells) when so few photos, or so many uncovered ones,
          allow no smaller promise

    Raises:
        UsageError: the shapes do not belong together, or ``coverage`` lies outside (0, 1).

    Source:
        Y. Romano, M. Sesia, E. Candès, "Classification with Valid and Adaptive Coverage" (2020),
        without randomisation; the finite-sample quantile of split-conformal prediction, and its weighted
        form after R. Tibshirani et al., "Conformal Prediction Under Covariate Shift" (2019).

    Example:
        >>> shares = np.tile([[0.6, 0.3, 0.1]], (19, 1))
        >>> round(conformal_threshold(shares, [0] * 17 + [1, 1], coverage=0.8), 2)  # the best cell alone
        0.0
        >>> round(conformal_threshold(shares, [0] * 17 + [1, 1], coverage=0.9), 2)  # more than the best cell
        0.6
    """
    shares, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(cells, dtype=np.int64)
    counts = checked_weights(shares, truth, weights)
    scores = true_scores(RegionRule().scores(shares), truth)
    return min(1.0, finite_quantile(scores, coverage, counts, units=units))


@dataclass(frozen=True)
class Promises:
    """Thresholds, as the bundle's card holds them.

    Convention:
        - ``pooled``: promise ("0.9") -> threshold; ``by_group``: promise -> group -> its own threshold
        - ``photos``: photos of each group that went in; ``refused``: promise -> why it cannot be made
        - ``shared``: promise -> groups that share one threshold, having too few photos each;
          ``unpromised``: groups that are too few even so, and have the threshold over all photos
    """

    pooled: dict[str, float]
    by_group: dict[str, dict[str, float]]
    photos: dict[str, int]
    refused: dict[str, str]
    shared: dict[str, list[str]]
    unpromised: dict[str, list[str]]


def fit_promises(
    scores: Array,
    cells: ArrayLike,
    coverages: Sequence[float | str],
    *,
    groups: Sequence[str] | None = None,
    units: ArrayLike | None = None,
) -> Promises:
    """Thresholds for each promise, and for each group of the truth that has enough photos.

    A group's own threshold is used for the cells of that group, so the promise holds for photos *of* the
    group, however often it comes up. Groups with too few photos share one threshold; when they are too few
    together as well, the pooled one is used, and nothing is promised for them.

    Convention:
        - ``scores``: (N, K) of every cell; ``cells``: (N,) true cell, -1 where no cell covers the place
        - ``groups``: (N,) group of the true place; None leaves groups out
        - ``units``: as for ``finite_quantile``

    Raises:
        TableError: none of the promises can be made: too few photos, or too many lie outside all cells; says
            how many.
        UsageError: a promise lies outside (0, 1).

    Source:
        V. Vovk, "Conditional Validity of Inductive Conformal Predictors" (2012): label-conditional sets.
    """
    truth = np.asarray(cells, dtype=np.int64)
    found = true_scores(scores, truth)
    names = np.array(groups if groups is not None else [], dtype=object)
    unit = np.arange(len(found)) if units is None else np.asarray(units)
    pooled: dict[str, float] = {}
    by_group: dict[str, dict[str, float]] = {}
    shared: dict[str, list[str]] = {}
    refused: dict[str, str] = {}
    unpromised: dict[str, list[str]] = {}
    before: dict[str, float] = {}
    for key in sorted({promise_key(coverage) for coverage in coverages}, key=float):
        limit = finite_quantile(found, float(key), units=unit)
        if not math.isfinite(limit):
            refused[key] = _too_few(float(key), truth)
            continue
        pooled[key] = limit
        if groups is not None:
            own, shared[key] = _by_group(found, unit, names, float(key))
            unpromised[key] = sorted(set(names) - own.keys())
            # who promises more states no smaller region, also where a threshold is borrowed
            before = {name: max(own.get(name, limit), before.get(name, 0.0)) for name in set(names)}
            by_group[key] = dict(sorted(before.items()))
    if not pooled and refused:
        raise TableError(next(iter(refused.values())))
    counts = {name: int((names == name).sum()) for name in sorted(set(names))}
    return Promises(pooled, by_group, counts, refused, shared, unpromised)


def _by_group(
    found: Array, unit: NDArray[Any], names: NDArray[np.object_], coverage: float
) -> tuple[dict[str, float], list[str]]:
    """The threshold of each group that can have one, and the groups that share theirs."""

    def limit_of(mine: NDArray[np.bool_]) -> float:
        return finite_quantile(found[mine], coverage, units=unit[mine])

    known = sorted(set(names))
    own = {name: limit_of(names == name) for name in known}
    kept = {name: limit for name, limit in own.items() if math.isfinite(limit)}
    few = [name for name in known if name not in kept]
    together = limit_of(np.isin(names, few)) if few else math.inf
    if not math.isfinite(together):
        return kept, []
    return kept | dict.fromkeys(few, together), few


def _too_few(coverage: float, truth: Cells) -> str:
    needed, outside = least_photos(coverage), int((truth < 0).sum())
    if len(truth) < needed:
        return (
            f"{len(truth)} photos are too few to promise {100 * coverage:g} %: at least {needed} are needed "
            "for the regions alone (and some hundred for a region of a useful size).\n"
            "Give more photos, or promise less, for example --promise 0.8."
        )
    return (
        f"{outside} of {len(truth)} photos lie outside all cells of the model, so no set of cells can hold "
        f"the truth for {100 * coverage:g} %: that is not promised.\n"
        "Promise less, or calibrate on photos from where the model has cells."
    )


def fit_raps(shares: Array, cells: ArrayLike, areas_km2: Array, coverage: float) -> RegionRule:
    """The rule ``raps`` whose regions are smallest in area; fit thresholds on other photos than these.

    Convention:
        - ``shares``: (N, K) stated probabilities; ``areas_km2``: (K,); ``coverage``: the promise that the
          area is compared at

    Source:
        A. Angelopoulos et al., "Uncertainty Sets for Image Classifiers using Conformal Prediction" (2021),
        with the area in place of the number of cells.
    """
    ranks = true_scores(np.argsort(np.argsort(-shares, axis=1), axis=1) + 1.0, cells)
    rank = finite_quantile(ranks, coverage)
    free = int(rank) if math.isfinite(rank) else shares.shape[1]
    best, least = RegionRule(method="raps", free_cells=free), math.inf
    for penalty in PENALTIES:
        rule = RegionRule(method="raps", penalty=penalty, free_cells=free)
        scores = rule.scores(shares)
        limit = finite_quantile(true_scores(scores, cells), coverage)
        area = float((is_within(scores, limit) @ areas_km2).mean())
        if area < least:
            best, least = rule, area
    return best


def is_held(scores: Array, cells: ArrayLike, limits: float | Array) -> NDArray[np.bool_]:
    """Whether each photo's region holds its true cell, (N,)."""
    truth = np.asarray(cells, dtype=np.int64)
    inside = is_within(scores, limits)
    held: NDArray[np.bool_] = inside[np.arange(len(truth)), np.maximum(truth, 0)] & (truth >= 0)
    return held
