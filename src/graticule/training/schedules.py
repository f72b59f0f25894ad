"""Learning rates over a phase, as pure functions of how far it is: resuming needs no saved state."""

from __future__ import annotations

import math

from torch import nn, optim

from graticule.models import PlaceNetwork
from graticule.training.recipe import PhaseSection


def rate_factor(phase: PhaseSection, epochs_done: float) -> float:
    """The share of the phase's learning rate that applies after ``epochs_done`` epochs (a fraction counts).

    Source:
        Cosine: I. Loshchilov, F. Hutter, "SGDR" (2017), without restarts; linear warm-up before it.

    Example:
        >>> phase = PhaseSection(name="all", epochs=10, learning_rate=0.1, schedule="cosine")
        >>> [round(rate_factor(phase, epochs), 3) for epochs in (0, 5, 10)]
        [1.0, 0.5, 0.0]
    """
    if epochs_done < phase.warmup_epochs:
        return epochs_done / phase.warmup_epochs
    if phase.schedule == "constant":
        return 1.0
    length = max(phase.epochs - phase.warmup_epochs, 1e-9)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (epochs_done - phase.warmup_epochs) / length)))


def create_optimizer(network: PlaceNetwork, phase: PhaseSection) -> optim.AdamW:
    """AdamW over what trains in ``phase``; norms and biases are not decayed.

    Convention:
        - each group keeps its highest rate as ``peak``
    """
    groups = []
    for part, rate in (
        (network.backbone, phase.backbone_learning_rate or phase.learning_rate),
        (network.head, phase.learning_rate),
    ):
        for decays in (True, False):
            members = [p for p in _trainable(part) if (p.ndim > 1) == decays]
            decay = phase.weight_decay if decays else 0.0
            if members:
                groups.append({"params": members, "lr": rate, "peak": rate, "weight_decay": decay})
    return optim.AdamW(groups)


def set_trainable(network: PlaceNetwork, phase: PhaseSection) -> str:
    """Freeze and free the parts of ``network`` for ``phase``, and say in words what trains."""
    for parameter in network.backbone.parameters():
        parameter.requires_grad_(phase.trainable == "all")
    for parameter in network.head.parameters():
        parameter.requires_grad_(True)
    total = sum(p.numel() for p in network.parameters())
    head, body = (sum(p.numel() for p in _trainable(part)) for part in (network.head, network.backbone))
    what = (
        f"the head ({head:,} parameters)"
        if not body
        else f"backbone ({body:,}) and head ({head:,} parameters)"
    )
    return f"Phase '{phase.name}': {phase.epochs} epochs; trains {what} of {total:,}"


def set_modes(network: PlaceNetwork, phase: PhaseSection) -> None:
    """Training mode where something trains; what stands still is in evaluation mode, its BatchNorm too."""
    network.train()
    if phase.trainable == "head":
        network.backbone.eval()
    if phase.batch_norm == "frozen":
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


def _trainable(part: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in part.parameters() if parameter.requires_grad]
