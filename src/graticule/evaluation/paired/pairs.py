"""The figures of every set of predictions, and the tests of every two of them, as one document.

For every pair of models and every figure there is one test. Mean error: the paired t-test, as S3 has it.
Median error: Wilcoxon's signed ranks. Share within a threshold: McNemar. GeoScore: a permutation of signs.
Where groups of photos (authors, sequences) are known, photos of one group are not independent, and each of
these statistics is tested by a permutation of the signs of whole groups instead. All p-values of a run are
corrected together by Holm's rule. Beside each stands the paired bootstrap interval of the difference; by
group, where groups are known. A difference is called real only where all agree: the corrected p-value is
below 1 - level, the interval does not hold 0, and the test leans to the same side as the difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any, Final

import numpy as np

from graticule._version import __version__
from graticule.config import THRESHOLDS_KM
from graticule.evaluation import metrics
from graticule.evaluation.curves import FARTHEST_KM
from graticule.evaluation.intervals import Distribution, Ratio, Resamples, Sampling, resample
from graticule.evaluation.paired.significance import (
    Outcome,
    holm,
    mcnemar_test,
    paired_t_test,
    sign_flip_test,
    sign_flip_tests,
    signed_ranks,
    wilcoxon_test,
)
from graticule.evaluation.paired.words import pair_summary
from graticule.evaluation.protocols import Array, Protocol

GOALS: Final = ("mean_km", "median_km", *(f"{limit}" for limit in THRESHOLDS_KM), "geoscore")
"""The figures that are compared."""

_TESTS: Final = {
    "mean_km": "paired t-test",
    "median_km": "Wilcoxon signed-rank",
    "geoscore": "permutation of signs",
}
_TESTS_BY_GROUP: Final = {
    "median_km": "signed ranks, permuted by group",
}


def contest_document(errors: Mapping[str, Array], rules: Protocol, sampling: Sampling) -> dict[str, Any]:
    """Figures, tests and verdicts as ``metrics.json`` has them; what is infinite or unknown is not JSON yet.

    Convention:
        - ``errors``: km by the name of each set, shape (N,) each, infinite without an answer
    """
    drawn = _resampled(errors, rules, sampling)
    models = {name: _figures(name, each, rules, drawn, sampling.level) for name, each in errors.items()}
    pairs = [_pair(a, b, errors, models, rules, drawn, sampling) for a, b in combinations(errors, 2)]
    tests = [test for pair in pairs for test in pair["tests"].values()]
    for test, p in zip(tests, holm([test["p"] for test in tests]), strict=True):
        test["p_holm"] = p
        test["verdict"] = _verdict(test, sampling.level)
    for pair in pairs:
        pair["words"] = pair_summary(pair)
    groups = sampling.groups
    return {
        "n": len(next(iter(errors.values()))),
        "models": models,
        "pairs": pairs,
        "tests": len(tests),
        "level": sampling.level,
        "resamples": sampling.resamples,
        "seed": sampling.seed,
        "unit": "photo" if groups is None else "group",
        "units": len(next(iter(errors.values()))) if groups is None else int(groups.max()) + 1,
        "protocol": rules.to_dict(),
        "graticule": __version__,
    }


def _resampled(errors: Mapping[str, Array], rules: Protocol, sampling: Sampling) -> Resamples | None:
    """All figures of all sets on the same resamples, so that differences are paired."""
    if not sampling.resamples:
        return None
    ratios: dict[str, Ratio] = {}
    for name, each in errors.items():
        ratios |= {f"{name}\0{limit}": Ratio(rules.is_within(each, limit)) for limit in THRESHOLDS_KM}
        ratios[f"{name}\0geoscore"] = Ratio(rules.geoscore(each))
        ratios[f"{name}\0mean_km"] = Ratio(finite(each))
    return resample(
        ratios,
        {f"{name}\0median_km": Distribution(each) for name, each in errors.items()},
        groups=sampling.groups,
        resamples=sampling.resamples,
        seed=sampling.seed,
    )


def finite(errors_km: Array) -> Array:
    """Errors in km with half the Earth's girth for photos without an answer."""
    return np.where(np.isfinite(errors_km), errors_km, FARTHEST_KM)


