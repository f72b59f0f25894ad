"""What goes with which head: losses, and the way the point of an answer is chosen. Needs no torch."""

from __future__ import annotations

from typing import Final

from graticule.training.recipe.head import ON_THE_TREE, POSITION_ONLY, WITH_POSITION
from graticule.training.recipe.loss import PLACE_LOSSES, LossSection

LOSS_OF: Final = {
    "regression": "great-circle",
    "unit-sphere": "great-circle",
    "von-mises-fisher": "mixture-likelihood",
}
"""The loss of each head that gives no scores of cells."""

ON_BRANCHES: Final = (*ON_THE_TREE, "multi")
"""Heads whose scores are logarithms of probabilities before anything is normalised."""


def check_loss(head: str, loss: LossSection, *, scene: bool = False) -> None:
    """Raise a ValueError in a sentence when ``head``, and scenes beside it, cannot learn by ``loss``."""
    names = [term.name for term in loss.all_terms if term.name != "scene"]
    if scene != (len(names) < len(loss.all_terms)) or not names:
        raise ValueError(
            "loss: a network that learns scenes needs 'network.scene: true' and the term 'scene' beside "
            "another loss; set loss.terms, for example to [{name: cross-entropy}, {name: scene, weight: 0.1}]"
        )
    if head == "hybrid" and ("cell-offset" not in names or {*names} <= {*PLACE_LOSSES}):
        raise ValueError(
            "loss: the head 'hybrid' learns cells and the places in them, so it needs a loss of cells and "
            "cell-offset; set loss.terms, for example to [{name: cross-entropy}, {name: cell-offset, "
            "unit_km: 1000}]"
        )
    if head != "hybrid" and "cell-offset" in names:
        raise ValueError("loss: cell-offset is of the head 'hybrid'; set network.head to hybrid")
    fitting = LOSS_OF.get(head)
    for name in names:
        if fitting is not None and name != fitting:
            raise ValueError(
                f"loss.name: '{name}' needs scores of cells, but the head '{head}' gives places; "
                f"set loss.name to {fitting}"
            )
        if fitting is None and name in LOSS_OF.values():
            heads = " or ".join(known for known, own in LOSS_OF.items() if own == name)
            raise ValueError(
                f"loss.name: '{name}' needs places, but the head '{head}' scores cells; set "
                f"network.head to {heads}"
            )
    if head not in ON_BRANCHES and "output-logarithm" in names:
        raise ValueError(
            f"loss.name: 'output-logarithm' needs a head on the tree; the scores of '{head}' have no "
            f"scale; set network.head to {' or '.join(ON_BRANCHES)}"
        )
    if head in POSITION_ONLY and loss.class_weights is not None:
        raise ValueError(f"loss.class_weights is about cells, and the head '{head}' has none; leave it out")


def check_estimate(head: str, estimate: str) -> None:
    """Raise a ValueError in a sentence when ``head`` does not give what ``estimate`` chooses from."""
    if estimate == "position" and head not in WITH_POSITION:
        raise ValueError(
            f"evaluation.estimate: the head '{head}' gives no position; its points come from cells"
        )
    if estimate != "position" and head in POSITION_ONLY:
        raise ValueError(f"evaluation.estimate: the head '{head}' knows no cells; leave it out")
