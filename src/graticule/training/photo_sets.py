"""Which photos a run learns from and is judged by: a photo table filtered, split and counted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.errors import RecipeError, TrainingError
from graticule.photos.table import photo_paths, read_photo_table
from graticule.training.by_country import BY_COUNTRY, PLACED, at_country_points, by_country_in_words
from graticule.training.recipe import PhotosSection

_VAL: Final[str] = PhotosSection.model_fields["val"].default


@dataclass(frozen=True, eq=False)
class PhotoSet:
    """N photos with their places.

    Convention:
        - ``table``: rows of a photo table; ``table_path``: what their paths are relative to
    """

    table: pl.DataFrame
    table_path: Path

    def __len__(self) -> int:
        return self.table.height

    def __getitem__(self, rows: NDArray[np.bool_]) -> PhotoSet:
        return PhotoSet(self.table.filter(pl.Series(rows)), self.table_path)

    def joined(self, others: PhotoSet) -> PhotoSet:
        """These photos and then the others, of the same table."""
        return PhotoSet(pl.concat([self.table, others.table]), self.table_path)

    @cached_property
    def ids(self) -> list[str]:
        """N names."""
        return self.table["photo_id"].to_list()

    @cached_property
    def paths(self) -> list[Path]:
        """N files."""
        return photo_paths(self.table, self.table_path)

    @cached_property
    def latlon(self) -> NDArray[np.float64]:
        """(N, 2) degrees."""
        return self.table.select("latitude", "longitude").to_numpy().astype(np.float64)


@dataclass(frozen=True)
class PhotoSets:
    """The photos of a run.

    Convention:
        - ``dropped``: rows of the table that none of the sets holds, by reason
        - ``by_country``: of the photos of all sets, those that stand at the point of their country
        - ``val_held_out``: the validation photos were taken out of those to learn from
    """

    train: PhotoSet
    val: PhotoSet
    test: PhotoSet
    rows: int
    dropped: dict[str, int] = field(default_factory=dict)
    by_country: int = 0
    val_held_out: bool = False

    def in_words(self) -> str:
        """What says how many photos go where."""
        lost = ", ".join(f"{count:,} {reason}" for reason, count in self.dropped.items() if count)
        return (
            f"Photos: {self.rows:,} in the table; {len(self.train):,} to learn from, "
            f"{len(self.val):,} to validate, {len(self.test):,} to test"
            + (f"; left out: {lost}." if lost else ".")
            + (" Those to validate are held out of those to learn from." if self.val_held_out else "")
            + (f" {by_country_in_words(self.by_country)}" if self.by_country else "")
        )


def read_photo_sets(section: PhotosSection, *, placed_only: bool = True) -> PhotoSets:
    """Read the table of a recipe and split it.

    Convention:
        - ``placed_only``: leave out photos without a place; else their places are NaN

    Raises:
        RecipeError: no table is named, or ``where`` is no condition on its columns.
        MissingFileError, TableError: the table cannot be read.
        TrainingError: no photo with a place is left to learn from, or none to validate with.
    """
    if section.table is None:
        raise RecipeError(
            "photos.table: no photo table is named.\n"
            "Make one:  graticule ingest PHOTOS -o FOLDER   and name it:  --set photos.table=FOLDER"
        )
    table = read_photo_table(section.table)
    chosen = _where(table, section.where)
    located = at_country_points(chosen) if section.country_points else chosen
    placed = located.filter(PLACED) if placed_only else located
    if placed.is_empty() and placed_only:
        raise _nowhere(chosen, section)
    split, val_held_out = _split(placed, section)
    known = split.is_in([section.train, section.val, section.test])

    def part(name: str) -> PhotoSet:
        return PhotoSet(placed.filter((split == name).fill_null(False)), section.table)  # type: ignore[arg-type]

    whole = part(section.train)
    train = whole if section.half is None else whole[in_half(whole.table, section.half)]
    result = PhotoSets(
        train=train,
        val=part(section.val),
        test=part(section.test),
        rows=table.height,
        dropped={
            "not where the recipe says": table.height - chosen.height,
            "without a place": chosen.height - placed.height,
            "in no split of the recipe": int((~known.fill_null(False)).sum()),
            **({"in the other half": len(whole) - len(train)} if section.half is not None else {}),
        },
        by_country=sum(
            int(photos.table[BY_COUNTRY].sum())
            for photos in (train, part(section.val), part(section.test))
            if section.country_points
        ),
        val_held_out=val_held_out,
    )
    _check(result, section, split, " with a place" if placed_only else "")
    return result


def _where(table: pl.DataFrame, where: str | None) -> pl.DataFrame:
    if where is None:
        return table
    try:
        return table.filter(pl.sql_expr(where))
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise RecipeError(
            f"photos.where: '{where}' is not a condition on the photo table: {str(error).splitlines()[0]}.\n"
            f"Its columns: {', '.join(f'{name} ({kind})' for name, kind in table.schema.items())}."
        ) from error


def _nowhere(chosen: pl.DataFrame, section: PhotosSection) -> TrainingError:
    condition = f" of those where {section.where}" if section.where else ""
    codes = chosen["country"].drop_nulls()
    if section.country_points and len(codes):
        named = ", ".join(f"'{code}'" for code in codes.unique().sort().head(3))
        advice = (
            f"photos.country_points: none of their countries has a town to stand at ({named}).\n"
            "Name countries by ISO 3166-1 alpha-2, such as JP, in the table's column 'country'."
        )
    elif len(codes):
        advice = (
            f"{len(codes):,} of them have a country; to learn countries:  --set photos.country_points=true "
            "--set partition.method=admin"
        )
    else:
        advice = (
            "Ingest photos with GPS in their EXIF data, or a table with latitude and longitude:  "
            "graticule ingest --help"
        )
    return TrainingError(
        f"No photo{condition} in '{section.table}' has a place ({chosen.height:,} rows), and cells need "
        f"places.\n{advice}"
    )


def _split(table: pl.DataFrame, section: PhotosSection) -> tuple[pl.Series, bool]:
    """The split of each photo, and whether validation photos had to be taken from those to learn from."""
    stated = table["split"]
    nothing_said = stated.is_null().all()
    others = set(stated.drop_nulls()) - {section.train, section.test}
    if not nothing_said and (others or section.val != _VAL):  # another word may be meant: it is not guessed
        return stated, False
    if nothing_said:
        stated = pl.repeat(section.train, table.height, eager=True, dtype=pl.String)
    # Whole groups are held out, chosen by a hash so that the choice never changes.
    chosen = [share < section.holdout for share in _shares(table)]
    held_out = pl.Series(chosen, dtype=pl.Boolean) & (stated == section.train).fill_null(False)
    words = pl.DataFrame({"stated": stated, "held_out": held_out})
    split = words.select(pl.when("held_out").then(pl.lit(section.val)).otherwise("stated"))
    return split.to_series(), not nothing_said


def in_half(table: pl.DataFrame, half: str) -> NDArray[np.bool_]:
    """Which photos are of the ``first`` or ``last`` half of the groups; a photo without one is its own.

    Convention:
        - ``table``: ``photo_id`` and ``group``; the result: (N,)

    Example:
        >>> table = pl.DataFrame({"photo_id": ["a", "b", "c"], "group": ["x", "x", None]})
        >>> first, last = in_half(table, "first"), in_half(table, "last")
        >>> bool(first[0] == first[1]), (first != last).tolist()
        (True, [True, True, True])
    """
    # another hash than that of the photos held out: else the first half would be smaller by them
    first = np.array([share < 0.5 for share in _shares(table, salt="half")], dtype=np.bool_)
    return first if half == "first" else ~first


def _shares(table: pl.DataFrame, *, salt: str = "") -> list[float]:
    """A number in [0, 1) for each photo, the same for all of a group."""
    groups = table["group"].fill_null(table["photo_id"])
    return [int(hashlib.sha256((salt + name).encode()).hexdigest()[:8], 16) / 2**32 for name in groups]


def _check(sets: PhotoSets, section: PhotosSection, split: pl.Series, kind: str) -> None:
    for name, photos, least in ((section.train, sets.train, 2), (section.val, sets.val, 1)):
        if len(photos) < least:
            found = ", ".join(f"{value!r} ({count})" for value, count in split.value_counts().iter_rows())
            raise TrainingError(
                f"The split '{name}' of '{section.table}' has {len(photos)} photos{kind}, "
                f"expected at least {least} (found: {found or 'none'}).\n"
                "Name the splits with photos.train and photos.val, or give the table a column 'split'."
            )
