"""The loss of a density over the sphere: how unlikely it thought the place where the photo was taken."""

from __future__ import annotations

from torch import Tensor

from graticule.models.heads.mixture import mixture_of
from graticule.training.losses.targets import Loss, LossCells, Targets
from graticule.training.recipe.loss import LossTerm


def mixture_likelihood(term: LossTerm, cells: LossCells) -> Loss:  # noqa: ARG001
    """-log of the density at the photo's place, per steradian, in nats.

    Knowing nothing gives log(4 pi) = 2.53; a density that is sharp at the place gives less than 0.

    Source:
        M. Izbicki et al., "Exploiting the Earth's Spherical Geometry to Geolocate Images" (ECML 2019).
    """

    def loss(said: Tensor, targets: Targets) -> Tensor:
        return -mixture_of(said).log_density(targets.places[:, None]).squeeze(1)

    return loss
