"""Which prediction belongs to which true place: by photo id, else by path, file name, or stem.

The photos of a folder are known by their paths, those of a published table by a file name or a bare
number. The first rule that fits a photo is taken, and every rule's count is reported; a name that several
photos share is never used, since it would pair the wrong ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.config import IMAGE_SUFFIXES
from graticule.errors import PredictionsError

SHOWN: Final = 3
"""So many ids of each side are shown where ids do not match."""

_ENDINGS: Final = "|".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))


@dataclass(frozen=True, eq=False)
class Match:
    """Predictions and true places, side by side.

    Convention:
        - ``frame``: one row per photo known to both, in the order of the predictions; the columns of the
          predictions, and those of the truth prefixed by ``true_``
        - ``rules``: how many photos each rule matched
        - ``only_predicted``, ``only_truth``: ids known to one side alone
    """

    frame: pl.DataFrame
    rules: dict[str, int]
    only_predicted: list[str]
    only_truth: list[str]

    def to_dict(self) -> dict[str, Any]:
        """What ``metrics.json`` says about the matching; of the ids known to one side, the first three."""
        return {
            "rules": self.rules,
            "only_predicted": len(self.only_predicted),
            "only_predicted_first": self.only_predicted[:SHOWN],
            "only_truth": len(self.only_truth),
            "only_truth_first": self.only_truth[:SHOWN],
        }


def match(predictions: pl.DataFrame, truth: pl.DataFrame) -> Match:
    """Pair predictions with true places.

    Convention:
        - both have the column ``photo_id``, and may have ``path``; ids are unique on each side

    Raises:
        PredictionsError: no photo is known to both sides.
    """
    pairs = _all_by_id(predictions, truth)
    if pairs is None:
        pairs = _by_rules(predictions, truth)
    rows, true_rows, rules = pairs
    if not rules:
        raise PredictionsError(_nothing_matches(predictions, truth))
    renamed = truth.rename({name: f"true_{name}" for name in truth.columns})
    frame = pl.concat([_at(predictions, rows), _at(renamed, true_rows)], how="horizontal")
    return Match(
        frame, rules, _left_over(predictions, rows)["photo_id"].to_list(),
        _left_over(truth, true_rows)["photo_id"].to_list(),
    )  # fmt: skip


Rows = NDArray[np.integer]


def _all_by_id(predictions: pl.DataFrame, truth: pl.DataFrame) -> tuple[Rows, Rows, dict[str, int]] | None:
    """The usual case, without a rule for each rest: both have the same ids, and each once."""
    count = predictions.height
    if count != truth.height or not count:
        return None
    rows = np.arange(count)
    if (predictions["photo_id"] == truth["photo_id"]).all():
        return rows, rows, {"photo_id": count}
    found = predictions.select("photo_id").join(
        truth.select("photo_id").with_row_index("_right"), on="photo_id", maintain_order="left"
    )
    true_rows = found["_right"].to_numpy()
    # as many pairs as photos, and no true photo twice: then no id stands twice on either side
    if len(true_rows) != count or np.bincount(true_rows, minlength=count).max() > 1:
        return None
    if not (found["photo_id"] == predictions["photo_id"]).all():
        return None
    return rows, true_rows, {"photo_id": count}


def _by_rules(predictions: pl.DataFrame, truth: pl.DataFrame) -> tuple[Rows, Rows, dict[str, int]]:
    """Row numbers of both sides, ascending in the predictions, and how many each rule paired."""
    free_left = predictions.select(_ID, _path_or_null(predictions)).with_row_index("_left")
    free_right = truth.select(_ID, _path_or_null(truth)).with_row_index("_right")
    pairs: list[pl.DataFrame] = []
    rules: dict[str, int] = {}
    for rule, left_key, right_key in _RULES:
        if free_left.is_empty() or free_right.is_empty():
            break
        found = _only_once(free_left, left_key).join(_only_once(free_right, right_key), on="key")
        if found.is_empty():
            continue
        rules[rule] = rules.get(rule, 0) + found.height
        pairs.append(found.select("_left", "_right"))
        free_left = free_left.join(found, on="_left", how="anti")
        free_right = free_right.join(found, on="_right", how="anti")
    if not pairs:
        return np.empty(0, np.int64), np.empty(0, np.int64), {}
    paired = pl.concat(pairs).sort("_left")
    return paired["_left"].to_numpy(), paired["_right"].to_numpy(), rules


def _at(table: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """The rows of a table; itself, where those are all of them in order."""
    if len(rows) == table.height and (rows == np.arange(len(rows))).all():
        return table
    return table[rows]


def _left_over(table: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    is_free = np.ones(table.height, dtype=bool)
    is_free[rows] = False
    return table.select("photo_id").filter(pl.Series(is_free))


def shown(ids: list[str]) -> str:
    """The first few of ``ids``, quoted.

    Example:
        >>> shown(["a", "b", "c", "d"])
        "'a', 'b', 'c', ..."
    """
    listed = ", ".join(f"'{photo_id}'" for photo_id in ids[:SHOWN])
    return listed + (", ..." if len(ids) > SHOWN else "")


def without_copies(table: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Rows of the same photo and place once; and the ids that stand at more than one place.

    Convention:
        - ``table``: ``photo_id``, ``latitude``, ``longitude``; what stands first is kept

    Example:
        >>> rows = {"photo_id": ["a", "a", "b", "b"], "latitude": [1, 1, 2, 3], "longitude": [0, 0, 0, 0]}
        >>> once, twice = without_copies(pl.DataFrame(rows))
        >>> once.height, twice
        (3, ['b'])
    """
    if table["photo_id"].n_unique() == table.height:
        return table, []
    once = table.unique(["photo_id", "latitude", "longitude"], keep="first", maintain_order=True)
    twice = once.filter(pl.col("photo_id").is_duplicated())["photo_id"].unique(maintain_order=True)
    return once, twice.to_list()


