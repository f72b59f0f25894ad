"""The probabilities that a model states of squares of pixels: what explanations explain.

In: squares as the network sees them. Out: calibrated probabilities of its K cells, as in a prediction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from graticule.bundle.scaling import scaled
from graticule.explanations.targets import check_cells
from graticule.inference.looking import HANDFUL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.inference import Model

    Squares = NDArray[np.uint8]


def calibrated(model: Model, raw: NDArray[np.floating] | None) -> NDArray[np.float64]:
    """What the network gave, (B, K), after the model's temperature and scaling.

    Raises:
        UsageError: the model has no cells.
    """
    check_cells(model)
    assert raw is not None  # a network with cells gives probabilities
    return scaled(raw, temperature=model.card.temperature, scaling=model.card.scaling)


def stated(model: Model, squares: Squares) -> NDArray[np.float64]:
    """The probabilities (B, K) of a few squares (B, size_px, size_px, 3).

    Raises:
        UsageError: the model has no cells.
    """
    return calibrated(model, model.network(squares).probabilities)


def stated_each(model: Model, squares: Iterable[Squares]) -> Iterator[NDArray[np.float64]]:
    """The probabilities (K,) of many squares, one after the other in order, on all cores.

    Convention:
        - ``squares``: each (size_px, size_px, 3); they are taken as they are needed, so that many thousand
          need not be held at once

    Raises:
        UsageError: the model has no cells.
    """
    for answer in model.answers(_handfuls(squares)):
        yield from calibrated(model, answer.probabilities)


def _handfuls(squares: Iterable[Squares]) -> Iterator[Squares]:
    held = []
    for square in squares:
        held.append(square)
        if len(held) == HANDFUL:
            yield np.stack(held)
            held = []
    if held:
        yield np.stack(held)
