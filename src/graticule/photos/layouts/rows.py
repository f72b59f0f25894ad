"""From the rows of a table to photos: what every layout that has a table does with it."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.errors import PhotoError, TableError
from graticule.photos.columns import Columns
from graticule.photos.coordinates import read_numbers, read_points, refusals, swapped_evidence
from graticule.photos.fields import as_text, country_codes
from graticule.photos.files import FileIndex
from graticule.photos.layouts.base import Found, Refusal, Words
from graticule.photos.layouts.scene import with_scene
from graticule.photos.tabular import with_types

_SAYS: Final = {
    "not-a-number": "says '{latitude}', '{longitude}' for its position, which are not two numbers",
    "half-position": "has a latitude or a longitude, but not both ('{latitude}', '{longitude}')",
    "nan-position": "has a position that is not a number ('{latitude}', '{longitude}')",
    "out-of-range": "has latitude {latitude}, longitude {longitude}, which is not on Earth",
    "zero-position": "has the position (0, 0), which tables write where none is known",
    "no-position": "has neither a position nor a country",
}

_DEGREES: Final = "Expected are degrees such as 48.137, 11.575: mend the row."
_MENDS: Final = {
    "not-a-number": _DEGREES,
    "half-position": "Fill in the other, or empty both.",
    "nan-position": _DEGREES,
    "out-of-range": "Expected is -90 to 90, then -180 to 180: mend the row.",
    "zero-position": "Fill in the place, or leave the photo out.",
    "no-position": "Fill in its place or its country.",
}

_REPEATED: Final = 20
_REPEATED_SHARE: Final = 0.05

_BLOCK_ROWS: Final = 50_000
"""So many rows are Python objects at a time; all others lie in columns."""


@dataclass(frozen=True)
class Origin:
    """Where rows come from, for finding their photos and for what is said of them.

    Convention:
        - ``file``: the table, or the folder with several, as named in sentences
        - ``line``: what the user would type to read it, without options
        - ``is_text``: its values are text whose types are still to be found out
        - ``as_text``: columns that stay text though they may be made of digits
        - ``nameless``: its columns have no names, so that none can be advised
    """

    file: Path
    index: FileIndex
    words: Words
    line: str
    is_text: bool = True
    as_text: frozenset[str] = frozenset()
    nameless: bool = False


def photos_of(frame: pl.DataFrame, columns: Columns, origin: Origin) -> Found:
    """The rows whose position makes sense and whose photo is there; the others refused, each with its reason.

    Convention:
        - rows without a position are taken when they have a country
        - columns that ``columns`` does not name are kept as the source's own, ``scene`` is added to them

    Raises:
        TableError: latitudes and longitudes are swapped.
    """
    rows = _rows(frame, columns, origin)
    warnings = _check_swapped(rows, columns, origin)
    return _found(rows, columns, origin.index, warnings)


def _rows(frame: pl.DataFrame, columns: Columns, origin: Origin) -> pl.DataFrame:
    """The table in the terms of the photo table, with ``wrong`` and ``said_latitude``, ``said_longitude``."""
    used = columns.used()
    if columns.point is not None:
        places = read_points(frame[columns.point])
        said = [frame[columns.point].cast(pl.String, strict=False)] * 2
    elif not columns.has_place:
        places, said = _nowhere(frame.height)
    else:
        said = [frame[used["latitude"]], frame[used["longitude"]]]
        read = [read_numbers(column, decimal_comma=origin.words.decimal_comma) for column in said]
        places = pl.DataFrame(
            {"latitude": read[0][0], "longitude": read[1][0], "wrong": read[0][1] | read[1][1]}
        )
    own = frame.drop(name for role, name in used.items() if role != "path" or name != used.get("photo_id"))
    own = own.drop(name for name in (columns.path, columns.photo_id) if name in own.columns)
    if origin.is_text:
        own = with_types(own).with_columns(own[name] for name in own.columns if name in origin.as_text)
    own = with_scene(own)
    as_words = ("photo_id", "path", "group", "source", "licence")
    taken = [as_text(frame[used[role]]).alias(role) for role in as_words if role in used]
    taken += [frame[used[role]].alias(role) for role in ("country", "split") if role in used]
    names = ("said_latitude", "said_longitude")
    spoken = [column.cast(pl.String).alias(name) for name, column in zip(names, said, strict=True)]
    return pl.DataFrame([*taken, *places.get_columns(), *spoken]).hstack(_without_clashes(own, taken))


def _nowhere(count: int) -> tuple[pl.DataFrame, list[pl.Series]]:
    """The places of a table that has countries only."""
    none = pl.repeat(None, count, dtype=pl.Float64, eager=True)
    wrong = pl.repeat(value=False, n=count, dtype=pl.Boolean, eager=True)
    return pl.DataFrame({"latitude": none, "longitude": none, "wrong": wrong}), [none, none]


def _without_clashes(own: pl.DataFrame, taken: list[pl.Series]) -> pl.DataFrame:
    """The source's own columns; one whose name now means something else is called ``original_...``."""
    names = {column.name for column in taken} | {"latitude", "longitude", "wrong", "file", "path", "photo_id"}
    return own.rename({name: f"original_{name}" for name in own.columns if name in names})


