"""The folder of a run: complete, and readable without the code."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule._version import __version__
from graticule.config import usable_cores
from graticule.errors import MissingFileError, TrainingError
from graticule.partitions import Partition
from graticule.training.photo_sets import PhotoSets
from graticule.training.recipe import Recipe
from graticule.training.recipe_files import read_recipe, write_recipe

HISTORY: Final = pl.Schema(
    {
        "phase": pl.String,
        "epoch": pl.Int64,
        "learning_rate": pl.Float64,
        "train_loss": pl.Float64,
        "val_loss": pl.Float64,
        "val_top1": pl.Float64,
        "val_median_km": pl.Float64,
        "seconds": pl.Float64,
        "photos_per_s": pl.Float64,
    }
)
"""The columns of ``history.csv``: one row per epoch; losses in nats, ``val_top1`` a share in [0, 1]."""

_PACKAGES: Final = (
    "numpy",
    "polars",
    "pillow",
    "torch",
    "torchvision",
    "timm",
    "lightning",
    "onnx",
    "onnxruntime",
)


@dataclass(frozen=True)
class RunFolder:
    """Paths and small files of a run."""

    path: Path

    @property
    def cells(self) -> Path:
        """The partition."""
        return self.path / "cells.parquet"

    @property
    def history(self) -> Path:
        """One row per epoch."""
        return self.path / "history.csv"

    @property
    def log(self) -> Path:
        """What was said while it ran."""
        return self.path / "log.txt"

    @property
    def predictions(self) -> Path:
        """Predictions on the validation photos."""
        return self.path / "predictions_val.parquet"

    @property
    def counts(self) -> Path:
        """How many photos, of which cell, and how many were left out for which reason."""
        return self.path / "photos.json"

    def checkpoint(self, name: str) -> Path:
        """``last``, ``best_loss`` or ``best_accuracy``, to go on from."""
        return self.path / "checkpoints" / f"{name}.ckpt"

    def weights(self, name: str) -> Path:
        """The network's tensors at that checkpoint, without pickle."""
        return self.path / "checkpoints" / f"{name}.safetensors"

    def begin(self, recipe: Recipe, *, force: bool) -> None:
        """Make the folder and write what is known before training.

        Raises:
            TrainingError: the folder holds something, and ``force`` is not set.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            if not force:
                raise TrainingError(
                    f"The run folder '{self.path}' is not empty; it is left as it is.\n"
                    f"Go on with that run:  graticule train --resume {self.path}\n"
                    "Name another folder with -o, or write over it with --force."
                )
            if not self.path.is_dir() or not self._is_a_run():
                raise TrainingError(
                    f"'{self.path}' is not a run of graticule, so --force does not remove it.\n"
                    "Name another folder with -o."
                )
            shutil.rmtree(self.path)
        self.path.mkdir(parents=True, exist_ok=True)
        write_recipe(recipe, self.path / "recipe.yaml")
        _write_json(self.path / "environment.json", environment())

    def read_recipe(self) -> Recipe:
        """The resolved recipe of the run.

        Raises:
            MissingFileError: this is no run folder.
            RecipeError: the file was damaged.
        """
        path = self.path / "recipe.yaml"
        if not path.is_file():
            raise MissingFileError(
                f"'{self.path}' is not a run of graticule: it has no 'recipe.yaml'.\n"
                "Make one:  graticule train RECIPE -o RUN"
            )
        return read_recipe(path)

    def read_cells(self) -> Partition:
        """The partition of the run.

        Raises:
            MissingFileError: it is not there.
            PartitionError: it is damaged.
        """
        if not self.cells.is_file():
            raise MissingFileError(
                f"The run '{self.path}' has no 'cells.parquet': it stopped before it began.\n"
                f"Train again:  graticule train {self.path / 'recipe.yaml'} -o RUN"
            )
        return Partition.read(self.cells)

    def write_counts(self, sets: PhotoSets, cells: NDArray[np.int64], uncovered: int) -> None:
        """Write ``photos.json``; ``cells`` (N,) are those of the training photos."""
        document = {
            "rows": sets.rows,
            "train": len(cells),
            "val": len(sets.val),
            "test": len(sets.test),
            "dropped": {**sets.dropped, "in no cell": uncovered},
            "train_per_cell": np.bincount(cells).tolist(),
        }
        _write_json(self.counts, document)

    def read_counts(self) -> dict[str, Any]:
        """What ``write_counts`` wrote.

        Raises:
            TrainingError: it is missing or damaged.
        """
        try:
            counts: dict[str, Any] = json.loads(self.counts.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainingError(
                f"The run '{self.path}' is damaged: its '{self.counts.name}' cannot be read.\nTrain again."
            ) from error
        return counts

    def write_history(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write ``history.csv`` anew, whole or not at all."""
        part = self.history.with_name(".history.csv.part")
        pl.DataFrame(list(rows), schema=HISTORY).write_csv(part)
        part.replace(self.history)

    def say(self, line: str) -> None:
        """Add a line to the log."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _is_a_run(self) -> bool:
        return (self.path / "recipe.yaml").is_file()


def environment() -> dict[str, Any]:
    """What the run ran on: versions, machine, words typed."""
    versions: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "graticule": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": usable_cores(),
        "packages": versions,
        "command": sys.argv,
    }


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
