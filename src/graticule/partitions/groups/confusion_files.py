"""Confusion matrices from files: squares of numbers with or without names, or one row per pair of classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.errors import MissingFileError, TableError

Array = NDArray[np.float64]


class Confusion(NamedTuple):
    """How often a model took one class for another.

    Convention:
        - ``counts``: (C, C), row: the true class, column: the predicted one; not negative
        - ``classes``: (C,) names, or None where the file has none
    """

    counts: Array
    classes: tuple[str, ...] | None


def read_confusion(path: str | Path) -> Confusion:
    """A confusion matrix from a CSV.

    Convention:
        - a square of numbers; with a first line of class names, and with or without a first column of them
        - or one row per pair: columns ``true``, ``predicted`` and ``count``

    Raises:
        MissingFileError: there is no such file.
        TableError: it is no CSV, not square, names its rows and columns differently, or has a number that is
            negative or none.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"There is no confusion matrix '{source}'.\nName a CSV with `confusion`.")
    try:
        table = pl.read_csv(source, has_header=False, infer_schema=False, comment_prefix="#")
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise TableError(
            f"Confusion matrix '{source}' is no CSV that can be read: {error}.\nExport it again."
        ) from error
    cells = [[(text or "").strip() for text in row] for row in table.rows()]
    heads = [text.lower() for text in cells[0]]
    if {"true", "predicted", "count"} <= set(heads):
        return _from_pairs(cells[1:], [heads.index(name) for name in ("true", "predicted", "count")], source)
    return _from_square(cells, source)


def _from_square(cells: list[list[str]], source: Path) -> Confusion:
    height, width = len(cells), len(cells[0])
    named = not all(_is_number(text) for text in cells[0])
    columns: list[str] | None = None
    rows: list[str] | None = None
    if height == width + 1 or (height == width and named):
        columns, cells = cells[0], cells[1:]
    if width == height + 1 or (height == width and named):
        rows, cells = [row[0] for row in cells], [row[1:] for row in cells]
        columns = None if columns is None else columns[1:]
    if not cells or len(cells[0]) != len(cells):
        raise TableError(
            f"Confusion matrix '{source}' has {height} rows of {width} columns; it has to be square.\n"
            "Give a row for each true class and a column for each predicted one."
        )
    if columns is not None and rows is not None and columns != rows:
        at = next(index for index, pair in enumerate(zip(rows, columns, strict=True)) if pair[0] != pair[1])
        raise TableError(
            f"Confusion matrix '{source}' calls class {at + 1} '{rows[at]}' in its rows and '{columns[at]}' "
            "in its columns.\nPut both in the same order."
        )
    return _checked(cells, columns or rows, source)


def _from_pairs(cells: list[list[str]], at: Sequence[int], source: Path) -> Confusion:
    true, predicted, count = ([row[index] for row in cells] for index in at)
    classes = sorted({*true, *predicted})
    number = {name: index for index, name in enumerate(classes)}
    square = [["0"] * len(classes) for _ in classes]
    for one, other, text in zip(true, predicted, count, strict=True):
        square[number[one]][number[other]] = text
    return _checked(square, classes, source)


def _checked(square: list[list[str]], classes: list[str] | None, source: Path) -> Confusion:
    wrong = [text for row in square for text in row if not _is_number(text) or float(text) < 0]
    if wrong:
        raise TableError(
            f"Confusion matrix '{source}' has '{wrong[0]}' for a count, expected numbers from 0.\n"
            "Give counts or shares of photos."
        )
    if classes is not None and len(set(classes)) < len(classes):
        raise TableError(f"Confusion matrix '{source}' has two classes of one name.\nRename one of them.")
    counts = np.array([[float(text) for text in row] for row in square], dtype=np.float64)
    return Confusion(counts, None if classes is None else tuple(classes))


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
