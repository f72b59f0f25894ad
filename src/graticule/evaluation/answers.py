"""What a predictions table says about N photos, as arrays; anybody's table of positions will do.

Only ``photo_id``, ``latitude`` and ``longitude`` are needed. Whatever else a table lacks (candidates,
countries, regions) is null, and so are the figures that need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.errors import PredictionsError
from graticule.evaluation.ground_truth import GroundTruth, latlon_in
from graticule.evaluation.labels import Labels, Texts
from graticule.evaluation.matching import shown, without_copies
from graticule.evaluation.metrics import NO_CELL
from graticule.evaluation.protocols import Array
from graticule.evaluation.truth import read_places
from graticule.geo.outlines import country_of
from graticule.photos.coordinates import REASONS
from graticule.photos.tabular import is_table, read_rows
from graticule.predictions import SCHEMA, Predictions

if TYPE_CHECKING:
    from graticule.partitions import Partition

MOST_CANDIDATES: Final = 10
"""Top-10 is the last figure that looks at candidates."""

BY_POLYGON: Final = "by the polygon that holds the predicted place"
"""How the answered country is known where the predictions state none."""

ROUNDING: Final = 1e-3
"""Shares of cells that were rounded to single precision may be more than 1 by this, together."""


def read_answers(path: str | Path) -> pl.DataFrame:
    """Predictions from a file of graticule's, or from anybody's table of photo ids and positions.

    Raises:
        MissingFileError: there is no such file.
        PredictionsError: a predictions file is damaged.
        PredictionsError: also where no position of a stranger's table is one.
        TableError: a stranger's table has no ids or positions, or latitude and longitude are swapped.
    """
    path = Path(path)
    try:
        return Predictions.read(path).to_polars()
    except PredictionsError:
        if not is_table(path) or set(SCHEMA) <= set(read_rows(path).columns):
            raise
    table = read_places(path, f"Predictions '{path}'", has_options=False)
    table = table.rename({"reason": "error"}).drop("country", "group")
    if table["latitude"].null_count() == table.height and table["error"].null_count() < table.height:
        why = table["error"].drop_nulls().value_counts(sort=True).row(0)[0]
        raise PredictionsError(
            f"None of the {table.height} positions in '{path}' can be used ({REASONS[why]}).\n"
            "Write latitudes in [-90, 90] and longitudes in degrees as plain numbers with a point, such as "
            "48.8566."
        )
    return table


def complete(predictions: Predictions | pl.DataFrame) -> pl.DataFrame:
    """The table with every column of a predictions file, null where it was missing; checked.

    Convention:
        - a position that is NaN or infinite, or beside an ``error``, becomes null: no answer

    Raises:
        PredictionsError: a column that is needed is missing; a photo is answered twice, differently; a
            latitude lies outside [-90, 90]; probabilities are none, or are more than 1 together; there is
            no row.
    """
    table = predictions if isinstance(predictions, pl.DataFrame) else predictions.to_polars()
    for name in ("photo_id", "latitude", "longitude"):
        if name not in table.columns:
            raise PredictionsError(
                f"The predictions have no column '{name}' (found: {', '.join(table.columns) or 'none'}).\n"
                "They need photo_id, latitude and longitude in degrees; rename the columns."
            )
    if table.is_empty():
        raise PredictionsError(
            "The predictions hold no photo, so there is nothing to evaluate.\n"
            "Make some:  graticule predict PHOTOS -o predictions.parquet"
        )
    filled = table.with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in SCHEMA.items() if name not in table.columns
    )
    position = pl.col("latitude", "longitude").cast(pl.Float64)
    good = pl.col("latitude").is_finite() & pl.col("longitude").is_finite() & pl.col("error").is_null()
    filled = filled.with_columns(pl.col("photo_id").cast(pl.String), pl.when(good).then(position))
    _check_range(filled)
    _check_shares(filled)
    return _without_copies(filled.select(*SCHEMA))


def _check_range(table: pl.DataFrame) -> None:
    beyond = table.filter(pl.col("latitude").abs() > 90)
    if beyond.is_empty():
        return
    first = beyond.row(0, named=True)
    advice = "Correct the table that was given as predictions."
    if table.filter(pl.col("longitude").abs() > 90).is_empty():
        advice = "Latitude and longitude look swapped; rename the columns."
    raise PredictionsError(
        f"{beyond.height} predicted latitudes lie outside [-90, 90], first that of '{first['photo_id']}': "
        f"({first['latitude']}, {first['longitude']}).\n{advice}"
    )


def _check_shares(table: pl.DataFrame) -> None:
    """Confidence and the candidates' probabilities are shares; the listed candidates hold 1 at most."""
    if table["confidence"].null_count() == table["candidates"].null_count() == table.height:
        return
    shares = pl.col("candidates").list.eval(pl.element().struct.field("probability"))
    stated = table.select(
        "photo_id",
        "confidence",
        shares.list.min().alias("least"),
        shares.list.sum().alias("total"),
    )
    tells = ("confidence", "least", "total")
    wrong = pl.any_horizontal(
        *(~pl.col(name).is_between(-ROUNDING, 1 + ROUNDING).fill_null(True) for name in tells)
    )
    bad = stated.filter(wrong)
    if bad.is_empty():
        return
    first = bad.row(0, named=True)
    what = (
        f"a confidence of {first['confidence']:g}"
        if first["confidence"] is not None and not -ROUNDING <= first["confidence"] <= 1 + ROUNDING
        else f"candidates whose probabilities sum to {first['total']:g}, the least being {first['least']:g}"
    )
    raise PredictionsError(
        f"{bad.height} photos state probabilities that are none, first '{first['photo_id']}': {what}.\n"
        "Probabilities are shares in [0, 1], and those of all cells sum to 1: scores need a softmax first, "
        "percentages a division by 100."
    )


