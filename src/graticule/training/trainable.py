"""What trains in a phase, in which mode, and in which groups of the optimiser."""

from __future__ import annotations

from torch import nn, optim
from torch.nn.modules.batchnorm import _BatchNorm

from graticule.models import PlaceNetwork
from graticule.models.mae import MaskedAutoencoder
from graticule.training.recipe import PhaseSection


def set_trainable(network: PlaceNetwork | MaskedAutoencoder, phase: PhaseSection) -> str:
    """Freeze and free the parts of ``network`` for ``phase``, and say in words what trains.

    Raises:
        RecipeError: a part or stage that the network does not have.
    """
    what = network.set_trainable(phase.trainable, stages=phase.trainable_stages)
    length = f"{phase.epochs} epochs" if phase.epochs is not None else f"{phase.steps} steps"
    return f"Phase '{phase.name}': {length}; trains {what}"


def set_modes(network: PlaceNetwork | MaskedAutoencoder, phase: PhaseSection) -> None:
    """Training mode where something trains; what stands still is in evaluation mode, its BatchNorm too."""
    network.set_modes()
    if phase.batch_norm == "frozen":
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()


def cannot_learn_from_one(network: nn.Module) -> bool:
    """Whether a batch of one photo teaches nothing: BatchNorm of pooled features would divide by zero."""
    return any(isinstance(module, nn.BatchNorm1d) and module.training for module in network.modules())


def embedding_trains(network: PlaceNetwork) -> bool:
    """Whether anything up to the features is free to learn."""
    parts = network.parts()
    return any(p.requires_grad for name in network.embedding_parts() for p in parts[name].parameters())


def create_optimizer(network: PlaceNetwork | MaskedAutoencoder, phase: PhaseSection) -> optim.Optimizer:
    """The optimiser of a phase over what trains in it; norms and biases are not decayed.

    Convention:
        - each group keeps its highest rate as ``peak``
        - not decayed either: what timm lists for a backbone, such as embeddings of positions
    """
    parts = network.parts()
    of_body = {id(p) for name in network.embedding_parts() for p in parts[name].parameters()}
    spared = _spared(network)
    groups = []
    for body in (True, False):
        rate = (phase.backbone_learning_rate if body else None) or phase.learning_rate
        members = [p for p in network.parameters() if p.requires_grad and (id(p) in of_body) == body]
        for decays in (True, False):
            chosen = [p for p in members if (p.ndim > 1 and id(p) not in spared) == decays]
            decay = phase.weight_decay if decays else 0.0
            if chosen:
                groups.append({"params": chosen, "lr": rate, "peak": rate, "weight_decay": decay})
    if phase.optimizer == "sgd":
        return optim.SGD(groups, lr=phase.learning_rate, momentum=phase.momentum)
    kind = optim.AdamW if phase.optimizer == "adamw" else optim.Adam
    return kind(groups, lr=phase.learning_rate, betas=phase.betas)


def _spared(network: nn.Module) -> set[int]:
    found = set()
    for name, module in network.named_modules():
        listed = getattr(module, "no_weight_decay", None)
        if callable(listed) and name:
            own = dict(module.named_parameters())
            found |= {id(own[parameter]) for parameter in listed() if parameter in own}
    return found
