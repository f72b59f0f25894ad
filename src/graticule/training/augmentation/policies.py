"""The policies by the names that recipes use: how photos are cut, and which steps follow on batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Cut = Literal["centre", "area", "window", "fixed"]
"""``centre``: what prediction sees; ``area``: a part of random area and aspect; ``window``: a square
of the size that prediction cuts, anywhere in the photo; ``fixed``: one of few such squares, always the same.
"""


@dataclass(frozen=True)
class Policy:
    """A named way to vary photos: a cut, and steps of ``graticule.training.augmentation.batches``."""

    cut: Cut = "centre"
    steps: tuple[str, ...] = ()


POLICIES: Final = {
    "none": Policy(),
    "crop": Policy("area"),
    "crop-flip": Policy("area", ("flip",)),
    "crop-jitter": Policy("area", ("jitter",)),  # no flips: they put cars on the road's other side (S2)
    "crop-jitter-flip": Policy("area", ("flip", "jitter")),
    "crop-jitter-rotate": Policy("window", ("jitter", "rotate")),  # S0: cut without resizing, at random
    "randaugment-noflip": Policy("centre", ("randaugment",)),  # S2, 3.2
    "rotate90-flip-colour": Policy("centre", ("rotate90-flip-colour",)),  # S4, 6.1
    "precomputed-crops": Policy("fixed"),  # S0's warning: severe overfitting
    "mask-region": Policy("window", ("jitter", "rotate")),  # S0's black box over the car
}
"""The policies by name. ``mask-region`` covers ``augmentation.region``, as any policy does when it is set."""
