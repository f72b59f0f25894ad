"""How often the right class: precision, recall, F1 and their means over classes, as pure functions.

A class is anything: a country, a continent, a cell, a word in somebody's table. A photo without an answer
has no answered class: it lowers the recall of its true class and is in no precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.evaluation.intervals import Interval, Ratio, Sampling, Statistic, resample
from graticule.evaluation.labels import Labels
from graticule.evaluation.protocols import Array

FIGURES: Final = ("accuracy", "balanced_accuracy", "macro_precision", "macro_f1", "weighted_f1")
"""The figures over all classes, in the order in which reports show them."""

RATES: Final = ("recall", "precision", "f1")
"""The figures of one class."""


@dataclass(frozen=True, eq=False, slots=True)
class ClassCounts:
    """Photos of each of K classes, counted or weighted.

    Convention:
        - ``truth``: photos whose true class it is; ``said``: photos answered with it; ``right``: both
        - each of shape (K,), not negative
    """

    truth: Array
    said: Array
    right: Array

    @classmethod
    def of(
        cls, truth: ArrayLike, answers: ArrayLike, classes: int, *, weights: ArrayLike | None = None
    ) -> ClassCounts:
        """Count the photos of each class.

        Convention:
            - ``truth``, ``answers``: class of each photo, 0..K-1, anything else for none, shape (N,)
            - ``classes``: K; ``weights``: how often each photo counts, once when left out

        Example:
            >>> counts = ClassCounts.of([0, 0, 1], [0, 1, -1], 2)
            >>> counts.truth.tolist(), counts.said.tolist(), counts.right.tolist()
            ([2.0, 1.0], [1.0, 1.0], [1.0, 0.0])
        """
        true_class, said_class = _indices(truth, classes), _indices(answers, classes)
        loads = np.ones(len(true_class)) if weights is None else np.asarray(weights, dtype=np.float64)
        return cls(
            _summed(true_class, loads, classes),
            _summed(said_class, loads, classes),
            _summed(np.where(true_class == said_class, true_class, classes), loads, classes),
        )

    @property
    def recall(self) -> Array:
        """Share of each class's photos that were answered with it; NaN where it has none."""
        return _over(self.right, self.truth)

    @property
    def precision(self) -> Array:
        """Share of the photos answered with each class that are of it; NaN where none was."""
        return _over(self.right, self.said)

    @property
    def f1(self) -> Array:
        """Harmonic mean of precision and recall, 0 where nothing was right; NaN where nothing was there."""
        return _over(2 * self.right, self.truth + self.said)

    def figures(self) -> dict[str, float]:
        """The figures over all classes; NaN where no photo has a class.

        Convention:
            - ``accuracy``: share of right photos; ``balanced_accuracy``: mean recall of the classes that
              have photos, so that each class counts the same
            - ``macro_precision``, ``macro_f1``: means over the classes that have photos or answers, of
              those never answered the precision being 0, as in scikit-learn; ``weighted_f1``: by photos

        Example:
            >>> figures = ClassCounts.of([0, 0, 0, 1], [0, 0, 0, 0], 2).figures()
            >>> figures["accuracy"], figures["balanced_accuracy"]
            (0.75, 0.5)
        """
        photos = float(self.truth.sum())
        if photos == 0:
            return dict.fromkeys(FIGURES, float("nan"))
        has_photos = self.truth > 0
        occurs = has_photos | (self.said > 0)
        precision, f1 = np.nan_to_num(self.precision), np.nan_to_num(self.f1)
        return {
            "accuracy": float(self.right.sum() / photos),
            "balanced_accuracy": float(self.recall[has_photos].mean()),
            "macro_precision": float(precision[occurs].mean()),
            "macro_f1": float(f1[occurs].mean()),
            "weighted_f1": float((f1 * self.truth).sum() / photos),
        }


