"""What is known about each country, as numbers to group countries by."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.config import nearest
from graticule.errors import MissingFileError, TableError, UsageError
from graticule.geo.countries import country_code

Array = NDArray[np.float64]

CLIMATE_FILE: Final = Path(__file__).parents[2] / "geo" / "climate.csv"
"""Temperatures of January and July in the capitals; its first lines say how they were obtained."""

SETS: Final = {
    "climate": ("january_c", "july_c"),
    "climate-geography": ("january_c", "july_c", "absolute_latitude", "longitude"),
}
"""S0's two sets of features, by name."""

GROUPS: Final = 15
"""S0's number of groups."""

COUNTRY_COLUMNS: Final = ("country", "code", "country_code", "iso_a2", "iso2", "iso3", "name")
"""Columns of a table that may say which country a row is about."""


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """Numbers of some countries.

    Convention:
        - ``codes``: (C,) ISO 3166-1 alpha-2, different from each other; ``names``: (F,) of the numbers
        - ``values``: (C, F), finite; ``remarks``: rows of a table that were left out
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    values: Array
    remarks: tuple[str, ...] = ()

    def standardised(self) -> Array:
        """Each feature with mean 0 and variance 1, so that none decides by its unit; (C, F)."""
        spread = self.values.std(axis=0)
        scaled: Array = (self.values - self.values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        return scaled

    def at(self, codes: NDArray[np.object_]) -> Features:
        """Those of some countries, in the order of ``self``; countries without features are left out."""
        wanted = set(codes.tolist())
        rows = [row for row, code in enumerate(self.codes) if code in wanted]
        kept = tuple(self.codes[row] for row in rows)
        return Features(kept, self.names, self.values[rows], self.remarks)


def read_features(source: str) -> Features:
    """The features of that name, or of a table.

    Convention:
        - ``source``: a key of ``SETS``, or the path of a CSV with a column of countries (codes or English
          names) and columns of numbers, all of which are used

    Raises:
        MissingFileError: there is neither such a set nor such a file.
        TableError: the table has no column of countries or of numbers, or a country twice.

    Example:
        >>> features = read_features("climate-geography")
        >>> features.values[features.codes.index("AU")].tolist()
        [21.5, 6.0, 35.3, 149.1]
    """
    if source in SETS:
        return _bundled(SETS[source])
    path = Path(source)
    if not path.is_file():
        close = nearest(source, SETS)
        advice = f"Did you mean:  `features={close}`" if close else "Give a CSV, or one of the names."
        raise MissingFileError(
            f"There is no set of features and no file '{source}' (sets: {', '.join(SETS)}).\n{advice}"
        )
    try:
        table = pl.read_csv(path, comment_prefix="#", infer_schema_length=None)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise TableError(f"Table '{path}' is no CSV that can be read: {error}.\nExport it again.") from error
    return _from_table(table, path)


def _bundled(names: tuple[str, ...]) -> Features:
    table = pl.read_csv(CLIMATE_FILE, comment_prefix="#").with_columns(
        absolute_latitude=pl.col("latitude").abs()
    )
    return Features(tuple(table["code"]), names, table.select(names).to_numpy().astype(np.float64))


def _from_table(table: pl.DataFrame, path: Path) -> Features:
    lower = {name.strip().lower(): name for name in table.columns}
    column = next((lower[name] for name in COUNTRY_COLUMNS if name in lower), None)
    if column is None:
        raise TableError(
            f"Table '{path}' has no column of countries (found: {', '.join(table.columns)}).\n"
            "Call the column with codes or names of countries 'country'."
        )
    numbers = [name for name in table.columns if name != column and table[name].dtype.is_numeric()]
    if not numbers:
        raise TableError(f"Table '{path}' has no column of numbers to group countries by.\nAdd one.")
    codes = [country_code(str(value)) for value in table[column]]
    values = table.select(pl.col(numbers).cast(pl.Float64)).to_numpy()
    good = np.isfinite(values).all(axis=1) & np.array([code is not None for code in codes])
    kept = [str(code) for code, is_good in zip(codes, good, strict=True) if is_good]
    twice = sorted({code for code in kept if kept.count(code) > 1})
    if twice:
        raise TableError(f"Table '{path}' has more than one row for {', '.join(twice)}.\nKeep one of each.")
    if not kept:
        raise TableError(
            f"Table '{path}' has no row with a known country and all numbers.\nCheck '{column}'."
        )
    remarks = []
    if not good.all():
        left = [str(value) for value, is_good in zip(table[column], good, strict=True) if not is_good]
        remarks.append(
            f"Rows of '{path}' without a known country or a number, left out: {', '.join(left[:8])}"
            + (f" and {len(left) - 8} more." if len(left) > 8 else ".")
        )
    return Features(tuple(kept), tuple(numbers), values[good], tuple(remarks))


def check_groups(groups: int, things: int, what: str) -> None:
    """Refuse a number of groups that cannot be made.

    Raises:
        UsageError: fewer than 1, or more groups than things.
    """
    if not 1 <= groups <= things:
        raise UsageError(
            f"{groups} groups cannot be made of {things} {what}, expected 1 to {things}.\n"
            f"Type:  `groups={max(1, min(15, things))}`"
        )
