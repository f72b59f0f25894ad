"""From a run to a bundle: the graph, its parity with torch, its calibration, its measured quality, its card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from graticule.bundle import Bundle, BundleCard, write_bundle
from graticule.errors import MissingFileError, PhotoError, TrainingError
from graticule.evaluation import evaluate_predictions
from graticule.evaluation.calibration import conformal_threshold, fit_temperature
from graticule.inference import Model
from graticule.inference.estimate import temper
from graticule.inference.network import Network
from graticule.models import PlaceNetwork, create_network, read_tensors
from graticule.partitions import Partition
from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode
from graticule.photos.places import read_places
from graticule.training.callbacks import Say
from graticule.training.cells import prior_shift
from graticule.training.model_card import CardFacts, model_card
from graticule.training.onnx_graph import halved, to_onnx, with_metadata
from graticule.training.photo_sets import PhotoSet, PhotoSets, read_photo_sets
from graticule.training.quantising import quantised
from graticule.training.recipe import Recipe
from graticule.training.run_folder import RunFolder
from graticule.training.train import network_arguments

Weights = Literal["float32", "float16", "int8"]

TOLERANCE = 1e-4
"""A float32 graph whose probabilities differ by more from torch's is not exported."""

_BATCH = 32


@dataclass(frozen=True)
class Parity:
    """How far a graph's answers are from torch's on real photos.

    Convention:
        - ``max_difference``: of any probability, a share in [0, 1]
        - ``same_best``: share of photos whose best cell is the same
    """

    weights: Weights
    photos: int
    max_difference: float
    same_best: float

    def in_words(self) -> str:
        """One line for people."""
        return (
            f"Parity of {self.weights} with torch on {self.photos:,} validation photos: probabilities differ by at most "
            f"{self.max_difference:.2g}; the best cell is the same for {self.same_best:.1%}."
        )


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how it was checked."""

    path: Path
    card: BundleCard
    bytes: int
    parity: list[Parity] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "model": str(self.path),
            "bytes": self.bytes,
            "parity": [asdict(item) for item in self.parity],
            "card": self.card.model_dump(),
        }


def export(
    run_path: str | Path,
    output: str | Path,
    *,
    checkpoint: str | None = None,
    weights: Weights = "float32",
    table: str | Path | None = None,
    also: Mapping[str, pl.DataFrame] | None = None,
    say: Say = print,
) -> ExportReport:
    """Write the bundle of a run.

    Convention:
        - ``checkpoint``: ``best_loss`` or ``best_accuracy``; the recipe's choice when left out
        - ``table``: the photo table, when it has moved since training
        - ``also``: further photos to measure by name: ``photo_id``, ``path``, ``latitude``, ``longitude``

    Raises:
        MissingFileError: this is no run, or it has no such checkpoint.
        TrainingError: the run is damaged, or the graph does not do what the network does.
    """
    run = RunFolder(Path(run_path))
    recipe, partition = run.read_recipe(), run.read_cells()
    name = checkpoint or recipe.evaluation.checkpoint
    network = _network(run, recipe, partition, name)
    photos = recipe.photos.model_copy(update={"table": Path(table)}) if table else recipe.photos
    sets = read_photo_sets(photos)
    shift = _shift(recipe, partition, sets)
    network.logit_shift.copy_(torch.from_numpy(shift))
    squares, read = _squares(network, sets.val)
    say(f"Exporting '{name}' of '{run.path}': {partition.count} cells, {weights} weights.")
    graph, parity, probabilities = _checked_graph(network, partition, recipe, squares, weights)
    for item in parity:
        say(item.in_words())
    val_cells = partition.encode(sets.val.latlon)[read]
    temperature, conformal = _promises(probabilities, val_cells, shift, recipe.evaluation.coverage)
    say(
        f"Temperature {temperature:.3f}; "
        + ", ".join(f"{k} of truths in best cells up to {v:.3f}" for k, v in conformal.items())
    )
    facts = CardFacts(
        run=run.path.name,
        checkpoint=name,
        counts=_counts(run),
        cells=partition.count,
        photos=sets.train.table,
    )
    card = _card(recipe, network, weights, temperature, conformal, facts)
    model = Model(Bundle(card, partition, graph, ""))
    tables = {"val": sets.val, "test": sets.test}
    measured = {
        name: _measure(model, _truth(part), partition) for name, part in tables.items() if len(part)
    } | {name: _measure(model, frame, partition) for name, frame in (also or {}).items()}
    card = card.model_copy(
        update={"metrics": {name: _short(document) for name, document in measured.items()}}
    )
    for name, document in measured.items():
        say(f"On {name} ({document['n']:,} photos): {_in_words(document)}")
    text = model_card(card, recipe.card, facts, measured, parity)
    written = write_bundle(output, model_onnx=graph, partition=partition, card=card, model_card=text)
    size = _size(Path(output))
    say(f"Wrote {output} ({size / 1e6:.1f} MB), {written.identity}.")
    return ExportReport(Path(output), written, size, parity)


def _network(run: RunFolder, recipe: Recipe, partition: Partition, name: str) -> PlaceNetwork:
    path = run.weights(name)
    if not path.is_file():
        raise MissingFileError(
            f"The run '{run.path}' has no checkpoint '{name}' ({path.name} is missing): no epoch was finished, "
            f"or the file was removed.\nGo on training:  graticule train --resume {run.path}"
        )
    found = read_tensors(path)
    if found.about.get("cells_fingerprint") not in (None, partition.fingerprint):
        raise TrainingError(
            f"The checkpoint '{name}' of '{run.path}' was trained on other cells than its cells.parquet holds.\n"
            "Put the run's own cells.parquet back, or train again."
        )
    network = create_network(**network_arguments(recipe, partition.count, weights="none"))
    try:
        network.load_state_dict(found.tensors)
    except RuntimeError as error:
        raise TrainingError(
            f"The checkpoint '{name}' of '{run.path}' is not of the network that its recipe.yaml describes: "
            f"{str(error).splitlines()[1].strip()}\nPut the run's own recipe.yaml back, or train again."
        ) from error
    return network.eval()


def _shift(recipe: Recipe, partition: Partition, sets: PhotoSets) -> NDArray[np.float64]:
    if recipe.prior is None or recipe.prior.places is None:
        return np.zeros(partition.count)
    places = read_places(recipe.prior.places).latlon
    return prior_shift(partition, sets.train.latlon, places, strength=recipe.prior.strength)


def _squares(network: PlaceNetwork, photos: PhotoSet) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Centre squares of the photos that can be read, and which those are."""
    size_px, crop = network.preprocessing.size_px, network.preprocessing.crop
    squares, read = [], np.zeros(len(photos), dtype=bool)
    for row, path in enumerate(photos.paths):
        try:
            image = decode(path, min_side_px=short_side_px(size_px, crop))
        except PhotoError:
            continue
        squares.append(centre_crop(image, size_px=size_px, crop_fraction=crop))
        read[row] = True
    if not squares:
        raise TrainingError(
            "None of the validation photos can be read, and the export is checked on them.\n"
            "If the photos have moved, name their table:  graticule export RUN -o MODEL --table FOLDER"
        )
    return np.stack(squares), read


