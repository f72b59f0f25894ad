"""How good a classifier is: every figure with its interval, and what guessing alone would reach."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from graticule._version import __version__
from graticule.errors import PredictionsError, TableError
from graticule.evaluation.classes.tables import ClassTable
from graticule.evaluation.classification import (
    FIGURES,
    ClassCounts,
    class_statistic,
    is_in_first_k,
    per_class,
    rate_intervals,
)
from graticule.evaluation.document import plain
from graticule.evaluation.ground_truth import group_numbers
from graticule.evaluation.improvement import improvements
from graticule.evaluation.intervals import LEVEL, METHOD, RESAMPLES, Ratio, Resamples, Sampling, resample
from graticule.evaluation.labels import Labels
from graticule.evaluation.matching import SHOWN, shown

MOST_INTERVALS: Final = 300
"""Past so many classes the rows of classes have no intervals of their own."""

TOP_K: Final = (1, 3, 5, 10)


@dataclass(frozen=True, eq=False)
class ClassEvaluation:
    """What came out.

    Convention:
        - ``metrics``: the document of ``metrics.json``: shares in [0, 1], None where a figure does not exist
        - ``confusions``: columns ``true``, ``predicted``, ``count``; the most frequent first
    """

    metrics: dict[str, Any]
    confusions: pl.DataFrame

    @property
    def is_complete(self) -> bool:
        """Whether no photo had to be left out."""
        return not (self.metrics["left_out"] or self.metrics["without_true_class"])


def evaluate_classes(
    table: ClassTable, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> ClassEvaluation:
    """Judge predicted classes.

    Convention:
        - a photo without a predicted class counts as wrong; one without a true class cannot be judged and is
          counted

    Raises:
        PredictionsError: no predicted class is among the true ones.
        TableError: no photo has a true class.
    """
    known = table.frame.filter(pl.col("true").is_not_null())
    if known.is_empty():
        raise TableError(
            f"None of the {table.frame.height} photos has a true class, so nothing can be judged.\n"
            "Fill the column of true classes, or name a truth:  --truth TABLE"
        )
    truth = Labels.of(known["true"])
    ranked = [Labels.of(known[name]) for name in table.ranked]
    _check_names(truth, ranked[0])
    sampling = Sampling(resamples, level, seed, group_numbers(known.rename({"group": "true_group"})))
    found = _figures(truth, ranked, sampling)
    found |= {
        "left_out": table.left_out,
        "without_true_class": table.frame.height - known.height,
        "graticule": __version__,
    }
    found["remarks"] = [*table.remarks, *_remarks(found, truth, ranked[0])]
    return ClassEvaluation(plain(found), _confusions(known))


def _check_names(truth: Labels, answers: Labels) -> None:
    one = min(len(truth.names), len(answers.names)) == 1  # of one class all may well be wrong
    if answers.names and not one and not set(truth.names) & set(answers.names):
        raise PredictionsError(
            f"No predicted class is among the true ones, so every answer would be wrong.\n"
            f"True:      {shown(list(truth.names))}\nPredicted: {shown(list(answers.names))}\n"
            "Write the classes in the same way on both sides."
        )


def _figures(truth: Labels, ranked: list[Labels], sampling: Sampling) -> dict[str, Any]:
    names = tuple(sorted({*truth.names, *ranked[0].names}))
    index, said = truth.among(names), ranked[0].among(names)
    said = np.where(ranked[0].is_known, said, -1)
    top = {k: Ratio(is_in_first_k(truth, ranked, k)) for k in TOP_K if k <= len(ranked)}
    drawn = None
    if sampling.resamples:
        drawn = resample(
            {f"top {k}": ratio for k, ratio in top.items()} | {"class accuracy": Ratio(index == said)},
            statistics={"class": class_statistic(index, said, len(names))},
            groups=sampling.groups,
            resamples=sampling.resamples,
            seed=sampling.seed,
        )
    figures = ClassCounts.of(index, said, len(names)).figures()
    counts = np.bincount(index, minlength=len(names))
    return {
        "n": len(truth),
        "n_answered": int(np.count_nonzero(ranked[0].is_known)),
        "n_failed": int(np.count_nonzero(~ranked[0].is_known)),
        "classes": len(truth.names),
        **figures,
        "top_k": {f"{k}": top[k].mean if k in top else None for k in TOP_K},
        "intervals": _intervals(drawn, sampling, len(truth)),
        "largest_class": _largest_class(names, index),
        "improvement_over_random": improvements(figures["accuracy"], counts[counts > 0]),
        "by_class": _rows(truth, ranked[0], sampling),
    }


def _intervals(drawn: Resamples | None, sampling: Sampling, n: int) -> dict[str, Any] | None:
    if drawn is None:
        return None
    level, groups = sampling.level, sampling.groups
    return {
        "method": METHOD,
        "level": level,
        "resamples": sampling.resamples,
        "seed": sampling.seed,
        "unit": "photo" if groups is None else "group",
        "units": n if groups is None else int(groups.max()) + 1,
        **{name: drawn.interval(f"class {name}", level=level) for name in FIGURES},
        "top_k": {
            f"{k}": drawn.interval(f"top {k}", level=level) if f"top {k}" in drawn.names else None
            for k in TOP_K
        },
    }


def _largest_class(names: tuple[str, ...], index: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The figures of always answering the class that is most frequent here."""
    largest = int(np.argmax(np.bincount(index, minlength=len(names))))
    figures = ClassCounts.of(index, np.full(len(index), largest), len(names)).figures()
    return {"class": names[largest], **figures}


