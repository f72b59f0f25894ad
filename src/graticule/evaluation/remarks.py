"""What a reader has to know beside the figures: one sentence for everything that was odd."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import polars as pl

from graticule.evaluation.intervals import LEAST_UNITS
from graticule.evaluation.matching import SHOWN
from graticule.photos.coordinates import REASONS

FEW_GROUPS: Final = 20
"""With fewer groups intervals by group are too narrow."""


def remarks(document: dict[str, Any], predictions: pl.DataFrame) -> list[str]:
    """Sentences about what was left out, what failed, and what the baselines rest on.

    Convention:
        - ``document``: the finished parts of ``metrics.json``; ``predictions``: the completed table
    """
    found = [*_about_photos(document), *_about_failures(document, predictions), *_about_cells(document)]
    found += _about_units(document["intervals"])
    baselines = document["baselines"]
    if baselines["is_in_sample"]:
        found.append(
            "The baselines were found on the test's own places, since no training places were given: they "
            "are too good. Give the model (--model) or its training table (--train-places)."
        )
    elif baselines["is_by_cell"]:
        found.append(
            "The baselines know the training places only by cell: below the size of the cells the best "
            "constant guess may be weaker than it could be. Give the training table with --train-places."
        )
    return found


def _about_photos(document: dict[str, Any]) -> list[str]:
    matching, found = document["matching"], []
    by_name = {rule: count for rule, count in matching["rules"].items() if rule != "photo_id"}
    if by_name:
        rules = ", ".join(f"{count} by {rule}" for rule, count in by_name.items())
        found.append(f"Ids differ between the two tables; photos were matched otherwise: {rules}.")
    for key, said in (("repeated_rows", "the same answer"), ("repeated_true_rows", "the same true place")):
        count = matching[key]
        if count:
            rows = "1 row repeats" if count == 1 else f"{count:,} rows repeat"
            found.append(f"{rows} another of the same photo with {said}: counted once.")
    for side, verb in (("only_truth", "have no prediction"), ("only_predicted", "are not in the truth")):
        count = matching[side]
        if count:
            first = ", ".join(f"'{name}'" for name in matching[f"{side}_first"])
            more = " and others" if count > SHOWN else ""
            was = "was" if count == 1 else "were"
            found.append(f"{_photos(count)} {_verb(verb, count)} and {was} not judged: {first}{more}.")
    if matching["without_true_position"]:
        count = matching["without_true_position"]
        reasons = _reasons(matching["without_true_position_by_reason"].items())
        found.append(
            f"{_photos(count)} of the truth {_verb('have no usable position', count)} and could not be "
            f"judged ({reasons})."
        )
    return found


def _about_failures(document: dict[str, Any], predictions: pl.DataFrame) -> list[str]:
    failed, found = document["n_failed"], []
    if failed:
        found.append(
            f"{_photos(failed)} {_verb('have no answer', failed)}: counted as wrong everywhere, with an "
            "infinite error. Only the mean error leaves them out: it is over "
            f"{_photos(document['n_answered'])}."
        )
    unexplained = predictions.filter(pl.col("latitude").is_null() & pl.col("error").is_null()).height
    if unexplained:
        found.append(
            f"{_photos(unexplained)} {_verb('have', unexplained)} neither a position nor an error in the "
            "predictions (NaN or empty); taken as not answered."
        )
    reasons = predictions["error"].drop_nulls().value_counts(sort=True)
    if failed and reasons.height:
        shown = _reasons(reasons.head(SHOWN).iter_rows())
        more = f" and {reasons.height - SHOWN} other reasons" if reasons.height > SHOWN else ""
        found.append(f"Why there is no answer: {shown}{more}.")
    if 2 * failed >= document["n"]:
        found.append("Half of the photos or more have no answer, so the median error is infinite (null).")
    return found


def _about_cells(document: dict[str, Any]) -> list[str]:
    covered, found = document["n_covered"], []
    if covered is not None and covered < document["n"]:
        outside = document["n"] - covered
        found.append(
            f"{_photos(outside)} {_verb('lie', outside)} outside all cells of the model: top-k and coverage "
            "count them as wrong."
        )
    unknown = document["n"] - document["n_country"]
    if unknown:
        found.append(
            f"{_photos(unknown)} {_verb('lie', unknown)} in no country (open sea): not counted in the "
            "country accuracy."
        )
    return found


def _about_units(intervals: dict[str, Any] | None) -> list[str]:
    """When photos or groups are too few for their intervals."""
    if intervals is None:
        return []
    units, unit = intervals["units"], intervals["unit"]
    whose = "photos" if unit == "photo" else "groups (authors, sequences) of photos"
    if units < LEAST_UNITS:
        return [f"There are fewer than {LEAST_UNITS} {whose}: only shares have an interval."]
    if unit == "group" and units < FEW_GROUPS:
        return [f"There are only {units} {whose}: the intervals are a little too narrow."]
    return []


def _reasons(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} {REASONS.get(why, why).splitlines()[0]}" for why, count in counts)


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count:,} photos"


def _verb(phrase: str, count: int) -> str:
    """The phrase for one photo, where its verb differs."""
    if count != 1:
        return phrase
    singular = {"have": "has", "are": "is", "lie": "lies"}
    first, _, rest = phrase.partition(" ")
    return f"{singular.get(first, first)} {rest}".rstrip()
