"""Two or more sets of predictions for the same photos: who is better at what, and is it more than chance?

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
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from graticule._version import __version__
from graticule.config import THRESHOLDS_KM
from graticule.errors import PredictionsError, UsageError
from graticule.evaluation import metrics
from graticule.evaluation.answers import complete
from graticule.evaluation.curves import FARTHEST_KM
from graticule.evaluation.document import plain
from graticule.evaluation.ground_truth import group_numbers, latlon_in
from graticule.evaluation.intervals import (
    LEVEL,
    RESAMPLES,
    Distribution,
    Ratio,
    Resamples,
    Sampling,
    resample,
)
from graticule.evaluation.judging import Judged
from graticule.evaluation.matching import SHOWN, shown
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
from graticule.evaluation.protocols import Array, Protocol, protocol_named

if TYPE_CHECKING:
    from graticule.predictions import Predictions

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


@dataclass(frozen=True, eq=False)
class Contest:
    """What came out.

    Convention:
        - ``metrics``: the document of ``metrics.json``
        - ``frame``: one row per judged photo: ``photo_id``, ``true_latitude``, ``true_longitude`` in degrees,
          ``error_km of NAME`` for each set of predictions (infinite without an answer), ``best`` (the name of
          the set with the least error; null where all are the same)
    """

    metrics: dict[str, Any]
    frame: pl.DataFrame

    @property
    def names(self) -> list[str]:
        """The sets of predictions, in the order given."""
        return list(self.metrics["models"])

    def errors_km(self, name: str) -> Array:
        """The errors of one set, shape (N,)."""
        return self.frame[error_column(name)].to_numpy()

    @property
    def is_complete(self) -> bool:
        """Whether all sets and the truth had the same photos, each with a true position."""
        left_out: dict[str, int] = self.metrics["left_out"]
        return not any(left_out.values())


def error_column(name: str) -> str:
    """The column of ``Contest.frame`` that holds the errors of the set of that name."""
    return f"error_km of {name}"


def compare_predictions(
    predictions: Mapping[str, Predictions | pl.DataFrame],
    truth: pl.DataFrame,
    *,
    protocol: str = "graticule",
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Contest:
    """Compare sets of predictions on the photos that all of them and the truth know.

    Convention:
        - ``predictions``: tables as ``evaluate_predictions`` takes them, by a name of each
        - ``truth``: ``photo_id``, ``latitude``, ``longitude``; optional ``path``, ``group``
        - a photo without an answer is wrong everywhere; the tests of mean and ranks, which need a number,
          take half the Earth's girth for it, the farthest that an answer can be

    Raises:
        PredictionsError: fewer than one photo is known to all, or a table is damaged.
        UsageError: there are fewer than two sets, or no such protocol.

    Example:
        >>> truth = pl.DataFrame({"photo_id": ["p", "q"], "latitude": [48.9, 0.0], "longitude": [2.3, 0.0]})
        >>> away = truth.with_columns(latitude=pl.lit(-40.0))
        >>> contest = compare_predictions({"good": truth, "bad": away}, truth, resamples=0)
        >>> contest.frame["best"].to_list()
        ['good', 'good']
    """
    if len(predictions) < 2:
        raise UsageError("One set of predictions alone cannot be compared.\nName two or more.")
    rules = protocol_named(protocol)
    judged = {name: Judged.of(complete(table), truth) for name, table in predictions.items()}
    base, rows, left_out = _common(judged, truth)
    true_places = latlon_in(base, "true_latitude", "true_longitude")
    errors = {
        name: metrics.errors_km(latlon_in(rows[name], "latitude", "longitude"), true_places, protocol=rules)
        for name in judged
    }
    sampling = Sampling(resamples, level, seed, group_numbers(base))
    document = _document(errors, rules, sampling)
    document["left_out"] = {name: len(ids) for name, ids in left_out.items()}
    document["left_out_first"] = {name: ids[:SHOWN] for name, ids in left_out.items() if ids}
    document["remarks"] = _remarks(document, left_out)
    return Contest(plain(document), _frame(base, errors))


def _common(
    judged: Mapping[str, Judged], truth: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame], dict[str, list[str]]]:
    """The photos that all sets answer: one table with the truth, one per set, and which each lost."""
    frames = [each.frame.select("true_photo_id") for each in judged.values()]
    common = frames[0]
    for ids in frames[1:]:
        common = common.join(ids, on="true_photo_id", how="semi", maintain_order="left")
    if common.is_empty():
        sides = "\n".join(
            f"{name}: {shown(each.frame['true_photo_id'].to_list())}" for name, each in judged.items()
        )
        raise PredictionsError(
            f"No photo of the truth is in all {len(judged)} sets of predictions:\n{sides}\n"
            "Compare predictions of the same photos."
        )
    rows = {
        name: common.join(each.frame, on="true_photo_id", how="left", maintain_order="left")
        for name, each in judged.items()
    }
    left_out = {name: _without(each.answers, rows[name]["photo_id"]) for name, each in judged.items()}
    left_out["truth"] = _without(truth, common["true_photo_id"])
    return next(iter(rows.values())), rows, left_out


def _without(table: pl.DataFrame, ids: pl.Series) -> list[str]:
    return table["photo_id"].filter(~table["photo_id"].is_in(ids.implode())).to_list()


def _document(errors: Mapping[str, Array], rules: Protocol, sampling: Sampling) -> dict[str, Any]:
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


def _frame(base: pl.DataFrame, errors: Mapping[str, Array]) -> pl.DataFrame:
    stacked = np.stack([finite(each) for each in errors.values()])
    names = np.array([*errors, None], dtype=object)
    is_same = (stacked == stacked[0]).all(axis=0)
    best = names[np.where(is_same, -1, stacked.argmin(axis=0))]
    return base.select(
        pl.col("true_photo_id").alias("photo_id"),
        "true_latitude",
        "true_longitude",
        *(pl.Series(error_column(name), each) for name, each in errors.items()),
        pl.Series("best", list(best), dtype=pl.String),
    )


def _remarks(document: Mapping[str, Any], left_out: Mapping[str, list[str]]) -> list[str]:
    found = []
    for name, ids in left_out.items():
        if ids:
            photos = "1 photo" if len(ids) == 1 else f"{len(ids):,} photos"
            found.append(
                f"Left out of the comparison: {photos} of {'the truth' if name == 'truth' else name}, not in "
                f"all the others or without a true position: {shown(ids)}."
            )
    for name, figures in document["models"].items():
        if figures["n_failed"]:
            found.append(
                f"{name} has no answer for {figures['n_failed']:,} photos: wrong everywhere, and "
                f"{FARTHEST_KM:,.0f} km off in the tests of mean and ranks."
            )
    if document["unit"] == "group":
        found.append(
            f"Photos come in {document['units']:,} groups (author, sequence): intervals and tests are by "
            "group, since the photos of one are not independent."
        )
    return found
