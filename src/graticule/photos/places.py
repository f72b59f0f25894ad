"""The places of any table, without the photos: for cells, priors and baselines.

Takes a photo table as well as a bare list of coordinates, such as a CSV of latitudes and longitudes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.config import nearest
from graticule.errors import TableError, UsageError
from graticule.photos.columns import Columns, check_said, sniff
from graticule.photos.coordinates import read_numbers, read_points, refusals, swapped_evidence
from graticule.photos.table import read_photo_table
from graticule.photos.tabular import read_rows

ALL_SPLITS: Final = "all"
"""Said for a split, it takes every row."""

TRAIN: Final = "train"
"""The split that is taken when none is said and the table has it: cells must not know the test photos."""


@dataclass(frozen=True)
class Places:
    """Where the photos of a table were taken.

    Convention:
        - ``latlon``: (N, 2) in (latitude, longitude) degrees, only rows with a usable place
        - ``photos``: (N,) number of photos at each place, or None when every row is one photo
        - ``rows``: number of rows in the table; ``split``: which part was taken, None for all
        - ``unplaced``: rows of that part without a place; ``refused``: rows with a wrong one, by reason
    """

    latlon: NDArray[np.float64]
    photos: NDArray[np.int64] | None
    rows: int
    split: str | None
    unplaced: int
    refused: dict[str, int] = field(default_factory=dict)


def read_places(
    table: str | Path,
    *,
    latitude: str | None = None,
    longitude: str | None = None,
    weights: str | None = None,
    split: str | None = None,
) -> Places:
    """The places of ``table``.

    Convention:
        - ``table``: a folder with a photo table, or a CSV, TSV, JSON-lines or Parquet file
        - ``latitude``, ``longitude``: names of the columns, found out when left out
        - ``weights``: name of the column with the number of photos at each row's place
        - errors put these names into backticks, as ``graticule.partitions.methods.respelled`` wants them
        - ``split``: rows of that split only; when left out the train rows, if there are any marked so;
          ``"all"`` takes every row

    Raises:
        MissingFileError: there is no such table.
        TableError: it has no column with places, its latitudes and longitudes are swapped, no row has a
            usable place, or a number of photos is none.
        UsageError: a named column or split does not exist.
    """
    path = Path(table)
    frame = read_photo_table(path) if path.is_dir() else read_rows(path)
    check_said(frame, str(path), latitude=latitude, longitude=longitude, weights=weights)
    columns = place_columns(frame, path, latitude, longitude)
    part, taken = _part(frame, columns, path, split)
    positions = positions_of(part, columns)
    check_not_swapped(positions, columns, path)
    places = sorted_out(part, positions, path, weights, taken, frame.height)
    if not len(places.latlon):
        raise no_places(path, part.height, places.unplaced, places.refused)
    return places


def place_columns(frame: pl.DataFrame, path: Path, latitude: str | None, longitude: str | None) -> Columns:
    """Which column holds what.

    Raises:
        TableError: none holds places.
    """
    columns = sniff(frame, latitude=latitude, longitude=longitude)
    if not columns.has_place:
        raise TableError(
            f"Table '{path}' has no columns that look like latitude and longitude "
            f"(found: {', '.join(frame.columns)}).\n"
            "Call two of them so, or name them:  "
            f"`latitude={_guess('latitude', frame)}, longitude={_guess('longitude', frame)}`"
        )
    return columns


def check_not_swapped(positions: pl.DataFrame, columns: Columns, path: Path) -> None:
    """Refuse a table whose latitudes stand in the column of longitudes.

    Raises:
        TableError: they do.
    """
    swapped = swapped_evidence(positions.with_columns(country=pl.lit(None, dtype=pl.String)))
    if swapped:
        raise TableError(
            f"Table '{path}' has latitudes and longitudes exchanged: {swapped}.\n"
            "Exchange the names of the two in the table, or name them:  "
            f"`latitude={columns.longitude}, longitude={columns.latitude}`"
        )


def _part(
    frame: pl.DataFrame, columns: Columns, path: Path, split: str | None
) -> tuple[pl.DataFrame, str | None]:
    """The rows of the split asked for, and its name."""
    if split == ALL_SPLITS:
        return frame, None
    names = None if columns.split is None else frame[columns.split].cast(pl.String)
    known = [] if names is None else names.drop_nulls().unique().sort().to_list()
    if split is None:
        if TRAIN not in known:
            return frame, None
        split = TRAIN
    elif split not in known:
        found = f"it has {', '.join(known)}" if known else "it has no column of splits"
        raise UsageError(
            f"Table '{path}' has no split '{split}': {found}.\nTake every row:  `split={ALL_SPLITS}`"
        )
    return frame.filter(names == split), split


def positions_of(frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
    """Columns ``latitude``, ``longitude`` and ``wrong``."""
    if columns.latitude is None or columns.longitude is None:
        return read_points(frame[columns.point or ""])
    latitude, bad_latitude = read_numbers(frame[columns.latitude])
    longitude, bad_longitude = read_numbers(frame[columns.longitude])
    return pl.DataFrame({"latitude": latitude, "longitude": longitude, "wrong": bad_latitude | bad_longitude})


def sorted_out(
    part: pl.DataFrame, positions: pl.DataFrame, path: Path, weights: str | None, split: str | None, rows: int
) -> Places:
    """The usable places of rows, and why the others are not.

    Convention:
        - ``positions``: columns ``latitude``, ``longitude`` and ``wrong``, a row for each of ``part``
        - ``path``, ``weights``, ``split``: as ``read_places``; ``rows``: of the table before it was parted

    Raises:
        TableError: a number of photos is none.
    """
    reasons = refusals(positions)
    unplaced = positions["latitude"].is_null() & positions["longitude"].is_null() & reasons.is_null()
    good = reasons.is_null() & ~unplaced
    refused = dict(sorted(Counter(reasons.drop_nulls().to_list()).items()))
    return Places(
        latlon=positions.filter(good).select("latitude", "longitude").to_numpy(),
        photos=None if weights is None else _numbers_of_photos(part.filter(good)[weights], path),
        rows=rows,
        split=split,
        unplaced=int(unplaced.sum()),
        refused=refused,
    )


def no_places(path: Path, rows: int, unplaced: int, refused: dict[str, int]) -> TableError:
    """The error for a table without a single usable place."""
    why = [f"{unplaced:,} have none"] if unplaced else []
    why += [f"{count:,} {reason}" for reason, count in refused.items()]
    has = f"no row with a place: of {rows:,} rows {', '.join(why)}" if rows else "no rows"
    return TableError(f"Table '{path}' has {has}.\nGive a table with latitudes and longitudes in degrees.")


def _numbers_of_photos(column: pl.Series, path: Path) -> NDArray[np.int64]:
    values, _ = read_numbers(column)
    wrong = values.is_null() | ~values.is_finite() | (values < 0) | (values != values.round())
    if wrong.any():
        raise TableError(
            f"Table '{path}' has '{column.filter(wrong)[0]}' in column '{column.name}', "
            "expected the number of photos at each place: whole and not negative.\n"
            "Name another column as `weights`, or none to count each row once."
        )
    return values.cast(pl.Int64).to_numpy()


def _guess(role: str, frame: pl.DataFrame) -> str:
    return nearest(role, frame.columns) or "COLUMN"
