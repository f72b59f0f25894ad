"""Reads the cells of a published quadtree, such as OSV-5M's ``quadtree_10_1000.csv``, as a partition."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from graticule.errors import MissingFileError, PartitionError
from graticule.geo.sphere import unit_vectors
from graticule.partitions.boxes.grid import Grid
from graticule.partitions.boxes.quadtree import DEEPEST, ROOT, quadtree_partition
from graticule.partitions.cells.box_cells import LETTERS, BoxCells
from graticule.partitions.partition import Partition, Source
from graticule.partitions.places import checked_places, places_fingerprint

COLUMNS: Final = ("cluster_id", "min_lat", "min_lon", "max_lat", "max_lon", "mean_lat", "mean_lon")
"""Columns of the file; degrees but for the number of the cell."""

_SAME: Final = 1e-9  # share of a finest box by which an edge may miss the grid


def read_quadtree(path: str | Path, latlon: ArrayLike, weights: ArrayLike | None = None) -> Partition:
    """The cells of the file, numbered as there, with the photos of ``latlon`` counted into them.

    Convention:
        - ``path``: CSV, gzip or not, with the columns of ``COLUMNS``
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees**, ``weights``: (N,) photos at each, or
          None; photos in no cell count as dropped, and a cell may have none
        - centres are the means of the file, so a model of that file answers as it did

    Raises:
        MissingFileError: there is no such file.
        PartitionError: the file lacks a column, or its boxes are no quadtree in the order of its numbers.
        CoordinateError, TableError, UsageError: as ``build_quadtree``, on the places.

    Source:
        https://huggingface.co/osv5m/baseline, ``quadtree_10_1000.csv`` (MIT).
    """
    frame = _read(Path(path))
    boxes = frame.select("min_lat", "min_lon", "max_lat", "max_lon").to_numpy()
    means = frame.select("mean_lat", "mean_lon").to_numpy()
    grid, tokens = _grid(boxes, Path(path))
    places, photos = checked_places(latlon, weights)
    cells = BoxCells(grid.boxes(tokens), [token[1:].translate(LETTERS) for token in tokens]).encode(places)
    covered = cells >= 0
    counts = np.bincount(cells[covered], None if photos is None else photos[covered], len(tokens)).astype(
        np.int64
    )
    everything = len(places) if photos is None else int(photos.sum())
    source = Source(
        photos=everything,
        places=len(places),
        dropped_photos=everything - int(counts.sum()),
        dropped_cells=0,
        fingerprint=places_fingerprint(places, photos),
    )
    parameters = {"file": Path(path).name, "depth": grid.depth, "cells": len(tokens)}
    sums = unit_vectors(means) * np.maximum(counts, 1)[:, None]
    return quadtree_partition(grid, tokens, counts, sums, parameters, source, means)


def _read(path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_csv(path)
    except FileNotFoundError as error:
        raise MissingFileError(
            f"There is no file of cells '{path}'.\nGive the CSV that OSV-5M publishes as `from_file`."
        ) from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise PartitionError(
            f"File '{path}' cannot be read as CSV ({str(error).splitlines()[0]}).\n"
            "Give the CSV that OSV-5M publishes as `from_file`."
        ) from error
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise PartitionError(
            f"File '{path}' lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)} "
            f"(found: {', '.join(frame.columns)}).\nGive the CSV that OSV-5M publishes as `from_file`."
        )
    try:
        numbers = frame.select(pl.col(COLUMNS).cast(pl.Float64)).sort("cluster_id")
    except pl.exceptions.PolarsError as error:
        raise _no_quadtree(path, "a value is not a number") from error
    if not frame.height or numbers.null_count().sum_horizontal().item():
        raise _no_quadtree(path, "a value is missing")
    if not np.array_equal(numbers["cluster_id"].to_numpy(), np.arange(frame.height)):
        raise _no_quadtree(path, "its cells are not numbered 0, 1, 2, ...")
    return numbers


def _grid(boxes: NDArray[np.float64], path: Path) -> tuple[Grid, list[str]]:
    """The grid that the boxes lie on, and their tokens."""
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    size = boxes[:, 2:] - boxes[:, :2]
    if not (np.isfinite(boxes).all() and (size > 0).all() and (np.abs(boxes[:, ::2]) <= 90).all()):
        raise _no_quadtree(path, "a box has no height or width, or lies off the Earth")
    halvings = np.log2((high - low) / size)
    level = np.rint(halvings[:, 0]).astype(np.int64)
    if np.abs(halvings - level[:, None]).max() > 1e-6 or level.max() > DEEPEST:
        raise _no_quadtree(path, "a box is not a half of a half ... of the whole")
    grid = Grid.of(low.tolist(), high.tolist(), int(level.max()))
    at = np.rint((boxes[:, :2] - low) / (high - low) * (1 << level)[:, None]).astype(np.int64)
    tokens = [
        ROOT + "".join(str(2 * (row >> step & 1) + (column >> step & 1)) for step in range(depth - 1, -1, -1))
        for (row, column), depth in zip(at.tolist(), level.tolist(), strict=True)
    ]
    if np.abs(grid.boxes(tokens) - boxes).max() > _SAME * float(((high - low) / (1 << grid.depth)).min()):
        raise _no_quadtree(path, "a box lies beside the grid of the others")
    if any(after <= before or after.startswith(before) for before, after in pairwise(tokens)):
        raise _no_quadtree(path, "boxes overlap, or are not numbered as a quadtree is walked")
    return grid, tokens


def _no_quadtree(path: Path, why: str) -> PartitionError:
    return PartitionError(
        f"File '{path}' holds no quadtree: {why}.\nGive the CSV as OSV-5M publishes it as `from_file`."
    )
