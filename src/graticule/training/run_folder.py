"""The folder of a run: complete, and readable without the code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.errors import MissingFileError, TrainingError
from graticule.partitions import Partition
from graticule.training.environment import environment
from graticule.training.photo_sets import PhotoSets
from graticule.training.recipe import PretrainingRecipe, Recipe
from graticule.training.recipe.files import (
    parse_yaml,
    read_pretraining,
    read_recipe,
    read_text,
    write_recipe,
)
from graticule.training.whole_files import write_whole

HISTORY: Final = pl.Schema(
    {
        "phase": pl.String,
        "epoch": pl.Int64,
        "step": pl.Int64,
        "learning_rate": pl.Float64,
        "train_loss": pl.Float64,
        "val_loss": pl.Float64,
        "val_top1": pl.Float64,
        "val_median_km": pl.Float64,
        "seconds": pl.Float64,
        "photos_per_s": pl.Float64,
        "loading_photos_per_s": pl.Float64,
        "computing_photos_per_s": pl.Float64,
    }
)
"""The columns of ``history.csv``: one row per validation: after each epoch, or as the recipe says.

Losses are in nats, ``val_top1`` is a share in [0, 1]; ``step`` counts steps of the optimiser over the whole
run; ``seconds`` is the time since the validation before. ``photos_per_s`` is what training did, waiting for
photos included; ``loading_photos_per_s`` what the loading processes could do, ``computing_photos_per_s`` what
the network could.
"""

RESTORING_HISTORY: Final = pl.Schema(
    [(name, kind) for name, kind in HISTORY.items() if name not in ("val_top1", "val_median_km")]
    + [(f"probe_{name}", pl.Float64()) for name in ("top1", "low", "high", "constant")]
)
"""The same for pre-training: losses are squared errors; the ``probe`` has shares, where one was made.

