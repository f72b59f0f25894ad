"""The same figures by part of the world: continents and countries, with the constant guess beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graticule.evaluation.classification import RATES, own_groups, rate_ratios
from graticule.evaluation.intervals import Distribution, Ratio, Sampling, resample
from graticule.evaluation.labels import NO_LABEL, Booleans, Labels
from graticule.evaluation.metrics import median_km
from graticule.evaluation.protocols import Array, Protocol

LIMITS_KM: Final = (750, 2500)
"""Country and continent: the thresholds that a part of the world has enough photos for."""

UNKNOWN: Final = "none"
"""Stands for places of no country: the open sea."""


def by_part(
    truth: Labels,
    answered: Labels,
    errors_km: Array,
    constant_within: Mapping[str, Booleans],
    *,
    protocol: Protocol,
    name_of: Callable[[str], str | None],
    sampling: Sampling | None = None,
) -> list[dict[str, Any]]:
    """One row per part of the world, the one with the most photos first; the rows' ``n`` add up to N.

    Convention:
        - ``truth``, ``answered``: the true and the answered part (country or continent) of each photo
        - ``errors_km``: shape (N,), infinite without an answer
        - ``constant_within``: whether the best constant guess for a threshold is within it, shape (N,)
        - ``recall``: share of the part's photos answered with the part; ``precision``: share of the
          photos answered with the part that lie in it, NaN where none was
        - ``sampling``: how to make ``intervals``, None for none; photos of the part are drawn, for precision
          and F1 also those answered with it

    Example:
        >>> codes, guesses = Labels.of(["FR", "FR", "PE"]), Labels.of(["FR", None, "FR"])
        >>> far = {"750": np.zeros(3, bool), "2500": np.zeros(3, bool)}
        >>> errors = np.array([10.0, np.inf, 9000.0])
        >>> rows = by_part(codes, guesses, errors, far, protocol=Protocol("graticule"), name_of=str)
        >>> [(row["code"], row["n"], row["recall"], row["precision"]) for row in rows]
        [('FR', 2, 0.5, 0.5), ('PE', 1, 0.0, nan)]
    """
    said = answered.among(truth.names)
    counts = np.bincount(np.maximum(said, 0), weights=said != NO_LABEL, minlength=len(truth.names) + 1)
    rows = []
    for part, mine in _photos_of(truth):
        code = UNKNOWN if part == NO_LABEL else truth.names[part]
        errors = errors_km[mine]
        row = {
            "code": code,
            "name": "open sea" if part == NO_LABEL else name_of(code) or code,
            "n": len(mine),
            "n_answered": int(np.count_nonzero(np.isfinite(errors))),
            "median_km": median_km(errors),
            "within_km": {f"{limit}": _share(protocol.is_within(errors, limit)) for limit in LIMITS_KM},
            "constant_within_km": {
                f"{limit}": _share(constant_within[f"{limit}"][mine]) for limit in LIMITS_KM
            },
        }
        right = 0 if part == NO_LABEL else int(np.count_nonzero(said[mine] == part))
        row |= _rates(right, len(mine), 0 if part == NO_LABEL else int(counts[part]))
        if sampling is not None:
            row["intervals"] = _intervals(part, mine, truth.index, said, errors_km, protocol, sampling)
        rows.append(row)
    return sorted(rows, key=lambda row: (-row["n"], row["code"]))


def _photos_of(truth: Labels) -> list[tuple[int, NDArray[np.intp]]]:
    """Index of each part that has photos, -1 for none, and their rows."""
    small = truth.index.astype(np.int16) if len(truth.names) < 2**15 else truth.index
    order = np.argsort(small, kind="stable")  # by digits, for so few classes: no comparison
    parts, starts = np.unique(small[order], return_index=True)
    return list(zip(parts.tolist(), np.split(order, starts[1:]), strict=True))


def _share(flags: Booleans) -> float:
    return float(np.count_nonzero(flags) / len(flags))


def _rates(right: int, n: int, said: int) -> dict[str, float]:
    return {
        "recall": right / n,
        "precision": right / said if said else float("nan"),
        # as the harmonic mean, in the form that needs no special case when nothing was answered
        "f1": 2 * right / (n + said),
    }


def _intervals(
    part: int,
    mine: NDArray[np.intp],
    truth: NDArray[np.int32],
    said: NDArray[np.int32],
    errors_km: Array,
    protocol: Protocol,
    sampling: Sampling,
) -> dict[str, Any]:
    """Bootstrap intervals of the figures of one part: its photos are drawn, and those answered with it."""
    either = mine if part == NO_LABEL else np.union1d(mine, np.flatnonzero(said == part))
    is_mine = truth[either] == part
    errors, level = errors_km[either], sampling.level
    ratios = {f"{limit}": Ratio(protocol.is_within(errors, limit), is_mine) for limit in LIMITS_KM}
    drawn = resample(
        ratios | ({} if part == NO_LABEL else rate_ratios(is_mine, said[either] == part)),
        {"median_km": Distribution(errors, counted=is_mine)},
        groups=own_groups(sampling.groups, either),
        resamples=sampling.resamples,
        seed=sampling.seed,
    )
    return {
        "median_km": drawn.interval("median_km", level=level),
        "within_km": {f"{limit}": drawn.interval(f"{limit}", level=level) for limit in LIMITS_KM},
        **{name: drawn.interval(name, level=level) if name in drawn.names else None for name in RATES},
    }
