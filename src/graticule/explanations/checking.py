"""Whether methods of explaining can be trusted for a model: measured on photos, against chance.

In: explanations of photos. Out: areas under deletion and insertion curves with intervals over photos, beside
a random order and one from the middle outwards, and how much maps change when the weights are shuffled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from graticule.evaluation.intervals import Ratio, resample
from graticule.explanations.faithfulness import (
    GRID,
    STEPS,
    Curves,
    centre_order,
    curves,
    order_of,
    random_orders,
)
from graticule.explanations.randomising import randomised, weight_tensors
from graticule.explanations.targets import Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.explanations.explaining import Explanation, Method
    from graticule.explanations.saliency_map import SaliencyMap
    from graticule.inference import Model

    Floats = NDArray[np.float64]

RANDOM: Final = "random"
CENTRE: Final = "centre"
DRAWS: Final = 3
"""Random orders per photo; their mean counts."""

HEAD: Final = "head."
"""The last layers' weights are called so in bundles."""

CHANGED: Final = 0.5
"""A rank correlation with the map of shuffled weights below this is a map that has changed."""


@dataclass(frozen=True, eq=False)
class Check:
    """What was measured of N photos.

    Convention:
        - ``curves``: by method, and ``random`` and ``centre``; for each photo in order
        - ``alike``: by method: rank correlations (N,) of each map with that of a network with all weights
          shuffled (``all``) or those of the last layers (``head``), where it has such
        - ``titles``: what people call the methods
    """

    curves: dict[str, list[Curves]]
    alike: dict[str, dict[str, Floats]]
    titles: dict[str, str]

    @property
    def photos(self) -> int:
        """How many."""
        return len(next(iter(self.curves.values())))

    def areas(self, name: str) -> dict[str, Floats]:
        """``deletion`` and ``insertion``, each (N,) in nats, of a method or baseline."""
        return {
            "deletion": np.array([each.deletion_area for each in self.curves[name]]),
            "insertion": np.array([each.insertion_area for each in self.curves[name]]),
        }

    def to_dict(self) -> dict[str, Any]:
        """Means, and 95 % intervals over photos where there are six or more, as JSON values."""
        return {
            "photos": self.photos,
            "unit": "nats, less the photo's own log-probability",
            "baselines": {name: _figures(self.areas(name)) for name in (RANDOM, CENTRE)},
            "methods": {name: self._of_method(name) for name in self.titles},
        }

    def _of_method(self, name: str) -> dict[str, Any]:
        own = self.areas(name)
        document: dict[str, Any] = _figures(own)
        for other in (RANDOM, CENTRE):
            theirs = self.areas(other)
            document[f"against_{other}"] = _figures({area: own[area] - theirs[area] for area in own})
        document["shuffled"] = {part: _figure(values) for part, values in self.alike[name].items()}
        return document


def _figures(values: dict[str, Floats]) -> dict[str, Any]:
    return {name: _figure(each) for name, each in values.items()}


def _figure(values: Floats) -> dict[str, Any]:
    low, high = resample({"mean": Ratio(values)}).interval("mean")
    return {
        "mean": round(float(values.mean()), 4),
        "interval": None if np.isnan(low) else [round(low, 4), round(high, 4)],
    }


