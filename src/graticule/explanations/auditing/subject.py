"""The photos that a model is audited with: decoded once, with what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.config import nearest, usable_cores
from graticule.errors import PhotoError, UsageError
from graticule.explanations.squares import square_of
from graticule.geo.outlines import country_of
from graticule.photos.decode import Photo
from graticule.photos.layouts import Refusal
from graticule.photos.opening import open_photos

if TYPE_CHECKING:
    from graticule.inference import Model

LIMIT: Final = 600
"""So many photos are looked at unless more are asked for."""

ENOUGH: Final = 30
"""So many photos of a country can prove a fall of accuracy; its other photos come after other countries'."""

EVERY: Final = "all"
"""Stands for the photos of all splits."""


@dataclass(frozen=True, eq=False)
class Subject:
    """N photos of known countries.

    Convention:
        - ``squares``: (N, S, S, 3) uint8, what the network sees
        - ``countries``: (N,) ISO 3166-1 alpha-2; ``units``: (N,) 0..U-1, photos of one group have one number
        - ``seen``: (N,) whether photos of the same group, or the same file, are among the training photos;
          None where that is not known, and ``why_not_seen`` says why
        - ``aspect``: width of the photos as a multiple of their height, the median; 1 where it is not known
        - ``failed``: photo ids and why they cannot be used; ``unplaced``: photos without a known place
    """

    photo_ids: list[str]
    squares: NDArray[np.uint8]
    countries: NDArray[np.str_]
    units: NDArray[np.int64]
    grouped: bool
    aspect: float
    split: str | None
    seen: NDArray[np.bool_] | None
    why_not_seen: str
    failed: dict[str, str]
    unplaced: int
    of: int

    def __len__(self) -> int:
        return len(self.photo_ids)


def read_subject(
    model: Model, photos: str | Path, *, split: str | None = None, limit: int = LIMIT, seed: int = 0
) -> Subject:
    """The photos of a table that a model is audited with.

    Convention:
        - ``photos``: a photo table, or a folder or table that ``ingest`` reads, with places
        - ``split``: test, val, train or all; when left out ``test`` where the table has it, else all that are
          not ``train``
        - ``limit``: at most so many, drawn by ``seed``, ``ENOUGH`` of each country first

    Raises:
        UsageError: no photo has a known place, the split does not exist, or no photo can be read.
    """
    refusals: list[Refusal] = []
    table = open_photos(photos, refusals=refusals)
    chosen, part = _of_split(table, split, photos)
    if part.is_empty():
        raise UsageError(
            f"All {table.height:,} photos in '{photos}' are of the split 'train', which a model may know by "
            "heart.\nGive photos that it has not seen, or look at these all the same:  --split train"
        )
    placed = part.filter(pl.col("latitude").is_not_null())
    if placed.is_empty():
        raise UsageError(
            f"None of the {part.height:,} photos in '{photos}' has a known place, so the accuracy that an "
            "audit is about cannot be measured.\n"
            "Give places in a table:  graticule ingest TABLE -o FOLDER     "
            "(for single photos without one:  graticule explain PHOTO)"
        )
    countries = _countries(placed)
    known = placed.with_columns(pl.Series("_country", countries)).filter(pl.col("_country").is_not_null())
    if known.is_empty():
        raise UsageError(
            f"All {placed.height:,} places in '{photos}' lie in the open sea, far from any country.\n"
            "Check whether latitude and longitude are exchanged in the table."
        )
    drawn = _drawn(known, limit, seed)
    paths = [Path(path) for path in drawn["path"]]
    subject = _decoded(model, paths, drawn, table, (chosen, part.height - known.height))
    refused = {each.photo_id: each.message for each in refusals}
    return replace(subject, failed=refused | subject.failed)


def _of_split(table: pl.DataFrame, split: str | None, photos: str | Path) -> tuple[str | None, pl.DataFrame]:
    known = sorted(table["split"].drop_nulls().unique().to_list())
    if split == EVERY:
        return None, table
    if split is None:
        if "test" not in known:
            return None, table.filter(pl.col("split").ne_missing("train"))
        split = "test"
    if split not in known:
        close = nearest(split, known)
        raise UsageError(
            f"'{photos}' has no photo of the split '{split}' (found: {', '.join(known) or 'none'}).\n"
            + (f"Did you mean:  --split {close}" if close else "Leave --split out.")
        )
    return split, table.filter(pl.col("split") == split)