def _figures(
    name: str, errors_km: Array, rules: Protocol, drawn: Resamples | None, level: float
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "n_failed": int(np.count_nonzero(~np.isfinite(errors_km))),
        "mean_km": float(finite(errors_km).mean()),
        "median_km": metrics.median_km(errors_km),
        **metrics.within_km(errors_km, protocol=rules),
        "geoscore": metrics.geoscore(errors_km, protocol=rules),
    }
    found["intervals"] = (
        None if drawn is None else {goal: drawn.interval(f"{name}\0{goal}", level=level) for goal in GOALS}
    )
    return found


def _pair(
    a: str,
    b: str,
    errors: Mapping[str, Array],
    models: Mapping[str, Any],
    rules: Protocol,
    drawn: Resamples | None,
    sampling: Sampling,
) -> dict[str, Any]:
    nearer = _nearer(errors[a], errors[b])
    tests = {}
    gaps = _gaps(errors[a], errors[b], rules)
    grouped = None
    if sampling.groups is not None:
        found = sign_flip_tests(np.stack(list(gaps.values()), 1), groups=sampling.groups, seed=sampling.seed)
        grouped = dict(zip(gaps, found, strict=True))
    for goal in GOALS:
        interval = None
        if drawn is not None:
            interval = drawn.interval(f"{a}\0{goal}", minus=f"{b}\0{goal}", level=sampling.level)
        if grouped is None:
            test, outcome = (
                _TESTS.get(goal, "McNemar, exact"),
                _test(goal, errors[a], errors[b], rules, sampling),
            )
        else:
            test, outcome = _TESTS_BY_GROUP.get(goal, "permutation of signs by group"), grouped[goal]
        tests[goal] = {
            "test": test,
            "difference": _less(models[a][goal], models[b][goal]),
            "interval": interval,
            "statistic": outcome.statistic,
            "p": outcome.p,
            "leans": float(np.sign(gaps[goal].sum())),
        }
    return {
        "a": a,
        "b": b,
        "a_nearer": int((nearer < 0).sum()),
        "b_nearer": int((nearer > 0).sum()),
        "tests": tests,
    }


def _test(goal: str, a: Array, b: Array, rules: Protocol, sampling: Sampling) -> Outcome:
    if goal == "mean_km":
        return paired_t_test(finite(a), finite(b))
    if goal == "median_km":
        return wilcoxon_test(finite(a), finite(b))
    if goal == "geoscore":
        return sign_flip_test(rules.geoscore(a), rules.geoscore(b), seed=sampling.seed)
    limit = float(goal)
    return mcnemar_test(rules.is_within(a, limit), rules.is_within(b, limit))


def _gaps(a: Array, b: Array, rules: Protocol) -> dict[str, Array]:
    """By how much each photo speaks for a larger figure of ``a``, (N,), for each figure."""
    within = {
        f"{limit}": np.subtract(rules.is_within(a, limit), rules.is_within(b, limit), dtype=np.float64)
        for limit in THRESHOLDS_KM
    }
    return {
        "mean_km": finite(a) - finite(b),
        "median_km": signed_ranks(finite(a), finite(b)),
        **within,
        "geoscore": rules.geoscore(a) - rules.geoscore(b),
    }


def _verdict(test: Mapping[str, Any], level: float) -> str:
    """The sign of ``a`` less ``b`` that is proven, or "none" where chance may have done it."""
    interval, p = test["interval"], test["p_holm"]
    if math.isnan(p) or p >= 1 - level or test["difference"] * test["leans"] <= 0:
        return "none"
    if interval is not None and not (interval[0] > 0 or interval[1] < 0):  # also where an end is unknown
        return "none"
    return "larger" if test["difference"] > 0 else "smaller"


def _less(a: float, b: float) -> float:
    return 0.0 if a == b else a - b


def _nearer(a: Array, b: Array) -> Array:
    """Below 0 where ``a`` has the smaller error, 0 where both are the same, also without an answer."""
    return np.asarray(np.sign(finite(a) - finite(b)))