def check(
    model: Model,
    explanations: Sequence[Explanation],
    methods: Sequence[Method],
    *,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Check:
    """Measure how faithful the maps of photos are, and whether they depend on what the model learned.

    Convention:
        - ``explanations``: at least one, each with a map of every one of ``methods``
        - each photo is shown 26 times for each map and baseline, and explained again with shuffled weights

    Raises:
        UsageError: the model has no cells.

    Source:
        V. Petsiuk et al., "RISE" (2018), for the curves; J. Adebayo et al., "Sanity Checks for Saliency Maps"
        (2018), for the shuffled weights.
    """
    strangers = _strangers(model, seed)
    found: dict[str, list[Curves]] = {name: [] for name in (*(each.name for each in methods), RANDOM, CENTRE)}
    alike: dict[str, dict[str, list[float]]] = {
        each.name: {part: [] for part in strangers} for each in methods
    }
    for number, explanation in enumerate(explanations):
        for name, each in _curves(model, explanation, seed + number).items():
            found[name].append(each)
        fixed = Target(explanation.target.words, explanation.map.weights)
        for part, stranger in strangers.items():
            for method in methods:
                other = (method.rough or method.run)(stranger, explanation.view.square, fixed)
                alike[method.name][part].append(rank_correlation(explanation.maps[method.name], other))
        if on_progress:
            on_progress(number + 1, len(explanations))
    return Check(
        found,
        {name: {part: np.array(values) for part, values in each.items()} for name, each in alike.items()},
        {each.name: each.title for each in methods},
    )


def _strangers(model: Model, seed: int) -> dict[str, Model]:
    """The model with all weights shuffled, and with those of its last layers where they are told apart."""
    names = [tensor.name for tensor in weight_tensors(model.model_onnx) if len(tensor.shape) > 1]
    parts = {"all": ""} | ({"head": HEAD} if any(name.startswith(HEAD) for name in names) else {})
    return {part: randomised(model, seed=seed, prefix=prefix) for part, prefix in parts.items()}


def _curves(model: Model, explanation: Explanation, seed: int) -> dict[str, Curves]:
    orders = {name: order_of(map_) for name, map_ in explanation.maps.items()}
    chance = {f"{RANDOM} {n}": order for n, order in enumerate(random_orders(DRAWS, seed))}
    found = curves(
        model, explanation.view.square, explanation.map.weights, orders | chance | {CENTRE: centre_order()}
    )
    drawn = [found.pop(name) for name in chance]
    found[RANDOM] = Curves(
        np.mean([each.deletion for each in drawn], axis=0),
        np.mean([each.insertion for each in drawn], axis=0),
    )
    return found


def rank_correlation(one: SaliencyMap, other: SaliencyMap) -> float:
    """Spearman's correlation of two maps, block by block; 0 where one of them is the same everywhere."""
    from scipy.stats import rankdata

    ranks = [rankdata(map_.resized(GRID, GRID).ravel()) for map_ in (one, other)]
    if min(np.ptp(each) for each in ranks) == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def in_words(document: dict[str, Any], titles: dict[str, str]) -> list[str]:
    """What ``Check.to_dict`` says, as sentences.

    Convention:
        - with six photos or more a difference counts where its interval leaves out 0; with fewer nothing is
          claimed beyond the photos themselves
    """
    photos = document["photos"]
    random = document["baselines"][RANDOM]
    lines = [
        f"Areas under curves of {STEPS} steps over {photos} photo{'s' if photos > 1 else ''}, in nats; "
        "deletion: lower is better, insertion: higher is better. At random: deletion "
        f"{random['deletion']['mean']:.3f}, insertion {random['insertion']['mean']:.3f}."
    ]
    for name, found in document["methods"].items():
        words = ", ".join(
            f"{area} {found[area]['mean']:.3f} ({_difference(found, area)})"
            for area in ("deletion", "insertion")
        )
        changes = "; ".join(_change(part, figure) for part, figure in found["shuffled"].items())
        lines.append(f"{titles.get(name, name)}: {words}; {changes}.")
    return lines


def _difference(found: dict[str, Any], area: str) -> str:
    words = []
    for other, called in ((RANDOM, "random"), (CENTRE, "middle first")):
        figure = found[f"against_{other}"][area]
        gain = -figure["mean"] if area == "deletion" else figure["mean"]
        verdict = "better" if gain > 0 else "worse"
        if figure["interval"] is None:
            verdict += " here"
        elif figure["interval"][0] <= 0 <= figure["interval"][1]:
            verdict = "no clear difference"
        words.append(f"{figure['mean']:+.3f} against {called}: {verdict}")
    return ", ".join(words)


def _change(part: str, figure: dict[str, Any]) -> str:
    which = "all weights" if part == "all" else "the last layer's weights"
    changed = figure["mean"] < CHANGED
    verdict = "the map changes" if changed else "the map hardly changes: do not trust it"
    return f"with {which} shuffled {verdict} (rank correlation {figure['mean']:.2f})"