def _countries(table: pl.DataFrame) -> list[str | None]:
    """What the table says, else the country that the place lies in."""
    located = country_of(table.select("latitude", "longitude").to_numpy())
    stated = table["country"].to_list()
    return [said or found for said, found in zip(stated, located, strict=True)]


def _drawn(table: pl.DataFrame, limit: int, seed: int) -> pl.DataFrame:
    """At most ``limit`` photos: ``ENOUGH`` of each country, those of most photos first, then their others.

    A few photos of every country would prove nothing of any. Of each country one photo of every group comes
    first, then another.
    """
    if table.height <= limit:
        return table
    order = np.random.default_rng(seed).permutation(table.height)
    unit = pl.coalesce("group", pl.concat_str(pl.lit("alone "), "photo_id"))
    mixed: pl.DataFrame = table.with_row_index("_row")[order.tolist()].with_columns(
        _of_group=pl.int_range(pl.len()).over("_country", unit),
        _photos=pl.len().over("_country").cast(pl.Int64),
    )
    mixed = mixed.sort("_of_group", maintain_order=True).with_columns(
        _turn=pl.int_range(pl.len()).over("_country") // ENOUGH
    )
    drawn = mixed.sort("_turn", pl.col("_photos").neg(), "_country", maintain_order=True).head(limit)
    return drawn.sort("_row").drop("_row", "_of_group", "_photos", "_turn")


def _decoded(
    model: Model, paths: list[Path], drawn: pl.DataFrame, table: pl.DataFrame, about: tuple[str | None, int]
) -> Subject:
    with ThreadPoolExecutor(usable_cores()) as pool:
        found = list(pool.map(partial(_square, model), paths))
    kept = [row for row, square in enumerate(found) if not isinstance(square, PhotoError)]
    failed = {
        photo_id: str(square)
        for photo_id, square in zip(drawn["photo_id"], found, strict=True)
        if isinstance(square, PhotoError)
    }
    if not kept:
        raise UsageError(
            f"None of the {len(paths):,} photos can be read. The first: {next(iter(failed.values()))}\n"
            "The paths of a photo table start from its own folder."
        )
    rows = drawn[kept]
    seen, why_not = _seen(rows, table, about[0])
    return Subject(
        photo_ids=rows["photo_id"].to_list(),
        squares=np.stack([square for square in found if not isinstance(square, PhotoError)]),
        countries=np.array(rows["_country"].to_list(), dtype=np.str_),
        units=units_of(rows["group"].to_list()),
        grouped=rows["group"].null_count() < rows.height,
        aspect=_aspect(rows),
        split=about[0],
        seen=seen,
        why_not_seen=why_not,
        failed=failed,
        unplaced=about[1],
        of=table.height,
    )


def _square(model: Model, photo: Photo) -> NDArray[np.uint8] | PhotoError:
    try:
        return square_of(model, photo)
    except PhotoError as error:
        return error


def _aspect(rows: pl.DataFrame) -> float:
    found = rows.select((pl.col("width") / pl.col("height")).median()).item()
    return 1.0 if found is None else float(found)


def units_of(groups: Sequence[str | None]) -> NDArray[np.int64]:
    """Numbers 0..U-1 of groups; a photo without a group is one of its own.

    Example:
        >>> units_of(["a", None, "a", None]).tolist()
        [0, 1, 0, 2]
    """
    numbers: dict[object, int] = {}
    keys = [("alone", row) if group is None else group for row, group in enumerate(groups)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _seen(rows: pl.DataFrame, table: pl.DataFrame, split: str | None) -> tuple[NDArray[np.bool_] | None, str]:
    """Which photos have fellows of their group, or themselves, among the training photos."""
    training = table.filter(pl.col("split") == "train")
    if training.is_empty():
        return None, "the table has no training photos (split 'train') to compare with"
    if split == "train":
        return None, "these are the training photos themselves"
    if rows["group"].null_count() == rows.height and rows["sha256"].null_count() == rows.height:
        return None, "the table names neither groups (author, sequence) nor fingerprints of files"
    shared = pl.lit(value=False)
    for column in ("group", "sha256"):
        shared = shared | pl.col(column).is_in(training[column].drop_nulls().unique().to_list())
    return rows.select(shared.fill_null(value=False)).to_series().to_numpy(), ""
