"""One photo, one or several methods: which parts of it the answer rests on.

In: a photo, a model, names of methods, what to explain. Out: signed maps with their meaning, and the photo as
the network saw it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from graticule.config import nearest
from graticule.errors import UsageError
from graticule.explanations.gradcam import gradcam
from graticule.explanations.occlusion import OcclusionSettings, occlusion
from graticule.explanations.saliency_map import SaliencyMap
from graticule.explanations.targets import BEST, Target, name_of, target_of
from graticule.explanations.views import View, view_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.inference import Model

Run = Callable[["Model", "NDArray[np.uint8]", Target], SaliencyMap]
"""(model, square (size_px, size_px, 3), target) -> map."""


@dataclass(frozen=True)
class Method:
    """A way of explaining.

    Convention:
        - ``name``; ``title``: what people call it; ``run``: what does it
        - ``rough``: nearly the same for less, where only likeness is asked for (maps of shuffled weights)
    """

    name: str
    title: str
    run: Run
    rough: Run | None = None


def occlusion_method(settings: OcclusionSettings | None = None) -> Method:
    """Occlusion with other settings than S1's."""
    said = settings or OcclusionSettings()
    rough = partial(_occlusion, replace(said, coarse=True))
    return Method("occlusion", "Occlusion", partial(_occlusion, said), rough)


def _occlusion(
    settings: OcclusionSettings, model: Model, square: NDArray[np.uint8], target: Target
) -> SaliencyMap:
    return occlusion(model, square, target, settings)


def _gradcam(model: Model, square: NDArray[np.uint8], target: Target) -> SaliencyMap:
    return gradcam(model, square[None], target)[0]


GRADCAM: Final = Method("gradcam", "Grad-CAM", _gradcam)

METHODS: Final[dict[str, Method]] = {method.name: method for method in (GRADCAM, occlusion_method())}
"""The methods that need no torch."""

OF_RUNS: Final[dict[str, str]] = {
    "attention": "Attention, last layer",
    "rollout": "Attention rollout",
    "gradient-attention": "Attention, weighted with its gradient",
    "integrated-gradients": "Integrated gradients",
}
"""Methods that need the network in torch, and what people call them (``graticule.training.explaining``)."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What mattered in one photo.

    Convention:
        - ``maps``: by method, in the order asked for; ``titles``: what people call the methods
        - ``name``: what is explained, for people: ``Lyon, FR``, ``China against Japan``
        - ``probability``: calibrated, of the cells explained, a share in [0, 1]; of a contrast the share of
          the one side in both
    """

    view: View
    target: Target
    name: str
    probability: float
    maps: dict[str, SaliencyMap]
    titles: dict[str, str]

    @property
    def map(self) -> SaliencyMap:
        """The map of the first method."""
        return next(iter(self.maps.values()))

    @cached_property
    def cells(self) -> list[int]:
        """The cells that are explained, without those they are held against."""
        return [int(cell) for cell in np.flatnonzero(self.map.weights > 0)]

    @property
    def sides(self) -> tuple[str, str]:
        """What is explained, and what it is held against (empty where there is nothing)."""
        one, _, other = self.name.partition(" against ")
        return one, other

    @property
    def share_in_words(self) -> str:
        """The probability for people: ``1.8 %``; of a contrast ``73.6 % of the two``."""
        return f"{100 * self.probability:.1f} %{' of the two' if self.target.contrasts else ''}"

    def to_dict(self, *, side: int = 14) -> dict[str, Any]:
        """As plain values: the target, and each map as at most ``side`` x ``side`` numbers."""
        return {
            "target": self.target.words,
            "name": self.name,
            "cells": self.cells,
            "probability": round(self.probability, 6),
            "maps": {name: map_.to_dict(side=side) for name, map_ in self.maps.items()},
        }


def explain(
    model: Model,
    photo: Any,
    method: str | Method | Sequence[str | Method] = "gradcam",
    *,
    target: str | Target = BEST,
    against: str | None = None,
) -> Explanation:
    """Which parts of a photo speak for a place, and which against it.

    Convention:
        - ``photo``: a path, the bytes of a file, a PIL image or an array, as ``predict`` takes one, or a
          ``View``
        - ``method``: ``gradcam`` (as fast as a prediction), ``occlusion`` (some seconds), a ``Method``, or
          several
        - ``target``, ``against``: as ``target_of``; the best cell when left out
        - the maps are signed, in nats of log-probability, of the square that the network sees

    Raises:
        PhotoError: the photo cannot be read.
        UsageError: no such method, cell, country or node, or a model without cells.
        ExplanationError: the network has no convolution map, which Grad-CAM needs; a ``ContrastError`` where
            the photo's own answer is all that it was to be held against.

    Example:
        >>> from graticule.inference import load_model
        >>> photo = np.zeros((300, 400, 3), dtype=np.uint8)
        >>> found = explain(load_model(), photo, "gradcam", target="country:CN", against="country:JP")
        >>> found.map.values.shape, found.map.unit, found.name
        ((7, 7), 'nats', 'China against Japan')
    """
    chosen = chosen_methods(method)
    aim = target if isinstance(target, Target) else target_of(model, target, against=against)
    view = photo if isinstance(photo, View) else view_of(model, photo)
    maps = {each.name: each.run(model, view.square, aim) for each in chosen}
    first = next(iter(maps.values()))
    odds = float(np.exp(first.score))
    return Explanation(
        view=view,
        target=aim,
        name=name_of(model, first.weights, aim.words),
        probability=odds / (1 + odds) if (first.weights < 0).any() else odds,
        maps=maps,
        titles={each.name: each.title for each in chosen},
    )


def chosen_methods(
    method: str | Method | Sequence[str | Method], *, more: Sequence[Method] = ()
) -> list[Method]:
    """The methods that are meant, each once, in order.

    Convention:
        - ``more``: methods that are known beside ``METHODS``, or stand in for one of them

    Raises:
        UsageError: no such method, or none at all.
    """
    known = METHODS | {each.name: each for each in more}
    found: dict[str, Method] = {}
    for each in [method] if isinstance(method, str | Method) else method:
        if isinstance(each, str) and each not in known:
            if each in OF_RUNS:
                raise UsageError(
                    f"The method '{each}' needs the network in torch, which a bundle does not hold.\n"
                    "Name the folder of a run of graticule train as the model, for example:  runs/mine"
                )
            close = nearest(each, known)
            raise UsageError(
                f"There is no method '{each}'. Expected some of: {', '.join(known)}."
                + (f"\nDid you mean:  {close}" if close else "")
            )
        chosen = known[each] if isinstance(each, str) else each
        found[chosen.name] = chosen
    if not found:
        raise UsageError(f"No method is named. Name some of: {', '.join(known)}.")
    return list(found.values())
