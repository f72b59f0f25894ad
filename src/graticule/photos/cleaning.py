"""What ingest does about photos that are too small, or that have no colours of their own."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Final

import polars as pl

from graticule.photos.colours import GREY_FILL, MONOCHROME, ONE_COLOUR, WRONGLY_COLOURED
from graticule.photos.layouts import Found, Refusal

TOO_SMALL: Final = "too-small"

MIN_SIDE_PX: Final = 16
"""Shorter sides than this are icons and broken previews: nothing can be recognised."""

COLOUR_MODES: Final = {
    "report": "they are kept, and listed in ingest.json",
    "drop": "they are refused",
    "keep": "they are not looked for",
}
"""What may be done with wrongly coloured photos, and what it means."""

_LOOK: Final = "_look"
_SAYS: Final = {
    MONOCHROME: "is black and white or of one tone",
    ONE_COLOUR: "shows but one colour",
    GREY_FILL: "lacks a part, which is filled with grey",
}


def with_looks(found: Found, looks: list[str | None]) -> Found:
    """The photos found, with what ``graticule.photos.colours`` says of each, until ``cleaned``."""
    return replace(found, rows=found.rows.with_columns(pl.Series(_LOOK, looks, dtype=pl.String)))


def cleaned(found: Found, *, min_side_px: int, colours: str) -> tuple[Found, dict[str, Any]]:
    """The photos found without the too small and, where wished, the wrongly coloured; a report of these.

    Convention:
        - ``min_side_px``: of the shorter side; photos whose size is not known stay
        - ``colours``: one of ``COLOUR_MODES``
        - the report: ``mode``, ``counts`` by kind (``monochrome``, ``one-colour``, ``grey-fill``), and
          ``listed``: each one's ``photo_id``, ``path``, ``kind``
    """
    found = _without_small(found, min_side_px)
    if _LOOK not in found.rows.columns:
        return found, {"mode": "keep", "counts": {}, "listed": []}
    wrong = found.rows.filter(pl.col(_LOOK).is_not_null()) if colours != "keep" else found.rows.head(0)
    listed = [
        {"photo_id": row["photo_id"], "path": row["file"], "kind": row[_LOOK]}
        for row in wrong.iter_rows(named=True)
    ]
    counts = dict(Counter(each["kind"] for each in listed).most_common())
    rows = found.rows
    refused = found.refused
    if colours == "drop":
        rows = rows.filter(pl.col(_LOOK).is_null())
        refused = [*refused, *(_colour_refusal(each) for each in listed)]
    report = {"mode": colours, "counts": counts, "listed": listed}
    return replace(found, rows=rows.drop(_LOOK), refused=refused), report


def _without_small(found: Found, min_side_px: int) -> Found:
    if not {"width", "height"} <= set(found.rows.columns):
        return found
    sizes = [pl.col(name).cast(pl.Int64, strict=False) for name in ("width", "height")]
    small = found.rows.select((pl.min_horizontal(sizes) < min_side_px).fill_null(value=False)).to_series()
    if not small.any():
        return found
    refused = [
        Refusal(
            row["photo_id"],
            row["file"],
            TOO_SMALL,
            f"Photo '{row['file']}' has {row['width']}x{row['height']} pixels; {min_side_px} were expected "
            "on its shorter side at least. Take it with a smaller --min-side.",
        )
        for row in found.rows.filter(small).iter_rows(named=True)
    ]
    return replace(found, rows=found.rows.filter(~small), refused=[*found.refused, *refused])


def _colour_refusal(photo: dict[str, Any]) -> Refusal:
    what = _SAYS[photo["kind"]]
    message = f"Photo '{photo['path']}' {what}; colours were expected. Take it with --wrong-colours report."
    return Refusal(photo["photo_id"], photo["path"], WRONGLY_COLOURED, message)
