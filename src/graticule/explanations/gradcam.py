"""Grad-CAM from the exported network: the answer and its map in one pass, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from graticule.errors import ExplanationError
from graticule.explanations.saliency_map import SaliencyMap
from graticule.explanations.stating import calibrated, stated
from graticule.explanations.targets import BEST, Target, check_cells, log_probability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.inference import Model


MEANING: Final = (
    "How much each place of the last feature map adds to the log-probability of the target, to first order, "
    "in nats; above 0 it speaks for the target, below 0 against it."
)


def gradcam(model: Model, squares: NDArray[np.uint8], target: Target | None = None) -> list[SaliencyMap]:
    """The Grad-CAM of each photo for a target, signed: S4 and the paper draw its positive part.

    Convention:
        - ``squares``: uint8 RGB (B, size_px, size_px, 3), from ``views.view_of``
        - ``target``: each photo's best cell when left out
        - values: (h, w) of the last feature map, in nats; of the network's own probabilities, before
          temperature and scaling. Where the map is pooled by its mean, their sum is what all of it adds

    Raises:
        UsageError: the model has no cells.
        ExplanationError: the network has no feature map, or the bundle was exported before there was
            Grad-CAM; it says which methods work.

    Source:
        R. Selvaraju et al., "Grad-CAM" (2017); S4 (2023), 6.7.2.

    Example:
        >>> from graticule.inference import load_model
        >>> model = load_model()
        >>> maps = gradcam(model, np.zeros((1, 224, 224, 3), dtype=np.uint8))
        >>> maps[0].values.shape
        (7, 7)
    """
    target = target or Target(BEST)
    check_cells(model)
    if not model.network.gives_saliency:
        raise ExplanationError(
            f"The bundle of '{model.card.name}' ({model.card.architecture}) gives no Grad-CAM: its network "
            "has no convolution map that is pooled, or it was exported before there was Grad-CAM.\n"
            "This works with every model:  graticule explain PHOTO --method occlusion\n"
            "For a convolutional network export it again:  graticule export RUN -o BUNDLE"
        )
    weights = target.weights
    if weights is None and (target.contrasts or target.groups is not None or model.card.scaling is not None):
        # the graph knows its own best cell alone; scaling may make another one the best
        weights = target.of(stated(model, squares))
    answer, maps = model.network.explained(squares, weights)
    shares = calibrated(model, answer.probabilities)
    chosen = target.of(shares)
    scores = log_probability(shares, chosen)
    return [
        SaliencyMap("gradcam", target.words, values, sides, float(score), 1, MEANING)
        for values, sides, score in zip(maps, chosen, scores, strict=True)
    ]
