"""The same figures by part of the world: continents and countries, with the constant guess beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.evaluation.ground_truth import Texts
from graticule.evaluation.intervals import Distribution, Interval, Ratio, resample
from graticule.evaluation.protocols import Array, Protocol

LIMITS_KM: Final = (750, 2500)
"""Country and continent: the thresholds that a part of the world has enough photos for."""

UNKNOWN: Final = "none"
"""Stands for places of no country: the open sea."""


def by_part(
    truth: Texts,
    answered: Texts,
    errors_km: Array,
    constants_km: dict[str, Array],
    *,
    protocol: Protocol,
    name_of: Callable[[str], str | None],
) -> list[dict[str, Any]]:
    """One row per part of the world, the one with the most photos first; the rows' ``n`` add up to N.

    Convention:
        - ``truth``, ``answered``: code of the true and of the answered part (country or continent) of each
          photo, or None, shape (N,)
        - ``errors_km``: shape (N,), infinite without an answer; ``constants_km``: errors of the best
          constant guess for each threshold
        - ``recall``: share of the part's photos answered with the part; ``precision``: share of the
          photos answered with the part that lie in it, NaN where none was

    Example:
        >>> codes = np.array(["FR", "FR", "PE"], dtype=object)
        >>> guesses = np.array(["FR", None, "FR"], dtype=object)
        >>> far = {"750": np.full(3, np.inf), "2500": np.full(3, np.inf)}
        >>> errors = np.array([10.0, np.inf, 9000.0])
        >>> rows = by_part(codes, guesses, errors, far, protocol=Protocol("graticule"), name_of=str)
        >>> [(row["code"], row["n"], row["recall"], row["precision"]) for row in rows]
        [('FR', 2, 0.5, 0.5), ('PE', 1, 0.0, nan)]
    """
    table = pl.DataFrame(
        {
            "code": pl.Series(truth.tolist(), dtype=pl.String).fill_null(UNKNOWN),
            "answer": pl.Series(answered.tolist(), dtype=pl.String),
            "error_km": errors_km,
            **{f"within_{limit}": protocol.is_within(errors_km, limit) for limit in LIMITS_KM},
            **{
                f"constant_{limit}": protocol.is_within(constants_km[f"{limit}"], limit)
                for limit in LIMITS_KM
            },
        }
    )
    said = dict(table["answer"].drop_nulls().value_counts().iter_rows())
    grouped = table.group_by("code").agg(
        pl.len().alias("n"),
        pl.col("error_km").is_finite().sum().alias("n_answered"),
        pl.col("error_km").median().alias("median_km"),
        (pl.col("answer") == pl.col("code")).fill_null(False).sum().alias("right"),
        *(pl.col(f"{kind}_{limit}").mean() for limit in LIMITS_KM for kind in ("within", "constant")),
    )
    ordered = grouped.sort("n", "code", descending=[True, False]).to_dicts()
    return [_row(part, said.get(part["code"], 0), _name(part["code"], name_of)) for part in ordered]


def _name(code: str, name_of: Callable[[str], str | None]) -> str:
    return "open sea" if code == UNKNOWN else name_of(code) or code


def _row(part: dict[str, Any], said: int, name: str) -> dict[str, Any]:
    recall = part["right"] / part["n"]
    precision = part["right"] / said if said else float("nan")
    return {
        "code": part["code"],
        "name": name,
        "n": part["n"],
        "n_answered": part["n_answered"],
        "median_km": part["median_km"],
        "within_km": {f"{limit}": part[f"within_{limit}"] for limit in LIMITS_KM},
        "constant_within_km": {f"{limit}": part[f"constant_{limit}"] for limit in LIMITS_KM},
        "recall": recall,
        "precision": precision,
        # as the harmonic mean, in the form that needs no special case when nothing was answered
        "f1": 2 * part["right"] / (part["n"] + said),
    }


def part_intervals(
    codes: Texts,
    errors_km: Array,
    protocol: Protocol,
    *,
    groups: NDArray[np.int64] | None,
    resamples: int,
    level: float,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Bootstrap intervals of each part's median and shares within the thresholds, by its code."""
    found: dict[str, dict[str, Any]] = {}
    names = np.array([UNKNOWN if code is None else code for code in codes], dtype=object)
    for code in sorted(set(names)):
        mine = names == code
        own_groups = None if groups is None else np.unique(groups[mine], return_inverse=True)[1]
        drawn = resample(
            {f"{limit}": Ratio(protocol.is_within(errors_km[mine], limit)) for limit in LIMITS_KM},
            {"median_km": Distribution(errors_km[mine])},
            groups=own_groups,
            resamples=resamples,
            seed=seed,
        )
        shares: dict[str, Interval] = {f"{k}": drawn.interval(f"{k}", level=level) for k in LIMITS_KM}
        found[code] = {"median_km": drawn.interval("median_km", level=level), "within_km": shares}
    return found