def _path_or_null(table: pl.DataFrame) -> pl.Expr:
    return pl.col("path") if "path" in table.columns else pl.lit(None, dtype=pl.String).alias("path")


def _file_name(name: pl.Expr) -> pl.Expr:
    """The last part of a path, also of ``shard.tar::member``."""
    return name.str.replace_all(r"\\|::", "/").str.split("/").list.last()


def _stem(name: pl.Expr) -> pl.Expr:
    """A file name without the ending of a picture; other dots belong to the id."""
    return _file_name(name).str.replace(rf"(?i)\.({_ENDINGS})$", "")


_ID, _PATH = pl.col("photo_id"), pl.col("path")
_LONGEST = pl.coalesce(_PATH, _ID)
_POSIX_PATH = _PATH.str.replace_all(r"\\", "/")
_RULES: Final = (
    ("photo_id", _ID, _ID),
    ("path", _POSIX_PATH, _POSIX_PATH),
    ("path", _ID, _POSIX_PATH),
    ("file name", _file_name(_LONGEST), _file_name(_LONGEST)),
    ("file name", _file_name(_ID), _file_name(_ID)),
    ("stem", _stem(_LONGEST), _stem(_LONGEST)),
    ("stem", _stem(_ID), _stem(_ID)),
)
"""Each rule: its name, the key of a prediction, the key of a true place."""


def _only_once(table: pl.DataFrame, key: pl.Expr) -> pl.DataFrame:
    """Row numbers, and keys that no other row has."""
    keys = table.select(table.columns[0], key.alias("key")).drop_nulls("key")
    return keys.filter(pl.col("key").is_unique())


def _nothing_matches(predictions: pl.DataFrame, truth: pl.DataFrame) -> str:
    return (
        f"None of the {predictions.height} predicted photos is among the {truth.height} of the truth.\n"
        f"Predicted: {shown(predictions['photo_id'].to_list())}\n"
        f"Truth:     {shown(truth['photo_id'].to_list())}\n"
        "Photos are matched by id, then path, file name and file name without ending; "
        "name the column of the ids:  --id COLUMN"
    )
