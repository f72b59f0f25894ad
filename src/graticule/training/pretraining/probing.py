"""The linear probe of an encoder: how well one linear layer on its features tells cells apart."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.evaluation.intervals import Ratio, Resamples, resample
from graticule.models.mae import MaskedAutoencoder
from graticule.partitions import Partition
from graticule.training.features import keep_features
from graticule.training.loading import Photos
from graticule.training.photo_sets import PhotoSet
from graticule.training.pretraining.linear import best_classes
from graticule.training.recipe import PretrainingRecipe
from graticule.training.sampling import evenly_over_cells
from graticule.training.whole_files import write_whole

SUMMARY: Final = "probe.json"
_COLUMNS: Final = ("probe_top1", "probe_low", "probe_high", "probe_constant")


@dataclass(frozen=True)
class Probe:
    """What a linear probe measured on validation photos.

    Convention:
        - ``step``: steps of the optimiser before it, 0 for the network as it was at first
        - ``train``, ``val``: photos that it was fitted to and judged by; ``cells``: how many there are
        - ``top1``: share of validation photos whose cell it finds, ``constant``: of those in the commonest
          cell; ``gain``: share less that of the network as it was at first; each with a 95 % interval that
          draws whole groups of photos, null where photos are too few to tell
    """

    step: int
    train: int
    val: int
    cells: int
    top1: float
    interval: tuple[float, float] | None
    constant: float
    constant_interval: tuple[float, float] | None
    gain: float | None = None
    gain_interval: tuple[float, float] | None = None

    def columns(self) -> dict[str, float | None]:
        """As ``history.csv`` has them."""
        low, high = self.interval or (None, None)
        return dict(zip(_COLUMNS, (self.top1, low, high, self.constant), strict=True))

    @staticmethod
    def no_columns() -> dict[str, float | None]:
        """The same where no probe was made."""
        return dict.fromkeys(_COLUMNS)

    def in_words(self) -> str:
        """For the log of a run."""
        gained = ""
        if self.gain is not None:
            gained = (
                f"; {100 * self.gain:+.1f} points{_between(self.gain_interval, points=True)} beside the "
                "network before pre-training"
            )
        return (
            f"Linear probe after {self.step} steps: {self.top1:.1%}{_between(self.interval)} of {self.val:,} "
            f"photos in their cell, of {self.cells}; the commonest cell {self.constant:.1%}"
            f"{_between(self.constant_interval)}{gained}."
        )


@dataclass(frozen=True, eq=False)
class Prober:
    """Fits and judges linear probes of one run.

    Convention:
        - ``train``, ``val``: photos with places; ``train_cells``, ``val_cells`` their cells, -1 outside all
        - ``folder``: gets ``probe/step_0000100.parquet`` (photo_id, cell, predicted) and ``probe.json``
    """

    recipe: PretrainingRecipe
    partition: Partition
    train: PhotoSet
    train_cells: NDArray[np.int64]
    val: PhotoSet
    val_cells: NDArray[np.int64]
    folder: Path

    @classmethod
    def of(
        cls, recipe: PretrainingRecipe, partition: Partition, train: PhotoSet, val: PhotoSet, folder: Path
    ) -> Prober:
        """The prober of a run, with as many training photos as the recipe says."""
        train, val = with_places(train), with_places(val)
        cells = partition.encode(train.latlon)
        most = recipe.probe.most_photos if recipe.probe is not None else len(train)
        kept = evenly_over_cells(cells, most, seed=recipe.seed)
        return cls(recipe, partition, train[kept], cells[kept], val, partition.encode(val.latlon), folder)

    def file(self, step: int) -> Path:
        """What the probe after so many steps said of each validation photo."""
        return self.folder / "probe" / f"step_{step:07}.parquet"

    def __call__(self, network: MaskedAutoencoder, *, step: int) -> Probe:
        """Fit a probe to the features of ``network``, judge it, and write both down.

        Raises:
            TrainingError: none of the photos can be read.
        """
        predicted = self._predicted(network)
        right = predicted == self.val_cells
        common = int(np.bincount(self.train_cells).argmax())
        ratios = {"top1": Ratio(right), "constant": Ratio(self.val_cells == common)}
        first = self.file(0)
        if step and first.is_file():
            before = pl.read_parquet(first)
            ratios["before"] = Ratio((before["cell"] == before["predicted"]).to_numpy())
        resamples = resample(ratios, groups=group_codes(self.val))
        gained = "before" in ratios
        probe = Probe(
            step=step,
            train=len(self.train),
            val=len(self.val),
            cells=self.partition.count,
            top1=ratios["top1"].mean,
            interval=_interval(resamples, "top1"),
            constant=ratios["constant"].mean,
            constant_interval=_interval(resamples, "constant"),
            gain=ratios["top1"].mean - ratios["before"].mean if gained else None,
            gain_interval=_interval(resamples, "top1", minus="before") if gained else None,
        )
        self._write(probe, predicted)
        return probe

    def latest(self) -> Probe:
        """The probe that was made last.

        Raises:
            LookupError: none was made yet.
        """
        row = read_probes(self.folder)[-1]
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
        }
        return Probe(**values)

    def _predicted(self, network: MaskedAutoencoder) -> NDArray[np.int64]:
        """(N,) cells of the validation photos; -2 for photos that cannot be read."""
        found = []
        for photos, cells in ((self.train, self.train_cells), (self.val, self.val_cells)):
            data = Photos(photos, cells, network.preprocessing)
            kept = keep_features(network, data, self.recipe, phase=0, views=1)
            found.append((kept.features[0].double().numpy(), kept.readable))
        (train, known), (val, readable) = found
        groups = group_codes(self.train)[known]
        best = best_classes(train[known], self.train_cells[known], groups, val)
        return np.where(readable, best, -2)

    def _write(self, probe: Probe, predicted: NDArray[np.int64]) -> None:
        table = pl.DataFrame({"photo_id": self.val.ids, "cell": self.val_cells, "predicted": predicted})
        self.file(probe.step).parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file(probe.step), table.write_parquet)
        rows = [row for row in read_probes(self.folder) if row["step"] < probe.step]
        text = json.dumps([*rows, asdict(probe)], indent=2) + "\n"
        write_whole(self.folder / SUMMARY, lambda part: part.write_text(text, encoding="utf-8"))


def read_probes(folder: Path) -> list[dict[str, Any]]:
    """The probes of a run as ``probe.json`` has them, in the order of their steps."""
    path = folder / SUMMARY
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return rows


def with_places(photos: PhotoSet) -> PhotoSet:
    """Those of the photos whose place is known."""
    known: NDArray[np.bool_] = np.all(np.isfinite(photos.latlon), axis=1)
    return photos[known]


def group_codes(photos: PhotoSet) -> NDArray[np.int64]:
    """(N,) the group of each photo as a number from 0; a photo without one is a group of its own."""
    names = photos.table.select(
        pl.when(pl.col("group").is_null())
        .then(pl.format("photo {}", "photo_id"))
        .otherwise(pl.format("group {}", "group"))
        .alias("name")
    )["name"]
    _, codes = np.unique(names.to_numpy(), return_inverse=True)
    return codes.astype(np.int64)


def _interval(resamples: Resamples, name: str, *, minus: str | None = None) -> tuple[float, float] | None:
    low, high = resamples.interval(name, minus=minus)
    return (low, high) if np.isfinite([low, high]).all() else None


def _between(interval: tuple[float, float] | None, *, points: bool = False) -> str:
    if interval is None:
        return ""
    low, high = interval
    return f" ({100 * low:+.1f} to {100 * high:+.1f})" if points else f" ({low:.1%} to {high:.1%})"
