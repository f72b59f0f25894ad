"""The graph of a network with the weights asked for, and how far its answers are from torch's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from graticule.errors import PhotoError, TrainingError
from graticule.explanations.graph.builder import UnsupportedGraphError
from graticule.explanations.graph.saliency import with_saliency
from graticule.geo.sphere import great_circle_km
from graticule.inference.network import Network
from graticule.models import PlaceNetwork
from graticule.partitions import Partition
from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode
from graticule.training.exporting.onnx_graph import halved, to_onnx, with_metadata
from graticule.training.exporting.quantising import quantised
from graticule.training.photo_sets import PhotoSet
from graticule.training.recipe import Recipe

Weights = Literal["float32", "float16", "int8"]

TOLERANCE: Final = 1e-4
"""A float32 graph whose probabilities differ by more from torch's is not exported."""

NEAR_KM: Final = 1.0
STRAYED: Final = 0.01
"""Nor one whose positions are further than that from torch's for more than this share of photos: two places
may be so nearly the best that rounding chooses between them, but not often."""

_BATCH: Final = 32

Outputs = dict[str, NDArray[np.float32]]
"""Probabilities (N, K) and positions (N, 2) in degrees, those of them that there are."""


@dataclass(frozen=True)
class Parity:
    """How far a graph's answers are from torch's on real photos.

    Convention:
        - ``max_difference``: of any probability, a share in [0, 1]; ``same_best``: share of photos whose
          best cell is the same; both None where the network knows no cells
        - ``same_place``: share of photos whose position is the same to ``NEAR_KM``; None where the network
          gives no position
    """

    weights: Weights
    photos: int
    max_difference: float | None
    same_best: float | None
    same_place: float | None = None

    @property
    def good(self) -> bool:
        """Whether a float32 graph may be exported."""
        shares = self.max_difference is None or self.max_difference <= TOLERANCE
        return shares and (self.same_place is None or self.same_place >= 1 - STRAYED)

    def in_words(self) -> str:
        """One line for people."""
        found = []
        if self.max_difference is not None and self.same_best is not None:
            found.append(f"probabilities differ by at most {self.max_difference:.2g}")
            found.append(f"the best cell is the same for {self.same_best:.1%}")
        if self.same_place is not None:
            found.append(f"the position is the same to {NEAR_KM:g} km for {self.same_place:.1%}")
        return (
            f"Parity of {self.weights} with torch on {self.photos:,} validation photos: {'; '.join(found)}."
        )


@dataclass(frozen=True)
class CheckedGraph:
    """A graph that was run.

    Convention:
        - ``onnx``: with the weights asked for; ``probabilities``: its answers (N, K), float32, or None where
          the network knows no cells
        - ``parity``: of float32 and of the weights asked for
        - ``no_saliency``: why the graph gives no Grad-CAM, or None when it does
    """

    onnx: bytes
    probabilities: NDArray[np.float32] | None
    parity: list[Parity]
    no_saliency: str | None = None


def checked_graph(
    network: PlaceNetwork, partition: Partition, recipe: Recipe, squares: NDArray[np.uint8], weights: Weights
) -> CheckedGraph:
    """The graph of ``network``, compared with it.

    Convention:
        - ``squares``: (N, S, S, 3) uint8 RGB to compare on, and to measure the ranges of int8 with

    Raises:
        TrainingError: the float32 graph differs from torch by more than ``TOLERANCE``, or ``STRAYED``.
    """
    metadata = _metadata(network, partition, recipe)
    expected = _torch_outputs(network, squares)
    plain = with_metadata(to_onnx(network), metadata)
    full, without = _with_saliency(plain)
    graph = full.SerializeToString()
    found = _onnx_outputs(graph, squares)
    parity = [_compare("float32", found, expected)]
    if not parity[0].good:
        raise TrainingError(
            f"The exported graph does not do what the network does. {parity[0].in_words()} "
            f"Probabilities may differ by {TOLERANCE:g}, positions for {STRAYED:.0%} of the photos, so "
            "nothing was written.\nPlease report this, with the recipe.yaml of the run."
        )
    if weights != "float32":
        other = halved(plain) if weights == "float16" else quantised(to_onnx(network, fold=True), squares)
        full, without = _with_saliency(with_metadata(other, metadata))
        graph = full.SerializeToString()
        found = _onnx_outputs(graph, squares)
        parity.append(_compare(weights, found, expected))
    return CheckedGraph(graph, found.get("probabilities"), parity, without)


def bare_graph(network: PlaceNetwork, partition: Partition, recipe: Recipe) -> bytes:
    """The graph of ``network`` in float32, with Grad-CAM where it can, compared with nothing."""
    model = with_metadata(to_onnx(network), _metadata(network, partition, recipe))
    return bytes(_with_saliency(model)[0].SerializeToString())


def _with_saliency(model: onnx.ModelProto) -> tuple[onnx.ModelProto, str | None]:
    """The graph that also gives Grad-CAM; or as it is, and why."""
    try:
        return with_saliency(model), None
    except UnsupportedGraphError as error:
        return model, str(error)


def read_squares(network: PlaceNetwork, photos: PhotoSet) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Centre squares (M, S, S, 3) of the photos that can be read, and which of the N those are.

    Raises:
        TrainingError: none can be read.
    """
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


def _metadata(network: PlaceNetwork, partition: Partition, recipe: Recipe) -> dict[str, str]:
    section = recipe.network
    backbone = {
        "kwargs": section.backbone.kwargs,
        "identity_modules": section.backbone.identity_modules,
        "pooling": section.pooling,
    }
    return {
        "size_px": str(network.preprocessing.size_px),
        "crop": repr(network.preprocessing.crop),
        "resize": "short side to round(size_px / crop), then the centre square",
        "cells_fingerprint": partition.fingerprint,
        "architecture": section.backbone.name,
        "backbone": json.dumps(backbone),
    }


def _compare(weights: Weights, found: Outputs, expected: Outputs) -> Parity:
    difference = same_best = same_place = None
    if "probabilities" in expected:
        one, other = found["probabilities"], expected["probabilities"]
        difference = float(np.abs(one - other).max())
        same_best = float((one.argmax(axis=1) == other.argmax(axis=1)).mean())
    if "position" in expected:
        off_km = great_circle_km(found["position"].astype(float), expected["position"].astype(float))
        same_place = float((off_km <= NEAR_KM).mean())
    return Parity(weights, len(next(iter(found.values()))), difference, same_best, same_place)


@torch.no_grad()
def _torch_outputs(network: PlaceNetwork, squares: NDArray[np.uint8]) -> Outputs:
    parts = []
    for start in range(0, len(squares), _BATCH):
        planes = torch.from_numpy(squares[start : start + _BATCH]).permute(0, 3, 1, 2).float() / 255
        parts.append(dict(zip(network.output_names, (part.numpy() for part in network(planes)), strict=True)))
    return _joined(parts)


def _onnx_outputs(graph: bytes, squares: NDArray[np.uint8]) -> Outputs:
    session = Network(graph)
    starts = range(0, len(squares), _BATCH)
    return _joined([vars(session(squares[start : start + _BATCH])) for start in starts])


def _joined(parts: Sequence[Mapping[str, NDArray[np.float32] | None]]) -> Outputs:
    names = [name for name in ("probabilities", "position") if parts[0].get(name) is not None]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in names}
