"""The graph of a network with the weights asked for, and how far its answers are from torch's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from graticule.errors import PhotoError, TrainingError
from graticule.inference.network import Network
from graticule.models import PlaceNetwork
from graticule.partitions import Partition
from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode
from graticule.training.onnx_graph import halved, to_onnx, with_metadata
from graticule.training.photo_sets import PhotoSet
from graticule.training.quantising import quantised
from graticule.training.recipe import Recipe

Weights = Literal["float32", "float16", "int8"]

TOLERANCE: Final = 1e-4
"""A float32 graph whose probabilities differ by more from torch's is not exported."""

_BATCH: Final = 32


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
            f"Parity of {self.weights} with torch on {self.photos:,} validation photos: probabilities differ "
            f"by at most {self.max_difference:.2g}; the best cell is the same for {self.same_best:.1%}."
        )


@dataclass(frozen=True)
class CheckedGraph:
    """A graph that was run.

    Convention:
        - ``onnx``: with the weights asked for; ``probabilities``: its answers (N, K), float32
        - ``parity``: of float32 and of the weights asked for
    """

    onnx: bytes
    probabilities: NDArray[np.float32]
    parity: list[Parity]


def checked_graph(
    network: PlaceNetwork, partition: Partition, recipe: Recipe, squares: NDArray[np.uint8], weights: Weights
) -> CheckedGraph:
    """The graph of ``network``, compared with it.

    Convention:
        - ``squares``: (N, S, S, 3) uint8 RGB to compare on, and to measure the ranges of int8 with

    Raises:
        TrainingError: the float32 graph differs from torch by more than ``TOLERANCE``.
    """
    metadata = _metadata(network, partition, recipe)
    expected = _torch_probabilities(network, squares)
    plain = with_metadata(to_onnx(network), metadata)
    graph = plain.SerializeToString()
    probabilities = _onnx_probabilities(graph, squares)
    parity = [_compare("float32", probabilities, expected)]
    if not parity[0].max_difference <= TOLERANCE:
        raise TrainingError(
            f"The exported graph does not do what the network does. {parity[0].in_words()} At most "
            f"{TOLERANCE:g} "
            "is allowed, so nothing was written.\nPlease report this, with the recipe.yaml of the run."
        )
    if weights != "float32":
        other = halved(plain) if weights == "float16" else quantised(to_onnx(network, fold=True), squares)
        graph = with_metadata(other, metadata).SerializeToString()
        probabilities = _onnx_probabilities(graph, squares)
        parity.append(_compare(weights, probabilities, expected))
    return CheckedGraph(graph, probabilities, parity)


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


def _compare(weights: Weights, found: NDArray[np.float32], expected: NDArray[np.float32]) -> Parity:
    return Parity(
        weights=weights,
        photos=len(found),
        max_difference=float(np.abs(found - expected).max()),
        same_best=float((found.argmax(axis=1) == expected.argmax(axis=1)).mean()),
    )


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