def _rows(truth: Labels, answers: Labels, sampling: Sampling) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = per_class(truth, answers)
    if not sampling.resamples or len(rows) > MOST_INTERVALS:
        return rows
    names = tuple(row["class"] for row in rows)
    index, said = truth.among(names), np.where(answers.is_known, answers.among(names), -1)
    return [
        {**row, "intervals": rate_intervals(number, index, said, sampling)} for number, row in enumerate(rows)
    ]


def _confusions(known: pl.DataFrame) -> pl.DataFrame:
    pairs = Counter(known.select("true", "predicted").iter_rows())
    rows = sorted(pairs.items(), key=lambda item: (-item[1], str(item[0])))
    return pl.DataFrame(
        [(true, said, count) for (true, said), count in rows],
        schema={"true": pl.String, "predicted": pl.String, "count": pl.Int64},
        orient="row",
    )


def _have(count: int) -> str:
    return "1 photo has" if count == 1 else f"{count:,} photos have"


def _remarks(found: dict[str, Any], truth: Labels, answers: Labels) -> list[str]:
    said = []
    if found["without_true_class"]:
        said.append(f"{_have(found['without_true_class'])} no true class and could not be judged.")
    if found["n_failed"]:
        said.append(f"{_have(found['n_failed'])} no predicted class: counted as wrong everywhere.")
    if len(truth.names) == 1:
        said.append(
            f"All photos are of one class, '{truth.names[0]}': always answering it is right every time, so "
            "the accuracy says nothing about telling classes apart."
        )
    strange = [name for name in answers.names if name not in set(truth.names)]
    if strange:
        more = "" if len(strange) <= SHOWN else f" (of {len(strange)})"
        said.append(f"Answered classes that no photo is of: {shown(strange)}{more}; always wrong.")
    largest = found["largest_class"]
    if len(truth.names) > 1 and found["accuracy"] < largest["accuracy"]:
        said.append(
            f"The accuracy of {100 * found['accuracy']:.1f} % is BELOW that of always answering "
            f"'{largest['class']}', {100 * largest['accuracy']:.1f} %."
        )
    said.append(
        "The largest class and the shares of the classes are those of these photos themselves, since no "
        "training set is known: guesses that know them are a little too good."
    )
    return said
