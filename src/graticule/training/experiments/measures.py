"""What an experiment measures: numbers out of the files of a run folder. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from graticule.errors import MissingFileError
from graticule.training.run_folder import HISTORY, RunFolder

Measure = Literal[
    "loss",
    "top1",
    "top5",
    "improvement_over_random",
    "mean_km",
    "median_km",
    "within_200_km",
    "within_750_km",
    "within_2500_km",
    "cells",
    "epochs",
    "seconds_per_epoch",
]
"""The names of ``MEASURES``."""

CHECKPOINTS: Final = ("best_loss", "best_accuracy")


@dataclass(frozen=True)
class Kind:
    """How a measure is written, and where it comes from.

    Convention:
        - ``unit``: as a table says it; shares are written in %
        - ``decimals``: behind the point
        - ``of``: from ``metrics.json``; None for what ``history.csv`` and the cells say
    """

    unit: str
    decimals: int
    of: Callable[[dict[str, Any]], Any] | None = None

    def words(self, value: float) -> str:
        """A value as a table writes it.

        Example:
            >>> MEASURES["top1"].words(0.0331), MEASURES["mean_km"].words(5451.12)
            ('3.3', '5,451')
        """
        shown = value * 100 if self.unit == "%" else value
        return f"{shown:,.{0 if abs(shown) >= 1000 else self.decimals}f}"


def _over_uniform(metrics: dict[str, Any]) -> Any:
    """S4's random guess: every cell as often."""
    return metrics["improvement_over_random"]["cell"]["improvement"]["uniform"]


MEASURES: Final[dict[str, Kind]] = {
    "loss": Kind("", 3),
    "top1": Kind("%", 1, lambda metrics: metrics["top_k"]["1"]),
    "top5": Kind("%", 1, lambda metrics: metrics["top_k"]["5"]),
    "improvement_over_random": Kind("", 2, _over_uniform),
    "mean_km": Kind("km", 0, lambda metrics: metrics["mean_km"]),
    "median_km": Kind("km", 0, lambda metrics: metrics["median_km"]),
    "within_200_km": Kind("%", 1, lambda metrics: metrics["within_km"]["200"]),
    "within_750_km": Kind("%", 1, lambda metrics: metrics["within_km"]["750"]),
    "within_2500_km": Kind("%", 1, lambda metrics: metrics["within_km"]["2500"]),
    "cells": Kind("", 0),
    "epochs": Kind("", 1),
    "seconds_per_epoch": Kind("s", 1),
}
"""What can be a column.

``loss`` is that of validation, in the unit of the recipe's loss. All else is of the test photos, or of the
validation photos where the table has no test photos. ``top1`` and ``top5`` are shares of photos whose cell is
the first, or among the first five; ``improvement_over_random`` is ``top1`` times the number of cells
(S4, equation 6.3). ``epochs`` counts those that were trained, ``seconds_per_epoch`` validation included.
"""


def measure_run(run: RunFolder) -> dict[str, Any]:
    """All measures of a run that is over, by checkpoint.

    Convention:
        - ``split``: whose photos were judged, ``test`` or ``val``; ``photos``: how many
        - None where there is no such number: a head of places has no top-1

    Raises:
        MissingFileError: a file of the run is missing.
    """
    try:
        history = pl.read_csv(run.history, schema_overrides=HISTORY)
        cells = len(json.loads(run.counts.read_text(encoding="utf-8"))["train_per_cell"])
        split = "test" if run.evaluation("best_loss", "test").is_dir() else "val"
        found: dict[str, Any] = {"split": split}
        for name in CHECKPOINTS:
            folder = run.evaluation(name, split)
            if not folder.is_dir():  # a head of places has one best state
                continue
            metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
            found["photos"] = metrics["n"]
            found[name] = {
                **{measure: _number(kind, metrics) for measure, kind in MEASURES.items()},
                "loss": _loss(history, name),
                "cells": cells,
                "epochs": _epochs(history),
                "seconds_per_epoch": float(history["seconds"].sum()) / _epochs(history),
            }
    except OSError as error:
        raise MissingFileError(
            f"The run '{run.path}' is not whole: {error.strerror} ({error.filename}).\n"
            f"Go on with it:  graticule train --resume {run.path}"
        ) from error
    return found


def _number(kind: Kind, metrics: dict[str, Any]) -> float | None:
    if kind.of is None:
        return None
    try:
        value = kind.of(metrics)
    except (KeyError, TypeError):  # the head knows no cells
        return None
    return None if value is None else float(value)


def _loss(history: pl.DataFrame, checkpoint: str) -> float:
    """The validation loss of a kept state: of the lowest, or of the first row with the highest top-1."""
    if checkpoint == "best_loss":
        return float(history["val_loss"].min())  # type: ignore[arg-type]
    row = history["val_top1"].arg_max()
    return float(history["val_loss"][row or 0])


def _epochs(history: pl.DataFrame) -> float:
    """Epochs over all phases."""
    return float(history.group_by("phase").agg(pl.col("epoch").max())["epoch"].sum())
