"""Which photos can be judged: those known to both sides that have a true position. All others are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from graticule.errors import PredictionsError, TableError
from graticule.evaluation.matching import Match, match


@dataclass(frozen=True, eq=False)
class Judged:
    """The photos to judge, and what became of the others.

    Convention:
        - ``frame``: one row per judged photo: the columns of the predictions, and of the truth prefixed by
          ``true_``
        - ``answers``: all answers, also of photos that are not judged
        - ``without_place``: photos of the truth without a usable position, by reason
        - ``repeated``, ``repeated_true``: rows of answers and truth that said the same again
    """

    frame: pl.DataFrame
    answers: pl.DataFrame
    pairs: Match
    without_place: dict[str, int]
    repeated: int = 0
    repeated_true: int = 0

    @classmethod
    def of(cls, answers: pl.DataFrame, truth: pl.DataFrame, *, repeated: int = 0) -> Judged:
        """Pair ``answers``, a completed table, with ``truth``; ``repeated``: rows that said the same again.

        Raises:
            PredictionsError: no photo is known to both sides, or none of those has a true position.
            TableError: no photo of the truth has a position.
        """
        repeated_true = int(truth["rows"].sum()) - truth.height if "rows" in truth.columns else 0
        usable = truth.select(_USABLE.alias("usable"))["usable"]
        without_place = _reasons(truth.filter(~usable))
        if not usable.any():
            raise TableError(
                f"None of the {truth.height} photos of the truth has a position, so no error can be "
                "measured.\nGive a table with latitude and longitude in degrees; name the columns:  "
                "--latitude, --longitude"
            )
        if not without_place:
            pairs = match(answers, truth)
            return cls(pairs.frame, answers, pairs, without_place, repeated, repeated_true)
        # All are matched, so that none is taken for a stranger, and only then those without a place go.
        pairs = match(answers, truth.with_columns(usable.alias(_FLAG)))
        frame = pairs.frame.filter(pl.col(f"true_{_FLAG}")).drop(f"true_{_FLAG}")
        if frame.is_empty():
            raise PredictionsError(
                f"{pairs.frame.height} predicted photos are in the truth, but none of them has a true "
                "position.\nGive a truth with the places of these photos."
            )
        return cls(frame, answers, pairs, without_place, repeated, repeated_true)

    def to_dict(self) -> dict[str, Any]:
        """The part ``matching`` of ``metrics.json``."""
        return {
            **self.pairs.to_dict(),
            "repeated_rows": self.repeated,
            "repeated_true_rows": self.repeated_true,
            "without_true_position": sum(self.without_place.values()),
            "without_true_position_by_reason": self.without_place,
        }


_FLAG = "\0usable"
_USABLE = (
    pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_finite() & pl.col("latitude").is_finite()
).fill_null(False)


def _reasons(others: pl.DataFrame) -> dict[str, int]:
    if others.is_empty():
        return {}
    reason = pl.col("reason") if "reason" in others.columns else pl.lit(None, dtype=pl.String).alias("reason")
    return dict(others.select(reason.fill_null("no-position"))["reason"].value_counts(sort=True).iter_rows())
