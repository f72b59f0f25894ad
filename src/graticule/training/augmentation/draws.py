"""Random numbers of single photos, for whole batches at once: a hash of each photo's seed."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

_STRIDE: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def uniforms(seeds: Tensor, count: int, *, stream: int = 0) -> Tensor:
    """``count`` numbers in [0, 1) for each photo.

    Convention:
        - ``seeds``: (B,) int64; the result: (B, count) float32 on the same device
        - a photo's numbers depend on its own seed and ``stream`` alone

    Source:
        G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators" (2014): SplitMix64.

    Example:
        >>> draws = uniforms(torch.tensor([7, 8]), 3)
        >>> torch.equal(uniforms(torch.tensor([8]), 3)[0], draws[1])
        True
    """
    keys = seeds.cpu().numpy().astype(np.uint64)[:, None]
    places = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(stream) * np.uint64(1 << 20)
    with np.errstate(over="ignore"):  # arithmetic modulo 2 ** 64 is what the hash is made of
        state = keys * _MIX[0] + places[None, :] * _STRIDE
        state = (state ^ (state >> np.uint64(30))) * _MIX[0]
        state = (state ^ (state >> np.uint64(27))) * _MIX[1]
        state = state ^ (state >> np.uint64(31))
    shares = (state >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)
    return torch.from_numpy(shares).to(seeds.device)


def normals(seeds: Tensor, count: int, *, stream: int = 0) -> Tensor:
    """``count`` standard normal numbers for each photo, otherwise as ``uniforms``."""
    shares = uniforms(seeds, count, stream=stream).double()
    found: Tensor = torch.special.ndtri(shares.clamp(1e-7, 1 - 1e-7)).float()
    return found