def _checked_graph(
    network: PlaceNetwork, partition: Partition, recipe: Recipe, squares: NDArray[np.uint8], weights: Weights
) -> tuple[bytes, list[Parity], NDArray[np.float32]]:
    """The graph with the asked weights, what was found of each on the way, and its probabilities (N, K)."""
    preprocessing, backbone = network.preprocessing, recipe.network.backbone
    metadata = {
        "size_px": str(preprocessing.size_px),
        "crop": repr(preprocessing.crop),
        "resize": "short side to round(size_px / crop), then the centre square",
        "cells_fingerprint": partition.fingerprint,
        "architecture": backbone.name,
        "backbone": json.dumps(
            {
                "kwargs": backbone.kwargs,
                "identity_modules": backbone.identity_modules,
                "pooling": recipe.network.pooling,
            }
        ),
    }
    expected = _torch_probabilities(network, squares)
    plain = with_metadata(to_onnx(network), metadata)
    graphs = {"float32": plain.SerializeToString()}
    if weights == "float16":
        graphs["float16"] = halved(plain).SerializeToString()
    if weights == "int8":
        graphs["int8"] = with_metadata(
            quantised(to_onnx(network, fold=True), squares), metadata
        ).SerializeToString()
    parity, found = [], expected
    for kind, graph in graphs.items():
        found = _onnx_probabilities(graph, squares)
        item = Parity(
            weights=kind,  # type: ignore[arg-type] -- keys of the mapping above
            photos=len(squares),
            max_difference=float(np.abs(found - expected).max()),
            same_best=float((found.argmax(axis=1) == expected.argmax(axis=1)).mean()),
        )
        parity.append(item)
        if kind == "float32" and not item.max_difference <= TOLERANCE:
            raise TrainingError(
                f"The exported graph does not do what the network does: {item.in_words()} At most {TOLERANCE:g} is "
                "allowed, so nothing was written.\nPlease report this, with the recipe.yaml of the run."
            )
    return graphs[weights], parity, found


