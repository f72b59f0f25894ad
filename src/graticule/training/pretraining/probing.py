"""The linear probe of an encoder: how well one linear layer on its features tells cells apart."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
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
from graticule.training.pretraining.linear import cross_judged
from graticule.training.recipe import PretrainingRecipe
from graticule.training.sampling import evenly_over_cells
from graticule.training.whole_files import write_whole

SUMMARY: Final = "probe.json"
Interval = tuple[float, float]
_COLUMNS: Final = ("probe_top1", "probe_low", "probe_high", "probe_constant")


@dataclass(frozen=True)
class Probe:
    """What a linear probe measured.

    Convention:
        - ``step``: steps of the optimiser before it, 0 for the network as it was at first
        - ``photos``: how many are judged, each by a fit to photos of other ``groups``; ``cells``: how many
        - ``top1``: share of photos whose cell it finds, ``constant``: of those in the commonest cell of the
          photos fitted to; ``nats``: mean of -log of the probability of the true cell
        - ``gain``, ``nats_gain``: share and nats less those of the network as it was at first
        - each share and gain with a 95 % interval that draws whole groups of photos, null where photos are
          too few to tell
    """

    step: int
    photos: int
    groups: int
    cells: int
    top1: float
    interval: Interval | None
    constant: float
    constant_interval: Interval | None
    nats: float
    gain: float | None = None
    gain_interval: Interval | None = None
    nats_gain: float | None = None
    nats_gain_interval: Interval | None = None

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
        if self.gain is not None and self.nats_gain is not None:
            gained = (
                f"; {100 * self.gain:+.1f} points{_between(self.gain_interval, 100, 1)} and "
                f"{self.nats_gain:+.3f} nats{_between(self.nats_gain_interval, 1, 3)} beside the network "
                "before pre-training"
            )
        return (
            f"Linear probe after {self.step} steps: {self.top1:.1%}{_between(self.interval)} of "
            f"{self.photos:,} photos of {self.groups:,} groups in their cell, of {self.cells}, by fits to "
            f"other groups; the commonest cell {self.constant:.1%}{_between(self.constant_interval)}{gained}."
        )


@dataclass(frozen=True, eq=False)
class Prober:
    """Fits and judges linear probes of one run.

    Convention:
        - ``photos``: in a cell each, ``cells`` which; both of training and of validation, since so few places
          as of validation alone tell little, and the encoder has learned from no photo's place
        - ``folder``: gets ``probe.json`` and ``probe/step_0000100.parquet`` (photo_id, cell, predicted, nats,
          commonest)
    """

    recipe: PretrainingRecipe
    partition: Partition
    photos: PhotoSet
    cells: NDArray[np.int64]
    folder: Path

    @classmethod
    def of(cls, recipe: PretrainingRecipe, partition: Partition, photos: PhotoSet, folder: Path) -> Prober:
        """The prober of a run, with as many photos as the recipe says."""
        photos = with_places(photos)
        cells = partition.encode(photos.latlon)
        most = recipe.probe.most_photos if recipe.probe is not None else len(photos)
        kept = evenly_over_cells(cells, most, seed=recipe.seed)
        return cls(recipe, partition, photos[kept], cells[kept], folder)

    def file(self, step: int) -> Path:
        """What the probe after so many steps said of each photo."""
        return self.folder / "probe" / f"step_{step:07}.parquet"

    def __call__(self, network: MaskedAutoencoder, *, step: int) -> Probe:
        """Fit a probe to the features of ``network``, judge it, and write both down.

        Raises:
            TrainingError: none of the photos can be read.
        """
        said = self._said(network)
        right, nats = self.cells == said["predicted"].to_numpy(), said["nats"].to_numpy()
        figures = {
            "top1": right,
            "constant": self.cells == said["commonest"].to_numpy(),
            "nats": nats,
        }
        before = self._before() if step else None
        if before is not None:
            figures["gain"] = right.astype(np.float64) - (before["cell"] == before["predicted"]).to_numpy()
            figures["nats_gain"] = nats - before["nats"].to_numpy()
        groups = group_codes(self.photos)
        ratios = {name: Ratio(values) for name, values in figures.items()}
        resamples = resample(ratios, groups=groups)
        probe = Probe(
            step=step,
            photos=len(self.photos),
            groups=len(np.unique(groups)),
            cells=self.partition.count,
            top1=ratios["top1"].mean,
            interval=_interval(resamples, "top1"),
            constant=ratios["constant"].mean,
            constant_interval=_interval(resamples, "constant"),
            nats=ratios["nats"].mean,
        )
        if "gain" in ratios:
            probe = replace(
                probe,
                gain=ratios["gain"].mean,
                gain_interval=_interval(resamples, "gain"),
                nats_gain=ratios["nats_gain"].mean,
                nats_gain_interval=_interval(resamples, "nats_gain"),
            )
        self._write(probe, said)
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

    def _before(self) -> pl.DataFrame | None:
        """What was said before pre-training; None where it is missing, or of other photos than these."""
        path = self.file(0)
        said = pl.read_parquet(path) if path.is_file() else pl.DataFrame()
        if not {"photo_id", "cell", "predicted", "nats"} <= set(said.columns):
            return None  # of a run that an earlier version of graticule began
        return said if said["photo_id"].to_list() == self.photos.ids else None

    def _said(self, network: MaskedAutoencoder) -> pl.DataFrame:
        """Of each photo: its cell, the predicted one, nats, the commonest; -2 where it cannot be read."""
        data = Photos(self.photos, self.cells, network.preprocessing)
        kept = keep_features(network, data, self.recipe, phase=0, views=1)
        read = kept.readable
        features = kept.features[0].double().numpy()[read]
        judged = cross_judged(features, self.cells[read], group_codes(self.photos)[read])
        predicted, commonest = np.full((2, len(self.photos)), -2)
        nats = np.full(len(self.photos), math.log(self.partition.count))
        predicted[read], nats[read], commonest[read] = judged.best, judged.nats, judged.commonest
        return pl.DataFrame(
            {
                "photo_id": self.photos.ids,
                "cell": self.cells,
                "predicted": predicted,
                "nats": nats,
                "commonest": commonest,
            }
        )

    def _write(self, probe: Probe, said: pl.DataFrame) -> None:
        self.file(probe.step).parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file(probe.step), said.write_parquet)
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


def _interval(resamples: Resamples, name: str) -> Interval | None:
    low, high = resamples.interval(name)
    return (low, high) if np.isfinite([low, high]).all() else None


def _between(interval: Interval | None, times: int = 0, decimals: int = 0) -> str:
    """An interval in brackets: of shares in %, or of differences ``times`` a number, with their sign."""
    if interval is None:
        return ""
    low, high = interval
    return (
        f" ({times * low:+.{decimals}f} to {times * high:+.{decimals}f})"
        if times
        else f" ({low:.1%} to {high:.1%})"
    )