def _check_swapped(rows: pl.DataFrame, columns: Columns, origin: Origin) -> list[str]:
    """Refuse a table whose latitudes and longitudes are swapped; warn only where the columns were named."""
    if "country" in rows.columns:
        country, _ = country_codes(rows["country"])
    else:
        country = pl.Series([None] * rows.height, dtype=pl.String)
    evidence = swapped_evidence(rows.select("latitude", "longitude", country.alias("country")))
    if evidence is None:
        return []
    if origin.words.latitude and origin.words.longitude:
        return [f"Latitudes and longitudes look swapped ({evidence}), but are read as you named them."]
    if columns.latitude is None or columns.longitude is None:
        return [f"Latitudes and longitudes look swapped in column '{columns.point}': {evidence}."]
    wrong = f"Table '{origin.file}' has latitudes and longitudes swapped, it seems: {evidence}."
    if origin.nameless:
        raise TableError(
            f"{wrong}\nIts columns are not in the published order. Put a line of names such as "
            f"photo_id,latitude,longitude  above it, and say:  {origin.line} --layout table"
        )
    latitude, longitude = shlex.quote(columns.latitude), shlex.quote(columns.longitude)
    raise TableError(
        f"{wrong}\n"
        f"Exchange them:  {origin.line} --latitude {longitude} --longitude {latitude}\n"
        f"If they are right as they stand:  {origin.line} --latitude {latitude} --longitude {longitude}"
    )


def _found(rows: pl.DataFrame, columns: Columns, index: FileIndex, warnings: list[str]) -> Found:
    """Each row with its file, or with the reason why it is refused."""
    nowhere = rows["latitude"].is_null() & rows["longitude"].is_null()
    if "country" in rows.columns:
        nowhere &= rows["country"].is_null()
    reasons = refusals(rows)
    reasons = reasons.set(nowhere & reasons.is_null(), "no-position")
    said = rows.select("photo_id", "path", "said_latitude", "said_longitude", reasons.alias("reason"))
    refused: list[Refusal] = []
    blocks = [
        _files(said.slice(start, _BLOCK_ROWS), start, index, refused)
        for start in range(0, rows.height, _BLOCK_ROWS)
    ]
    files = pl.concat(blocks) if blocks else pl.Series("file", [], dtype=pl.String)
    kept = rows.with_columns(files)
    if refused:  # a filter would copy the table
        kept = kept.drop_nulls("file")
    kept = kept.with_columns(pl.col("photo_id").fill_null(pl.col("path")))
    warnings = [*warnings, *index.problems, *_repeated(kept)]
    unnamed = len(index) - kept["file"].n_unique()
    if unnamed > 0:
        photos = "1 photo belongs" if unnamed == 1 else f"{unnamed:,} photos belong"
        warnings.append(f"{photos} to no row of the table, in '{index.folder}'.")
    kept = kept.drop("path", "wrong", "said_latitude", "said_longitude")
    return Found(kept, refused, warnings, columns=columns.used())


def _files(said: pl.DataFrame, start: int, index: FileIndex, refused: list[Refusal]) -> pl.Series:
    """The file of each of some rows, from row ``start`` on; null where it is refused, which is noted."""
    files: list[str | None] = []
    for number, (photo_id, path, latitude, longitude, reason) in enumerate(said.iter_rows(), start + 1):
        name = photo_id or path or f"row {number}"
        try:
            if reason is not None:
                place = {"latitude": latitude, "longitude": longitude}
                shown = {axis: "" if value is None else value for axis, value in place.items()}
                message = f"Photo '{name}' {_SAYS[reason].format(**shown)}."
                raise PhotoError(message, reason=reason, advice=_MENDS[reason])
            if not path:
                message = f"Row {number} of the table names no photo."
                raise PhotoError(message, reason="missing", advice="Fill in its path or name.")
            files.append(str(index.find(path)))
        except PhotoError as error:
            refused.append(Refusal.of(name, path or "", error))
            files.append(None)
    return pl.Series("file", files, dtype=pl.String)


def _any_run(latlon: NDArray[np.float64], least: int) -> bool:
    """Whether ``least`` places have the same hash, as they do when they are the same place."""
    bits = np.ascontiguousarray(latlon, dtype=np.float64).view(np.uint64)
    keys = np.sort(bits[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ bits[:, 1])
    return bool((keys[least - 1 :] == keys[: len(keys) - least + 1]).any()) if len(keys) >= least else False


def _repeated(rows: pl.DataFrame) -> list[str]:
    """A warning when many photos have exactly the same position: the centre of a town, or a default."""
    placed = rows.select("latitude", "longitude").drop_nulls()
    if placed.is_empty():
        return []
    least = math.ceil(max(_REPEATED, _REPEATED_SHARE * placed.height))
    if not _any_run(placed.to_numpy(), least):  # grouping millions of places takes hundreds of megabytes
        return []
    often = placed.group_by(pl.all()).len().filter(pl.col("len") >= least).sort("len", "latitude")
    if often.is_empty():
        return []
    latitude, longitude, count = often.row(-1)
    return [
        f"{count:,} of {placed.height:,} photos have the one position ({latitude:g}, {longitude:g}): "
        "the centre of a town, or what some program writes for an unknown place?"
    ]
