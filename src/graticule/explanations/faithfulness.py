"""Is a map faithful: does the answer fall faster when what the map names is covered first?

In: a square of pixels, a model, orders of its blocks. Out: deletion and insertion curves in nats and the
areas under them, for maps as for a random order and for one from the middle outwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from graticule.explanations.occlusion import filled
from graticule.explanations.stating import stated_each
from graticule.explanations.targets import log_probability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.explanations.saliency_map import SaliencyMap
    from graticule.inference import Model

    Floats = NDArray[np.float64]
    Order = NDArray[np.intp]

GRID: Final = 14
"""Blocks along each side: all orders cover blocks of one size, so that they differ in nothing else."""

STEPS: Final = 14
"""Points of a curve after the first; each covers so many blocks more."""

_BLUR: Final = 4  # what is covered shows the photo, blurred by an eighth of its side


@dataclass(frozen=True, eq=False)
class Curves:
    """How the explained number changes along an order of blocks.

    Convention:
        - ``deletion``: (STEPS + 1,) nats, from the whole photo to all covered, the first of the order first;
          ``insertion``: from all covered to the whole photo; both less the number of the whole photo
    """

    deletion: Floats
    insertion: Floats

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve in nats over shares of the photo; the lower, the more faithful."""
        return area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve in nats; the higher, the more faithful."""
        return area(self.insertion)


def area(curve: Floats) -> float:
    """Area under a curve whose points lie evenly from 0 to 1, by trapezoids.

    Example:
        >>> area(np.array([0.0, 1.0, 2.0]))
        1.0
    """
    return float(((curve[1:] + curve[:-1]) / 2).mean())


def order_of(map_: SaliencyMap, grid: int = GRID) -> Order:
    """The blocks 0..grid*grid-1, row by row, what speaks most for the target first.

    Example:
        >>> from graticule.explanations import SaliencyMap
        >>> values = np.array([[0, 3], [1, -2]], dtype=np.float32)
        >>> order_of(SaliencyMap("", "", values, np.ones(1), 0.0, 1, ""), 2).tolist()
        [1, 2, 0, 3]
    """
    return np.argsort(-map_.resized(grid, grid).ravel(), kind="stable")


def centre_order(grid: int = GRID) -> Order:
    """From the middle outwards: what photographers do, and no explanation of a model.

    Example:
        >>> centre_order(3)[0], sorted(centre_order(3)[-4:].tolist())
        (np.int64(4), [0, 2, 6, 8])
    """
    offsets = np.arange(grid) - (grid - 1) / 2
    return np.argsort(np.add.outer(offsets**2, offsets**2).ravel(), kind="stable")


def random_orders(count: int, seed: int, grid: int = GRID) -> list[Order]:
    """So many orders by chance; the same seed gives the same ones."""
    random = np.random.default_rng(seed)
    return [random.permutation(grid * grid) for _ in range(count)]


def curves(
    model: Model, square: NDArray[np.uint8], weights: Floats, orders: Mapping[str, Order]
) -> dict[str, Curves]:
    """The curves of each order, of one photo.

    Convention:
        - ``square``: (S, S, 3) uint8; ``weights``: (K,), what is explained (``targets.Target``)
        - ``orders``: by name, each of GRID * GRID blocks
        - what is covered shows the photo itself, blurred so far that only its colours are left: no edge that
          a network never saw

    Raises:
        UsageError: the model has no cells.

    Source:
        V. Petsiuk et al., "RISE: Randomized Input Sampling for Explanation of Black-box Models" (2018), 4.2;
        of the log-probability rather than the probability, in blocks rather than pixels.
    """
    cover = filled(square, "blur", len(square) // _BLUR)
    pictures = _pictures(square, cover, list(orders.values()))
    scores = np.array([log_probability(shares, weights) for shares in stated_each(model, pictures)])
    whole, none, inner = scores[0], scores[1], scores[2:].reshape(len(orders), 2, STEPS - 1)
    return {
        name: Curves(
            deletion=np.concatenate([[0.0], deletion - whole, [none - whole]]),
            insertion=np.concatenate([[none - whole], insertion - whole, [0.0]]),
        )
        for name, (deletion, insertion) in zip(orders, inner, strict=True)
    }


def _pictures(
    square: NDArray[np.uint8], cover: NDArray[np.uint8], orders: list[Order]
) -> Iterator[NDArray[np.uint8]]:
    """The photo, its cover, and for each order STEPS - 1 pictures with blocks deleted, then inserted."""
    yield square
    yield cover
    blocks = np.arange(len(square)) * GRID // len(square)
    of_pixel = blocks[:, None] * GRID + blocks
    for order in orders:
        rank = np.empty(len(order), dtype=np.intp)
        rank[order] = np.arange(len(order))
        ranks = rank[of_pixel][..., None]
        for step in range(1, STEPS):
            yield np.where(ranks < len(order) * step // STEPS, cover, square)
        for step in range(1, STEPS):
            yield np.where(ranks < len(order) * step // STEPS, square, cover)
