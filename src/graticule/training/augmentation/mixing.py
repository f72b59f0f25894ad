"""Mixtures of two photos."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def mix(count: int, alpha: float, generator: torch.Generator) -> tuple[Tensor, float]:
    """A partner for each of ``count`` photos, and the share that a photo keeps of itself.

    Source:
        H. Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018).
    """
    seed = int(torch.randint(2**62, (1,), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    return torch.randperm(count, generator=generator), share
