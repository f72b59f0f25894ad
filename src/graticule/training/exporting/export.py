"""From a run to a bundle: the graph, its parity with torch, its calibration, its quality, its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from graticule.bundle import Bundle, BundleCard, write_bundle
from graticule.bundle.regions import ELSEWHERE, RegionRule
from graticule.errors import MissingFileError, TableError, TrainingError
from graticule.evaluation.calibration import conformal_threshold, fit_temperature
from graticule.evaluation.calibration.conformal import fit_promises
from graticule.evaluation.calibration.sample import Sample
from graticule.inference import Model
from graticule.inference.estimate import temper
from graticule.models import PlaceNetwork, read_tensors
from graticule.partitions import Partition
from graticule.photos.places import read_places
from graticule.training.callbacks import Say
from graticule.training.cells import prior_shift
from graticule.training.exporting.card import CardFacts, model_card
from graticule.training.exporting.parity import Parity, Weights, checked_graph, read_squares
from graticule.training.measuring import in_short, in_words, measure, truth_of
from graticule.training.networks import bare_network
from graticule.training.photo_sets import PhotoSet, PhotoSets, read_photo_sets
from graticule.training.recipe import Recipe
from graticule.training.run_folder import RunFolder


@dataclass(frozen=True)
class ExportReport:
    """What was written, how large it is, and how it was checked."""

    path: Path
    card: BundleCard
    bytes: int
    parity: list[Parity]

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
    chosen = checkpoint or recipe.evaluation.checkpoint
    network = trained_network(run, recipe, partition, chosen)
    photos = recipe.photos.model_copy(update={"table": Path(table)}) if table else recipe.photos
    sets = read_photo_sets(photos)
    shift = _shift(recipe, partition, sets)
    network.logit_shift.copy_(torch.from_numpy(shift))
    squares, read = read_squares(network, sets.val)
    say(f"Exporting '{chosen}' of '{run.path}': {partition.count} cells, {weights} weights.")
    graph = checked_graph(network, partition, recipe, squares, weights)
    for item in graph.parity:
        say(item.in_words())
    if graph.no_saliency:
        say(f"The bundle gives no Grad-CAM, since of its network {graph.no_saliency}; occlusion works.")
    promises = (
        {}
        if graph.probabilities is None
        else _promises(
            Sample.located(graph.probabilities, sets.val.latlon[read], partition, _groups(sets.val, read)),
            shift,
            recipe.evaluation.coverage,
        )
    )
    learned = sets.train.table.filter(pl.Series(partition.encode(sets.train.latlon) >= 0))
    known = 0 if graph.probabilities is None else partition.count
    facts = CardFacts(chosen, run.read_counts(), known, learned)
    card = _card(recipe, network, weights, promises, facts)
    tables = {name: truth_of(part) for name, part in (("val", sets.val), ("test", sets.test)) if len(part)}
    model = Model(Bundle(card, partition, graph.onnx, ""))
    measured = {name: measure(model, truth) for name, truth in {**tables, **(also or {})}.items()}
    for name, document in measured.items():
        say(f"On {name}, {document['n']:,} photos: {in_words(document)}")
    card = card.model_copy(update={"metrics": {name: in_short(item) for name, item in measured.items()}})
    text = model_card(card, recipe.card, facts, measured, graph.parity)
    written = write_bundle(output, model_onnx=graph.onnx, partition=partition, card=card, model_card=text)
    report = ExportReport(Path(output), written, _size(Path(output)), graph.parity)
    say(f"Wrote {output} ({report.bytes / 1e6:.1f} MB), {written.identity}.")
    return report


def trained_network(run: RunFolder, recipe: Recipe, partition: Partition, name: str) -> PlaceNetwork:
    """The network of a run as it was at a checkpoint, in evaluation mode.

    Raises:
        MissingFileError: the run has no such checkpoint.
        TrainingError: the checkpoint is of other cells, or of another network.
    """
    path = run.weights(name)
    if not path.is_file():
        raise MissingFileError(
            f"The run '{run.path}' has no checkpoint '{name}' ({path.name} is missing): no epoch was "
            "finished, "
            f"or the file was removed.\nGo on training:  graticule train --resume {run.path}"
        )
    found = read_tensors(path)
    if found.about.get("cells_fingerprint") not in (None, partition.fingerprint):
        raise TrainingError(
            f"The checkpoint '{name}' of '{run.path}' was trained on other cells than its "
            "cells.parquet holds.\n"
            "Put the run's own cells.parquet back, or train again."
        )
    network = bare_network(recipe.network, partition)
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


def _promises(photos: Sample, shift: NDArray[np.float64], coverage: tuple[float, ...]) -> dict[str, Any]:
    """Temperature and conformal thresholds, for photos from where the prior says they come from.

    Each continent has thresholds of its own, or shares them with others, where there are enough photos.
    """
    cells = photos.cells
    weights = np.where(cells >= 0, np.exp(shift)[cells], 1.0)
    temperature = fit_temperature(photos.raw, cells, weights=weights)
    calibrated = temper(photos.raw, temperature)
    thresholds = {
        f"{share:g}": conformal_threshold(
            calibrated, cells, coverage=share, weights=weights, units=photos.units
        )
        for share in coverage
    }
    kept = {share: mass for share, mass in thresholds.items() if mass < 1.0}  # at 1 no set of cells keeps it
    rule = RegionRule(by="continent")
    found: dict[str, dict[str, float]] = {}
    for share in kept:
        try:
            made = fit_promises(
                rule.scores(calibrated),
                cells,
                [share],
                groups=[name or ELSEWHERE for name in photos.continents],
                units=photos.units,
            )
        except TableError:  # too few photos when all count alike: the weighted threshold stands alone
            continue
        found |= made.by_group
    return {
        "temperature": temperature,
        "region_rule": rule,
        "conformal": kept,
        "conformal_by_group": found,
    }


def _groups(photos: PhotoSet, read: NDArray[np.bool_]) -> list[str | None]:
    groups: list[str | None] = photos.table["group"].to_list()
    return [groups[row] for row in np.arange(len(groups))[read]]


def _card(
    recipe: Recipe, network: PlaceNetwork, weights: Weights, promises: dict[str, Any], facts: CardFacts
) -> BundleCard:
    said, size_px = recipe.card, network.preprocessing.size_px
    corrected = recipe.prior is not None and recipe.prior.places is not None
    return BundleCard(
        name=said.name,
        architecture=f"{body_in_words(recipe)}, {size_px} px",
        head=recipe.network.head.name.upper(),
        backbone=said.backbone,
        training_data={
            "description": said.data,
            "photos": facts.counts["train"],
            "left_out": facts.counts["dropped"],
            "licences": facts.licences(),
            "prior_strength": recipe.prior.strength if recipe.prior and corrected else 0.0,
        },
        licence=said.licence,
        weights=weights,
        estimate=recipe.estimate,
        **promises,
    )


def body_in_words(recipe: Recipe) -> str:
    """What lies before the head, for cards: backbone, pooling, dense layers."""
    network = recipe.network
    behind, dense = network.transformer, "".join(f", dense {width}" for width in network.dense)
    if behind is not None:
        return f"{network.backbone.name}, {behind.name} behind it, mean over patches{dense}"
    return f"{network.backbone.name}, {network.pooling} pooling{dense}"


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
