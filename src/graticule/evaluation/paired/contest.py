"""Two or more sets of predictions for the same photos: who is better at what, and is it more than chance?

In: predictions by the name of each set, and the truth. Out: the document of every figure and test, and one
row per photo. ``pairs`` says which tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from graticule.errors import PredictionsError, UsageError
from graticule.evaluation import metrics
from graticule.evaluation.answers import complete
from graticule.evaluation.curves import FARTHEST_KM
from graticule.evaluation.document import plain
from graticule.evaluation.ground_truth import group_numbers, latlon_in
from graticule.evaluation.intervals import (
    LEVEL,
    RESAMPLES,
    Sampling,
)
from graticule.evaluation.judging import Judged
from graticule.evaluation.matching import SHOWN, shown
from graticule.evaluation.paired.pairs import contest_document, finite
from graticule.evaluation.protocols import Array, protocol_named

if TYPE_CHECKING:
    from graticule.predictions import Predictions


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
    document = contest_document(errors, rules, sampling)
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