@torch.no_grad()
def _torch_probabilities(network: PlaceNetwork, squares: NDArray[np.uint8]) -> NDArray[np.float32]:
    parts = []
    for start in range(0, len(squares), _BATCH):
        planes = torch.from_numpy(squares[start : start + _BATCH]).permute(0, 3, 1, 2).float() / 255
        parts.append(network(planes)[0].numpy())
    return np.concatenate(parts)


def _onnx_probabilities(graph: bytes, squares: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = Network(graph)
    starts = range(0, len(squares), _BATCH)
    return np.concatenate([session(squares[start : start + _BATCH]).probabilities for start in starts])


def _promises(
    probabilities: NDArray[np.float32],
    cells: NDArray[np.int64],
    shift: NDArray[np.float64],
    coverage: tuple[float, ...],
) -> tuple[float, dict[str, float]]:
    """Temperature and conformal thresholds for photos from where the prior says they come from."""
    weights = np.where(cells >= 0, np.exp(shift)[cells], 1.0)
    temperature = fit_temperature(probabilities, cells, weights=weights)
    calibrated = temper(probabilities, temperature)
    thresholds = {
        f"{share:g}": conformal_threshold(calibrated, cells, coverage=share, weights=weights)
        for share in coverage
    }
    return temperature, thresholds


def _counts(run: RunFolder) -> dict[str, Any]:
    try:
        counts: dict[str, Any] = json.loads(run.counts.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"The run '{run.path}' is damaged: its '{run.counts.name}' cannot be read.\nTrain again."
        ) from error
    return counts


def _card(
    recipe: Recipe,
    network: PlaceNetwork,
    weights: Weights,
    temperature: float,
    conformal: dict[str, float],
    facts: CardFacts,
) -> BundleCard:
    return BundleCard(
        name=recipe.card.name,
        architecture=f"{recipe.network.backbone.name}, {recipe.network.pooling} pooling, "
        f"{network.preprocessing.size_px} px",
        head=recipe.network.head.upper(),
        backbone=recipe.card.backbone,
        training_data={
            "description": recipe.card.data,
            "photos": facts.counts["train"],
            "left_out": facts.counts["dropped"],
            "licences": facts.licences(),
            "prior_strength": recipe.prior.strength if recipe.prior and recipe.prior.places else 0.0,
        },
        licence=recipe.card.licence,
        weights=weights,
        temperature=temperature,
        conformal=conformal,
        estimate=recipe.evaluation.estimate,
    )


def _truth(photos: PhotoSet) -> pl.DataFrame:
    paths = [str(path) for path in photos.paths]
    return photos.table.select("photo_id", "latitude", "longitude", "country", "group").with_columns(
        path=pl.Series(paths, dtype=pl.String)
    )


def _measure(model: Model, truth: pl.DataFrame, partition: Partition) -> dict[str, Any]:
    predictions = model.predict(truth)
    return evaluate_predictions(predictions, truth, partition=partition).metrics


def _short(document: dict[str, Any]) -> dict[str, Any]:
    kept = (
        "n",
        "median_km",
        "mean_km",
        "within_km",
        "geoscore",
        "top_k",
        "country_accuracy",
        "ece",
        "coverage_90",
    )
    constant = document["baselines"]["constant"]
    return {key: document[key] for key in kept} | {
        "constant": {key: constant[key] for key in ("median_km", "within_km", "geoscore")}
    }


def _in_words(document: dict[str, Any]) -> str:
    constant = document["baselines"]["constant"]
    within = ", ".join(
        f"{share:.1%} within {limit} km (constant guess {constant['within_km'][limit]:.1%})"
        for limit, share in document["within_km"].items()
        if limit in ("200", "750", "2500")
    )
    return f"median {document['median_km'] or float('inf'):,.0f} km (constant guess {constant['median_km']:,.0f}), {within}."


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