def class_statistic(truth: ArrayLike, answers: ArrayLike, classes: int) -> Statistic:
    """The figures over all classes as a function of the photos' weights, for the bootstrap.

    Convention:
        - arguments as ``ClassCounts.of``
    """
    true_class, said_class = _indices(truth, classes), _indices(answers, classes)
    # photos of the same two classes are alike, and there are few such pairs: photos are summed once
    pairs, pair_of = np.unique(true_class * (classes + 1) + said_class, return_inverse=True)
    true_of, said_of = np.divmod(pairs, classes + 1)
    right_of = np.where(true_of == said_of, true_of, classes)

    def figures(weights: Array) -> dict[str, float]:
        loads = np.asarray(np.bincount(pair_of, weights, len(pairs)), dtype=np.float64)
        return ClassCounts(
            _summed(true_of, loads, classes),
            _summed(said_of, loads, classes),
            _summed(right_of, loads, classes),
        ).figures()

    return figures


def rate_intervals(
    part: int, truth: ArrayLike, answers: ArrayLike, sampling: Sampling
) -> dict[str, Interval]:
    """Intervals of one class's recall, precision and F1.

    Convention:
        - ``part``: the class's index; ``truth``, ``answers``: class index of each photo, shape (N,)
        - photos that are of the class or were answered with it are drawn; the others do not matter
    """
    is_mine, is_said = np.asarray(truth) == part, np.asarray(answers) == part
    either = np.flatnonzero(is_mine | is_said)
    drawn = resample(
        rate_ratios(is_mine[either], is_said[either]),
        groups=own_groups(sampling.groups, either),
        resamples=sampling.resamples,
        seed=sampling.seed,
    )
    return {name: drawn.interval(name, level=sampling.level) for name in RATES}


def rate_ratios(is_mine: NDArray[np.bool_], is_said: NDArray[np.bool_]) -> dict[str, Ratio]:
    """Recall, precision and F1 of one class as means: whether each photo is of it, and answered with it."""
    right = is_mine & is_said
    return {
        "recall": Ratio(right, is_mine),
        "precision": Ratio(right, is_said),
        "f1": Ratio(2.0 * right, is_mine.astype(np.float64) + is_said),
    }


def own_groups(groups: NDArray[np.int64] | None, rows: NDArray[np.intp]) -> NDArray[np.int64] | None:
    """The groups of some photos, numbered anew."""
    if groups is None:
        return None
    found: NDArray[np.int64] = np.unique(groups[rows], return_inverse=True)[1]
    return found


def per_class(truth: Labels, answers: Labels) -> list[dict[str, Any]]:
    """One row per class that has photos or answers, the one with the most photos first.

    Convention:
        - a row: ``class``, ``n``, ``answered`` (photos answered with it), ``right``, ``recall``,
          ``precision``, ``f1``; NaN where a rate does not exist

    Example:
        >>> rows = per_class(Labels.of(["a", "a", "b"]), Labels.of(["a", "b", "c"]))
        >>> [(row["class"], row["n"], row["recall"], row["precision"]) for row in rows]
        [('a', 2, 0.5, 1.0), ('b', 1, 0.0, 0.0), ('c', 0, nan, 0.0)]
    """
    names = tuple(sorted({*truth.names, *answers.names}))
    counts = ClassCounts.of(truth.among(names), answers.among(names), len(names))
    columns = (counts.truth, counts.said, counts.right, counts.recall, counts.precision, counts.f1)
    rows: list[dict[str, Any]] = [
        {
            "class": name,
            "n": int(n),
            "answered": int(said),
            "right": int(right),
            "recall": float(recall),
            "precision": float(precision),
            "f1": float(f1),
        }
        for name, n, said, right, recall, precision, f1 in zip(names, *columns, strict=True)
        if n or said
    ]
    return sorted(rows, key=lambda row: (-row["n"], row["class"]))


def is_in_first_k(truth: Labels, ranked: Sequence[Labels], k: int) -> NDArray[np.bool_]:
    """Whether the true class is among the first ``k`` answers; ``ranked``: the first, second, ... answers."""
    found = np.zeros(len(truth), dtype=bool)
    for answers in ranked[:k]:
        found |= answers.agrees_with(truth)
    return found


def _indices(column: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Class indices, every photo of none being of class K."""
    index = np.asarray(column, dtype=np.int64)
    return np.where((index >= 0) & (index < classes), index, classes)


def _summed(index: NDArray[np.int64], weights: Array, classes: int) -> Array:
    return np.asarray(np.bincount(index, weights, classes + 1)[:classes], dtype=np.float64)


def _over(above: Array, below: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below)
