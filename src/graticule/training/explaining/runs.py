"""A run's folder, ready to be explained: its network in torch, and the same as a model without torch.

In: the folder of a run of ``graticule train``. Out: a ``Model`` for targets, occlusion and checks, and
further methods of explaining.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graticule.bundle import Bundle, BundleCard
from graticule.config import require
from graticule.explanations import Method, SaliencyMap, Target
from graticule.explanations.explaining import OF_RUNS
from graticule.explanations.randomising import weight_tensors
from graticule.explanations.stating import stated
from graticule.inference import Model
from graticule.models import PlaceNetwork
from graticule.training.explaining.attention import (
    Attention,
    explained_number,
    gradient_weighted,
    last_layer,
    on_grid,
    rollout,
)
from graticule.training.exporting.export import body_in_words, trained_network
from graticule.training.exporting.parity import bare_graph
from graticule.training.run_folder import RunFolder

_MEANINGS: Final = {
    "attention": "How much of the last layer's attention lies on each patch, of all heads alike; a share. It "
    "is of the network's view, not of the target.",
    "rollout": "How much of the attention through all layers comes from each patch; a share. It is of the "
    "network's view, not of the target.",
    "gradient-attention": "How much of the attention speaks for the target: weighted with the gradient of "
    "its log-probability, what speaks against it cut off.",
    "integrated-gradients": "What each pixel adds to the log-probability of the target on the way from grey "
    "to the photo, in nats; all of them together are the whole difference.",
}
_UNITS: Final = {"attention": "share", "rollout": "share", "gradient-attention": "relevance"}
_STEPS: Final = 64  # of the way from grey to the photo
_GREY: Final = 0.5


def read_run(path: str | Path, *, checkpoint: str | None = None, threads: int | None = None) -> ExplainedRun:
    """A run of ``graticule train``, to be explained.

    Convention:
        - ``checkpoint``: ``best_loss`` or ``best_accuracy``; the recipe's choice when left out
        - the model states what the network says: neither calibrated nor corrected by a prior, as no photo of
          the run is looked at; a bundle (``graticule export``) is both

    Raises:
        MissingFileError: this is no run, or it has no such checkpoint.
        TrainingError: the run is damaged.
    """
    run = RunFolder(Path(path))
    recipe, partition = run.read_recipe(), run.read_cells()
    network = trained_network(run, recipe, partition, checkpoint or recipe.evaluation.checkpoint)
    card = BundleCard(
        name=recipe.card.name,
        architecture=body_in_words(recipe),
        head=recipe.network.head.name.upper(),
        licence=recipe.card.licence,
        estimate=recipe.estimate,
    )
    bundle = Bundle(card, partition, bare_graph(network, partition, recipe), "")
    return ExplainedRun(Model(bundle, threads=threads), network)


@dataclass(eq=False)
class ExplainedRun:
    """A run's network, in torch and as a model.

    Convention:
        - ``methods``: by name, those of ``OF_RUNS``
    """

    model: Model
    network: PlaceNetwork
    _strangers: dict[int, tuple[Model, PlaceNetwork]] = field(default_factory=dict)

    @property
    def methods(self) -> dict[str, Method]:
        """What ``graticule.explanations.explain`` takes as methods."""
        return {name: Method(name, title, _Run(self, name)) for name, title in OF_RUNS.items()}

    def network_of(self, model: Model) -> PlaceNetwork:
        """The network in torch of this run's model, or of that with its weights shuffled."""
        if model.model_onnx == self.model.model_onnx:
            return self.network
        if id(model) not in self._strangers:
            self._strangers[id(model)] = (model, _with_weights(self.network, self.model, model))
        return self._strangers[id(model)][1]


@dataclass(frozen=True, eq=False)
class _Run:
    """One method of a run, as a function of model, square and target."""

    run: ExplainedRun
    name: str

    def __call__(self, model: Model, square: NDArray[np.uint8], target: Target) -> SaliencyMap:
        shares = stated(model, square[None])
        sides = target.of(shares)[0]
        network = self.run.network_of(model)
        image = torch.from_numpy(square.copy()).permute(2, 0, 1)[None].float() / 255
        weights = torch.from_numpy(np.array(sides, dtype=np.float32))
        if self.name == "integrated-gradients":
            number, values, passes = _integrated(network, image, weights)
        else:
            number, values = _attention(self.name, network, image, weights)
            passes = 1
        unit = _UNITS.get(self.name, "nats")
        return SaliencyMap(self.name, target.words, values, sides, number, passes, _MEANINGS[self.name], unit)


def _attention(
    name: str, network: PlaceNetwork, image: Tensor, weights: Tensor
) -> tuple[float, NDArray[np.float32]]:
    attention = Attention(network)
    number, layers, gradients = attention.look(image, weights)
    row = attention.row(layers[0].shape[-1])
    if name == "gradient-attention":
        tokens = gradient_weighted(layers, gradients, row)
    else:
        tokens = (rollout if name == "rollout" else last_layer)(layers, row)
    return number, on_grid(tokens, attention.prefix)


def _integrated(
    network: PlaceNetwork, image: Tensor, weights: Tensor
) -> tuple[float, NDArray[np.float32], int]:
    """Integrated gradients of each pixel, its colours together, (H, W)."""
    captum = require("captum.attr")

    def number(pictures: Tensor, sides: Tensor) -> Tensor:
        return explained_number(network, pictures, sides)

    found: Tensor = captum.IntegratedGradients(number).attribute(
        image,
        baselines=torch.full_like(image, _GREY),
        additional_forward_args=(weights[None],),
        n_steps=_STEPS,
        internal_batch_size=8,
    )
    with torch.no_grad():
        score = float(explained_number(network, image, weights[None])[0])
    return score, found[0].sum(dim=0).detach().numpy().astype(np.float32), _STEPS


def _with_weights(network: PlaceNetwork, before: Model, after: Model) -> PlaceNetwork:
    """A copy of the network with those weights changed that the other model has changed.

    What the graph keeps under another name (a matrix that it turned) is shuffled here, where others than the
    last layers' were.
    """
    stranger = copy.deepcopy(network)
    tensors = stranger.state_dict()
    changed, known = set(), set()
    for old, new in zip(weight_tensors(before.model_onnx), weight_tensors(after.model_onnx), strict=True):
        numbers = after.model_onnx[new.begin : new.end]
        known.add(new.name)
        if before.model_onnx[old.begin : old.end] != numbers:
            changed.add(new.name)
            if new.name in tensors and tensors[new.name].shape == new.shape:
                tensors[new.name].copy_(
                    torch.frombuffer(bytearray(numbers), dtype=torch.float32).reshape(new.shape)
                )
    if any(not name.startswith("head.") for name in changed):
        random = torch.Generator().manual_seed(0)
        for name, tensor in tensors.items():
            if tensor.ndim > 1 and name not in known:
                order = torch.randperm(tensor.numel(), generator=random)
                tensor.copy_(tensor.flatten()[order].reshape(tensor.shape))
    return stranger