def _without_copies(table: pl.DataFrame) -> pl.DataFrame:
    once, twice = without_copies(table)
    if twice:
        answered = "1 photo is" if len(twice) == 1 else f"{len(twice):,} photos are"
        raise PredictionsError(
            f"{answered} answered more than once, differently: {shown(twice)}.\n"
            "Keep one answer per photo; a photo without an answer is one row as well."
        )
    return once


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers for N photos, column by column.

    Convention:
        - ``latlon``: (latitude, longitude) in degrees, shape (N, 2), NaN without an answer
        - ``confidence``: shares in [0, 1], NaN where not stated
        - ``ranked_cells``: (N, 10) cell indices, best first, -1 where there is none, or (N, 0) where no
          photo has candidates; ``listed``: how many candidates the longest list holds
        - ``country``: ISO alpha-2, without a class where unknown; ``country_rule``: how it is known
        - ``is_in_region``: whether the stated region holds the true cell; None where no regions are stated
    """

    latlon: Array
    answered: NDArray[np.bool_]
    confidence: Array
    ranked_cells: NDArray[np.int64]
    listed: int
    country: Labels
    country_rule: str
    is_in_region: NDArray[np.bool_] | None

    @property
    def countries(self) -> Texts:
        """Code of each answer's country, shape (N,), None for none."""
        return self.country.texts()

    @classmethod
    def of(cls, frame: pl.DataFrame, truth: GroundTruth) -> Answers:
        """The answers in a completed table whose rows are those of ``truth``.

        Raises:
            PredictionsError: the candidates are of another partition than ``truth.partition``.
        """
        latlon = latlon_in(frame, "latitude", "longitude")
        answered = ~(np.isnan(latlon[:, 0]) | np.isnan(latlon[:, 1]))
        if truth.partition is not None:
            _check_cells(frame, truth.partition)
        country, rule = _countries(frame, latlon, answered)
        listed = frame["candidates"].list.len().max()
        return cls(
            latlon=latlon,
            answered=answered,
            confidence=frame["confidence"].fill_null(float("nan")).to_numpy(),
            ranked_cells=_ranked_cells(frame, answered),
            listed=int(listed) if isinstance(listed, int) else 0,
            country=country,
            country_rule=rule,
            is_in_region=_regions(frame, truth, answered),
        )


def _ranked_cells(frame: pl.DataFrame, answered: NDArray[np.bool_]) -> NDArray[np.int64]:
    if frame["candidates"].null_count() == frame.height:
        return np.full((frame.height, 0), NO_CELL)
    cells = pl.col("candidates").list.eval(pl.element().struct.field("cell"))
    ranked = frame.select(cells.alias("cells")).select(
        pl.col("cells").list.get(rank, null_on_oob=True).fill_null(NO_CELL).cast(pl.Int64).alias(f"{rank}")
        for rank in range(MOST_CANDIDATES)
    )
    return np.where(answered[:, None], ranked.to_numpy(), NO_CELL)


def _countries(frame: pl.DataFrame, latlon: Array, answered: NDArray[np.bool_]) -> tuple[Labels, str]:
    if frame["country"].null_count() < frame.height:
        return Labels.of(frame["country"]).where(answered), "stated by the predictions"
    countries = np.full(len(latlon), None, dtype=object)
    countries[answered] = country_of(latlon[answered])
    return Labels.of(countries), BY_POLYGON


def _regions(
    frame: pl.DataFrame, truth: GroundTruth, answered: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    if truth.cells is None or frame["region_cells"].null_count() == frame.height:
        return None
    if (frame["region_promise"].drop_nulls() != 0.9).any():  # regions of another promise say nothing of 90 %
        return None
    holds = frame.select(
        pl.col("region_cells")
        .cast(pl.List(pl.Int64))
        .list.contains(pl.Series("cell", truth.cells))
        .fill_null(False)
        .alias("holds")
    )["holds"]
    return np.asarray(holds.to_numpy() & answered & (truth.cells != NO_CELL))


def _check_cells(frame: pl.DataFrame, partition: Partition) -> None:
    best = frame.select("photo_id", pl.col("candidates").list.first().alias("best")).unnest("best")
    best = best.drop_nulls("cell")
    cells = best["cell"].to_numpy()
    inside = (cells >= 0) & (cells < partition.count)
    tokens = np.array(partition.tokens, dtype=object)[np.where(inside, cells, 0)]
    stated = best["token"].to_numpy().astype(object)
    wrong = ~inside | ((stated != tokens) & (stated != None))  # noqa: E711 -- elementwise
    if wrong.any():
        row = int(np.argmax(wrong))
        known = f"has there '{tokens[row]}'" if inside[row] else f"has cells 0 to {partition.count - 1}"
        raise PredictionsError(
            f"The predictions are of another partition: cell {cells[row]} of '{best['photo_id'][row]}' is "
            f"'{stated[row]}', but the given partition {known}.\n"
            "Give the model that predicted (--model), or its partition (--partition)."
        )
