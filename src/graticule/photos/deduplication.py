"""What ingest does about photos that are there twice: reports them, drops them, or leaves them be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl

from graticule.geo.sphere import great_circle_km
from graticule.photos.duplicates import EXACT, NEAR_BITS, Duplicate, find_duplicates
from graticule.photos.layouts import Found, Refusal

MODES: Final = {
    "report": "they are kept, and listed in ingest.json with what they repeat",
    "drop": "of each picture one photo is kept; the others are refused",
    "keep": "they are not looked for",
}
"""What may be done with duplicates, and what it means."""

FAR_KM: Final = 1.0
"""Duplicates whose places are further apart deserve a look: a place is wrong, or they only look alike."""


def deduplicated(found: Found, mode: str) -> tuple[Found, dict[str, Any]]:
    """The photos found, without duplicates where they are to be dropped; and a report of the duplicates.

    Convention:
        - ``found.rows`` has ``sha256``, ``phash``, ``width`` and ``height``; ``mode`` is one of ``MODES``
        - the report: ``mode``, ``near_bits``, ``counts`` by reason, and ``listed``: for each duplicate its
          ``photo_id``, ``path``, ``reason``, what it repeats (``of``, ``of_path``), ``bits`` that the hashes
          differ in, and ``km`` between the two places or null
    """
    if mode == "keep":
        return found, {"mode": mode, "near_bits": None, "counts": {}, "listed": []}
    rows = found.rows
    duplicates = find_duplicates(rows["sha256"], rows["phash"], rows["width"].cast(pl.Int64) * rows["height"])
    listed = _listed(rows, duplicates)
    report = {
        "mode": mode,
        "near_bits": NEAR_BITS,
        "counts": dict(Counter(duplicate.reason for duplicate in duplicates).most_common()),
        "listed": listed,
    }
    far = [each for each in listed if each["km"] is not None and each["km"] > FAR_KM]
    if far:
        remark = (
            f"{'1 photo lies' if len(far) == 1 else f'{len(far):,} photos lie'} more than {FAR_KM:g} km "
            f"from the photo repeated, as '{far[0]['photo_id']}' and '{far[0]['of']}' "
            f"({far[0]['km']:,.0f} km apart): a place is wrong, or they only look alike."
        )
        found = replace(found, warnings=[*found.warnings, remark])
    if mode == "report" or not duplicates:
        return found, report
    goes = np.zeros(rows.height, dtype=np.bool_)
    goes[[duplicate.row for duplicate in duplicates]] = True
    refused = [*found.refused, *(_refusal(each) for each in listed)]
    return replace(found, rows=rows.filter(~pl.Series(goes)), refused=refused), report


def _listed(rows: pl.DataFrame, duplicates: list[Duplicate]) -> list[dict[str, Any]]:
    one = rows[[duplicate.row for duplicate in duplicates]]
    other = rows[[duplicate.original for duplicate in duplicates]]
    return [
        {
            "photo_id": photo_id,
            "path": path,
            "reason": duplicate.reason,
            "of": of,
            "of_path": of_path,
            "bits": duplicate.bits,
            "km": km,
        }
        for duplicate, photo_id, path, of, of_path, km in zip(
            duplicates,
            one["photo_id"],
            one["file"],
            other["photo_id"],
            other["file"],
            _km(one, other),
            strict=True,
        )
    ]


def _km(one: pl.DataFrame, other: pl.DataFrame) -> list[float | None]:
    """Kilometres between the places of rows, None where one is not known."""
    columns = ("latitude", "longitude")
    places = [frame.select(pl.col(columns).cast(pl.Float64)).to_numpy() for frame in (one, other)]
    known = np.isfinite(places[0]).all(axis=1) & np.isfinite(places[1]).all(axis=1)
    result: list[float | None] = [None] * len(known)
    apart_km = great_circle_km(places[0][known], places[1][known])
    for row, km in zip(np.flatnonzero(known).tolist(), apart_km.tolist(), strict=True):
        result[row] = round(km, 3)
    return result


def _refusal(duplicate: dict[str, Any]) -> Refusal:
    what = "the same file as" if duplicate["reason"] == EXACT else "the same picture as"
    message = f"Photo '{duplicate['path']}' is {what} '{duplicate['of_path']}', which is kept."
    return Refusal(duplicate["photo_id"], duplicate["path"], duplicate["reason"], message)