``probe_top1`` is the share of photos with a place whose cell a linear layer finds, ``probe_low`` to
``probe_high`` its interval, ``probe_constant`` the share of the commonest cell.
"""

_COLUMNS: Final = {"train": HISTORY, "pretrain": RESTORING_HISTORY}


@dataclass(frozen=True)
class RunFolder:
    """Paths and small files of a run.

    Convention:
        - ``verb``: what is typed to go on with it, ``train`` or ``pretrain``
    """

    path: Path
    verb: str = "train"

    @property
    def recipe(self) -> Path:
        """Every key, defaults included."""
        return self.path / "recipe.yaml"

    @property
    def cells(self) -> Path:
        """The partition."""
        return self.path / "cells.parquet"

    @property
    def history(self) -> Path:
        """One row per validation."""
        return self.path / "history.csv"

    @property
    def log(self) -> Path:
        """What was said while it ran."""
        return self.path / "log.txt"

    @property
    def predictions(self) -> Path:
        """Predictions of the chosen checkpoint on the validation photos."""
        return self.path / "predictions_val.parquet"

    @property
    def figures(self) -> Path:
        """Curves of the run, as SVG."""
        return self.path / "figures"

    def evaluation(self, checkpoint: str, split: str) -> Path:
        """What a best checkpoint says of the photos of ``split``: predictions, metrics, confusion."""
        return self.path / "evaluation" / f"{checkpoint}_{split}"

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

    def check_free(self, *, force: bool) -> None:
        """Refuse a folder that holds something, or that is a file.

        Raises:
            TrainingError: the folder holds something, and ``force`` is not set; or it is no run.
        """
        if self.path.exists() and not self.path.is_dir():
            raise TrainingError(
                f"'{self.path}' is a file; a run needs a folder of its own.\nName another with -o."
            )
        if not self.path.exists() or not any(self.path.iterdir()):
            return
        if not self._is_a_run():
            raise TrainingError(
                f"The folder '{self.path}' is not empty and not a run of graticule; it is left as it is"
                + (", also with --force" if force else "")
                + ".\nName another folder with -o."
            )
        if not force:
            onward = f"Go on with that run:  graticule {self.verb} --resume {self.path}"
            begun = self.checkpoint("last").is_file()
            raise TrainingError(
                f"The folder '{self.path}' holds a run; it is left as it is.\n"
                + (onward if begun else "That run was stopped before it began and cannot be gone on with.")
                + "\nName another folder with -o, or write over it with --force."
            )

    def start_over(self) -> str:
        """What to type to begin the run anew."""
        return f"Start it over:  graticule {self.verb} {self.recipe} -o {self.path} --force"

    def begin(self, recipe: Recipe | PretrainingRecipe, *, force: bool) -> None:
        """Make the folder and write what is known before training.

        Raises:
            TrainingError: as ``check_free``.
        """
        self.check_free(force=force)
        if self.path.exists():
            shutil.rmtree(self.path)
        self.path.mkdir(parents=True)
        write_recipe(recipe, self.recipe)
        _write_json(self.path / "environment.json", environment())

    def read_recipe(self) -> Recipe:
        """The resolved recipe of a run of ``graticule train``.

        Raises:
            MissingFileError: this is no run folder.
            TrainingError: it is one of ``graticule pretrain``.
            RecipeError: the file was damaged.
        """
        if "autoencoder" in self._recipe_network():
            raise TrainingError(
                f"'{self.path}' is a run of pretrain: it holds an encoder, which knows no places yet.\n"
                f"Train from it:  graticule train RECIPE --set network.backbone.weights={self.path} -o RUN\n"
                f"or go on with it:  graticule pretrain --resume {self.path}"
            )
        return read_recipe(self.recipe)

    def read_pretraining(self) -> PretrainingRecipe:
        """The resolved recipe of a run of ``graticule pretrain``.

        Raises:
            MissingFileError: this is no run folder.
            TrainingError: it is one of ``graticule train``.
            RecipeError: the file was damaged.
        """
        if "autoencoder" not in self._recipe_network():
            raise TrainingError(
                f"'{self.path}' is no run of pretrain, but one of train.\n"
                f"Go on with it:  graticule train --resume {self.path}"
            )
        return read_pretraining(self.recipe)

    def _recipe_network(self) -> Mapping[str, Any]:
        if not self._is_a_run():
            raise MissingFileError(
                f"'{self.path}' is not a run of graticule: it has no 'recipe.yaml'.\n"
                f"Make one:  graticule {self.verb} RECIPE -o RUN"
            )
        network = parse_yaml(read_text(self.recipe), str(self.recipe)).get("network")
        return network if isinstance(network, dict) else {}

    def read_cells(self) -> Partition:
        """The partition of the run.

        Raises:
            MissingFileError: it is not there.
            PartitionError: it is damaged.
        """
        if not self.cells.is_file():
            raise MissingFileError(
                f"The run '{self.path}' has no 'cells.parquet': it stopped before it began.\n"
                f"{self.start_over()}"
            )
        return Partition.read(self.cells)

    def write_counts(
        self, sets: PhotoSets, cells: NDArray[np.int64] | None = None, uncovered: int = 0
    ) -> None:
        """Write ``photos.json``; ``cells`` (N,) are those of the training photos, None without cells."""
        document: dict[str, Any] = {
            "rows": sets.rows,
            "train": len(sets.train) if cells is None else len(cells),
            "val": len(sets.val),
            "test": len(sets.test),
            "by_country": sets.by_country,
            "dropped": dict(sets.dropped),
        }
        if cells is not None:
            document["dropped"]["in no cell"] = uncovered
            document["train_per_cell"] = np.bincount(cells).tolist()
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

    def write_unreadable(self, names: Mapping[str, Sequence[str]]) -> None:
        """Add the photos that could not be read, by split, to ``photos.json``."""
        _write_json(self.counts, {**self.read_counts(), "unreadable": {k: list(v) for k, v in names.items()}})

    def write_profile(self, document: dict[str, Any]) -> None:
        """Write ``profile.json``: how fast photos are loaded and computed with."""
        _write_json(self.path / "profile.json", document)

    def write_history(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write ``history.csv`` anew, whole or not at all."""
        table = pl.DataFrame(list(rows), schema=_COLUMNS[self.verb])
        write_whole(self.history, table.write_csv)

    def say(self, line: str) -> None:
        """Add a line to the log."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _is_a_run(self) -> bool:
        return self.recipe.is_file()


def _write_json(path: Path, document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
