"""Tables of true and predicted classes, as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from graticule.errors import TableError
from graticule.evaluation.matching import match, shown
from graticule.photos.columns import sniff
from graticule.photos.tabular import read_rows

TRUE_NAMES: Final = (
    "true_class",
    "true_label",
    "true_country",
    "y_true",
    "target",
    "truth",
    "label",
    "class",
)
PREDICTED_NAMES: Final = (
    "pred_class",
    "pred_label",
    "predicted_class",
    "predicted_label",
    "pred_country",
    "predicted",
    "prediction",
    "y_pred",
    "pred",
)
"""Columns that hold the classes, in any case; the first that is there is taken."""

TRUTH_NAMES: Final = (*TRUE_NAMES, "country", "true")
"""The same for a truth in a file of its own."""

PROBABILITY: Final = "prob_"
"""Columns ``prob_NAME`` hold the probability of the class of that name."""

SUM_SLACK: Final = 0.01
"""Probabilities written with two decimals may miss 1 by this."""


@dataclass(frozen=True, eq=False)
class ClassTable:
    """True and predicted classes of N photos.

    Convention:
        - ``frame``: columns ``photo_id``, ``true``, ``predicted``, then ``predicted_2``, ... for further
          answers, and ``group``; a null is a photo without a class, or without an answer
        - ``remarks``: sentences on what was left out; ``left_out``: how many photos that were
    """

    frame: pl.DataFrame
    remarks: tuple[str, ...] = ()
    left_out: int = 0
    ranked: tuple[str, ...] = field(default=("predicted",))


def read_classes(path: str | Path, *, truth: str | Path | None = None) -> ClassTable:
    """True and predicted classes from one table, or from one of answers and one of the truth.

    Convention:
        - a column of true classes (``true_class``, ``true_label``, ...) and one of predicted ones
          (``pred_class``, ``pred_label``, ...); ``pred_class_2``, ``pred_class_3``, ... hold further answers,
          ``prob_NAME`` probabilities of the classes, from which the ranking follows
        - with ``truth``, photos are matched by id, path or file name as positions are

    Raises:
        MissingFileError: there is no such table.
        TableError: a column is missing, the table is empty, a photo stands there twice with different
            classes, or probabilities do not sum to 1.
        PredictionsError: no photo is in both files.
    """
    answers, name = _read(path), f"Table '{path}'"
    true_column = _first(answers, TRUE_NAMES)
    said_column = _first(answers, PREDICTED_NAMES)
    if truth is not None:
        return _joined(answers, said_column, name, Path(truth))
    if true_column is None:
        raise TableError(
            f"{name} has no column of true classes (found: {', '.join(answers.columns)}).\n"
            f"Call it {TRUE_NAMES[0]} or {TRUE_NAMES[1]}, or name a file that has them:  --truth TABLE"
        )
    ranked = _ranked(answers, said_column, name)
    frame = pl.DataFrame(
        {"photo_id": _ids(answers), "true": _text(answers[true_column]), **ranked, "group": _groups(answers)}
    )
    return ClassTable(_once_each(frame, name), ranked=tuple(ranked))


def _joined(answers: pl.DataFrame, said_column: str | None, name: str, truth: Path) -> ClassTable:
    """Answers and truth from two files."""
    known = _read(truth)
    true_column = _first(known, TRUTH_NAMES)
    if true_column is None:
        raise TableError(
            f"Truth '{truth}' has no column of classes (found: {', '.join(known.columns)}).\n"
            f"Call it {TRUE_NAMES[0]}, label or country."
        )
    for table, label in ((answers, name), (known, f"Truth '{truth}'")):
        if sniff(table).photo_id is None:
            raise TableError(
                f"{label} has no column that looks like a photo's id (found: {', '.join(table.columns)}).\n"
                "Call it photo_id, so that answers and truth can be matched."
            )
    ranked = _ranked(answers, said_column, name)
    left = _once_each(pl.DataFrame({"photo_id": _ids(answers), **ranked}), name)
    right = _once_each(
        pl.DataFrame({"photo_id": _ids(known), "true": _text(known[true_column]), "group": _groups(known)}),
        f"Truth '{truth}'",
    )
    pairs = match(left, right)
    remarks = []
    for ids, said in (
        (pairs.only_predicted, "answered in the table but not in the truth"),
        (pairs.only_truth, "in the truth but without an answer in the table"),
    ):
        if ids:
            photos = "1 photo" if len(ids) == 1 else f"{len(ids):,} photos"
            remarks.append(f"{photos} not judged, {said}: {shown(ids)}.")
    frame = pairs.frame.rename({"true_true": "true", "true_group": "group"}).drop("true_photo_id")
    left_out = len(pairs.only_predicted) + len(pairs.only_truth)
    return ClassTable(frame, tuple(remarks), left_out, tuple(ranked))


def _read(path: str | Path) -> pl.DataFrame:
    rows = read_rows(Path(path))
    if rows.is_empty():
        raise TableError(f"Table '{path}' has no rows, so there is nothing to evaluate.\nGive another table.")
    return rows


def _ranked(answers: pl.DataFrame, said_column: str | None, name: str) -> dict[str, pl.Series]:
    """The answers, best first: ``predicted``, ``predicted_2``, ..."""
    shares = [column for column in answers.columns if column.lower().startswith(PROBABILITY)]
    if said_column is not None:
        found = {"predicted": _text(answers[said_column])}
        by_key = {column.lower(): column for column in answers.columns}
        for rank in range(2, 11):
            column = by_key.get(f"{said_column.lower()}_{rank}")
            if column is None:
                break
            found[f"predicted_{rank}"] = _text(answers[column])
        if len(found) > 1 or not shares:
            return found
    if not shares:
        raise TableError(
            f"{name} has no column of predicted classes (found: {', '.join(answers.columns)}).\n"
            f"Call it {PREDICTED_NAMES[0]} or {PREDICTED_NAMES[1]}, or give columns {PROBABILITY}CLASS."
        )
    from_shares = _from_probabilities(answers, shares, name)
    if said_column is not None:
        from_shares["predicted"] = _text(answers[said_column])
    return from_shares


def _from_probabilities(answers: pl.DataFrame, columns: list[str], name: str) -> dict[str, pl.Series]:
    """The ten most probable classes of each photo."""
    _check_numbers(answers, columns, name)
    shares = answers.select(pl.col(columns).cast(pl.Float64)).to_numpy()
    totals = shares.sum(axis=1)
    # a row without any probability is a photo without an answer
    empty = np.isnan(shares).all(axis=1)
    wrong = ~empty & ~((np.abs(totals - 1) <= SUM_SLACK) & (shares >= -SUM_SLACK).all(axis=1))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise TableError(
            f"{name}: the probabilities of {int(wrong.sum())} of {len(totals)} photos do not sum to 1, first "
            f"that of '{_ids(answers)[row]}': {totals[row]:g}.\n"
            "Scores need a softmax first, percentages a division by 100; a class may be missing."
        )
    classes = np.array([column[len(PROBABILITY) :] for column in columns] + [None], dtype=object)
    order = np.argsort(-shares, axis=1, kind="stable")[:, :10]
    order[empty] = len(columns)
    return {
        "predicted" if rank == 0 else f"predicted_{rank + 1}": pl.Series(
            list(classes[order[:, rank]]), dtype=pl.String
        )
        for rank in range(order.shape[1])
    }


def _check_numbers(answers: pl.DataFrame, columns: list[str], name: str) -> None:
    """Refuse probabilities that are no numbers: they would look like photos without an answer."""
    for column in columns:
        text = answers[column].cast(pl.String)
        bad = text.filter(text.cast(pl.Float64, strict=False).is_null() & text.is_not_null())
        if bad.len():
            raise TableError(
                f"{name}: {bad.len()} values of '{column}' are no numbers, first '{bad[0]}'.\n"
                "Write shares in [0, 1] with a point, such as 0.25; an empty field is no answer."
            )


def _first(rows: pl.DataFrame, names: tuple[str, ...]) -> str | None:
    by_key = {re.sub(r"[\s-]", "_", column.lower()): column for column in rows.columns}
    return next((by_key[name] for name in names if name in by_key), None)


def _text(column: pl.Series) -> pl.Series:
    """Classes as text, trimmed; empty is null. Numbers of a class are its name."""
    texts = column.cast(pl.String).str.strip_chars()
    return texts.set(texts.is_in(["", "nan", "NaN", "null", "None"]), None)


def _ids(rows: pl.DataFrame) -> pl.Series:
    """The photos' ids; the numbers of the rows where the table has none."""
    column = sniff(rows).photo_id
    if column is None or rows[column].null_count():
        return pl.Series(range(1, rows.height + 1)).cast(pl.String)
    return rows[column].cast(pl.String)


def _groups(rows: pl.DataFrame) -> pl.Series:
    column = sniff(rows).group
    empty = pl.Series([None] * rows.height, dtype=pl.String)
    return empty if column is None else rows[column].cast(pl.String)


def _once_each(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    once = frame.unique(maintain_order=True, keep="first")
    twice: list[Any] = (
        once.filter(pl.col("photo_id").is_duplicated())["photo_id"].unique(maintain_order=True).to_list()
    )
    if twice:
        raise TableError(
            f"{name} has {len(twice)} photos with different classes in several rows: {shown(twice)}.\n"
            "Keep one row per photo."
        )
    return once
