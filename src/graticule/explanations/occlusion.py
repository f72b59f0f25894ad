"""Occlusion: cover a patch, ask again, and see how far the answer falls. Works with every model of cells.

In: a square of pixels and a model. Out: the drop of the explained number, in nats, for every place of the
patch, or for every pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from PIL import Image, ImageFilter

from graticule.errors import UsageError
from graticule.explanations.coarse_to_fine import can_be_coarse, coarse_budget, coarse_to_fine
from graticule.explanations.saliency_map import SaliencyMap
from graticule.explanations.stating import stated, stated_each
from graticule.explanations.targets import BEST, Target, log_probability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.inference import Model

Fill = Literal["grey", "blur", "mean"]
FILLS: Final[tuple[Fill, ...]] = ("grey", "blur", "mean")

MEANING: Final = (
    "How far the log-probability of the target falls, in nats, when a patch there is covered: the mean over "
    "the patches that cover a pixel; below 0 it rises."
)

_GREY: Final = 128


@dataclass(frozen=True)
class OcclusionSettings:
    """How a photo is covered.

    Convention:
        - ``patch_px``, ``stride_px``: of the square that the network sees; ``fill``: ``grey`` (128), ``blur``
          (the photo, blurred by half a patch) or ``mean`` (its mean colour)
        - ``coarse``: look at a tenth of the places only (``coarse_to_fine``)

    Raises:
        UsageError: a patch or stride below 1, or an unknown fill.

    Source:
        S1, Experiment 1: 32 x 32 px with a stride of 8.
    """

    patch_px: int = 32
    stride_px: int = 8
    fill: Fill = "grey"
    coarse: bool = False

    def __post_init__(self) -> None:
        if min(self.patch_px, self.stride_px) < 1:
            raise UsageError(
                f"Patch and stride of an occlusion are at least 1 pixel; got {self.patch_px} and "
                f"{self.stride_px}.\nS1's are 32 and 8."
            )
        if self.fill not in FILLS:
            raise UsageError(f"There is no fill '{self.fill}'. Expected one of: {', '.join(FILLS)}.")


Progress = Callable[[int, int], None]
"""Called with how many pictures are done, and of how many."""


def occlusion(
    model: Model,
    square: NDArray[np.uint8],
    target: Target | None = None,
    settings: OcclusionSettings | None = None,
    *,
    on_progress: Progress | None = None,
) -> SaliencyMap:
    """The occlusion map of one photo.

    Convention:
        - ``square``: uint8 RGB (size_px, size_px, 3), from ``views.view_of``
        - ``target``: the photo's best cell when left out; probabilities are those that the model states
        - values: (size_px, size_px), in nats: the mean drop over all patches that cover a pixel

    Raises:
        UsageError: the patch is larger than the square, or the model has no cells.

    Source:
        M. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks" (2014).
    """
    said, chosen = settings or OcclusionSettings(), target or Target(BEST)
    starts = patch_starts(len(square), said.patch_px, said.stride_px)
    covered = occlusion_drops(model, square, chosen, said, on_progress=on_progress)
    values = _per_pixel(covered.drops, starts, said.patch_px, len(square))
    return SaliencyMap(
        "occlusion", chosen.words, values, covered.weights, covered.score, covered.passes, MEANING
    )


@dataclass(frozen=True, eq=False)
class Drops:
    """What covering one patch after the other did.

    Convention:
        - ``drops``: (n, n) in nats; row i, column j: the patch begins at ``patch_starts(...)[i]``, ``[j]``
        - ``weights``: (K,), what was explained; ``score``: it without a patch, in nats; ``passes``: pictures
          shown
    """

    drops: NDArray[np.float64]
    weights: NDArray[np.float64]
    score: float
    passes: int


def occlusion_drops(
    model: Model,
    square: NDArray[np.uint8],
    target: Target | None = None,
    settings: OcclusionSettings | None = None,
    *,
    on_progress: Progress | None = None,
) -> Drops:
    """The drop for every place of the patch.

    Raises:
        UsageError: as ``occlusion``.
    """
    said = settings or OcclusionSettings()
    starts = patch_starts(len(square), said.patch_px, said.stride_px)
    whole = stated(model, square[None])
    weights = (target or Target(BEST)).of(whole)[0]
    score = float(log_probability(whole[0], weights))
    cover = filled(square, said.fill, said.patch_px)
    count, done = len(starts), 0
    is_coarse = said.coarse and can_be_coarse(count)
    planned = coarse_budget(count) if is_coarse else count * count

    def look(places: NDArray[np.intp]) -> NDArray[np.float64]:
        nonlocal done
        found = np.empty(len(places))
        pictures = _covered(square, cover, starts[places], said.patch_px)
        for number, shares in enumerate(stated_each(model, pictures)):
            found[number] = score - log_probability(shares, weights)
            done += 1
            if on_progress:
                on_progress(done, planned)
        return found

    every = np.argwhere(np.ones((count, count), dtype=bool))
    drops = coarse_to_fine(look, count) if is_coarse else look(every).reshape(count, count)
    return Drops(drops, weights, score, done + 1)


def _covered(
    square: NDArray[np.uint8], cover: NDArray[np.uint8], corners: NDArray[np.intp], patch_px: int
) -> Iterator[NDArray[np.uint8]]:
    """The square with a patch at each corner (row, column) in turn."""
    for row, column in corners:
        picture, here = square.copy(), np.s_[row : row + patch_px, column : column + patch_px]
        picture[here] = cover[here]
        yield picture


def filled(square: NDArray[np.uint8], fill: Fill, patch_px: int) -> NDArray[np.uint8]:
    """The square that shows through a patch: grey, the mean colour, or the photo blurred by half a patch.

    Example:
        >>> int(filled(np.full((4, 4, 3), 9, dtype=np.uint8), "mean", 2)[0, 0, 0])
        9
    """
    if fill == "blur":
        blurred = Image.fromarray(square).filter(ImageFilter.GaussianBlur(patch_px / 2))
        return np.asarray(blurred, dtype=np.uint8)
    colour = np.full(3, _GREY) if fill == "grey" else square.reshape(-1, 3).mean(axis=0).round()
    return np.broadcast_to(colour.astype(np.uint8), square.shape)


def patch_starts(size_px: int, patch_px: int, stride_px: int) -> NDArray[np.intp]:
    """Where patches begin along a side: every stride, and one more that ends at the edge.

    Raises:
        UsageError: the patch is larger than the square.

    Example:
        >>> patch_starts(10, 4, 4).tolist()
        [0, 4, 6]
    """
    if patch_px > size_px:
        raise UsageError(
            f"A patch of {patch_px} px does not fit the square of {size_px} px that the network sees.\n"
            f"Take a smaller one, for example an eighth:  {max(1, size_px // 8)}"
        )
    return np.unique(np.append(np.arange(0, size_px - patch_px + 1, stride_px), size_px - patch_px))


def _per_pixel(
    drops: NDArray[np.float64], starts: NDArray[np.intp], patch_px: int, size_px: int
) -> NDArray[np.float32]:
    # how often the patch that begins at starts[i] covers pixel x: separable in rows and columns
    pixels = np.arange(size_px)
    covers = ((pixels >= starts[:, None]) & (pixels < starts[:, None] + patch_px)).astype(np.float64)
    counts = covers.sum(axis=0)
    total = covers.T @ drops @ covers
    many = np.outer(counts, counts)  # zero where the stride leaves gaps between patches
    return np.divide(total, many, out=np.zeros_like(total), where=many > 0).astype(np.float32)
