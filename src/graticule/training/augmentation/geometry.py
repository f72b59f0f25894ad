"""Turning, shearing and shifting batches of square photos; what comes in from outside is mirrored.

Everywhere ``image`` is (B, 3, H, H), the amounts are (B,), and the result is like ``image``.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def rotate(image: Tensor, angle_deg: Tensor) -> Tensor:
    """Turned counter-clockwise by ``angle_deg``."""
    angle_rad = torch.deg2rad(angle_deg)
    cosine, sine = torch.cos(angle_rad), torch.sin(angle_rad)
    return warp(image, torch.stack([cosine, -sine, sine, cosine], dim=1).view(-1, 2, 2))


def shear(image: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Rows pushed sideways by ``across`` of the height that lies between them, columns by ``down``."""
    one = torch.ones_like(across)
    return warp(image, torch.stack([one, across, down, one], dim=1).view(-1, 2, 2))


def translate(image: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Moved by shares of the width and of the height."""
    still = torch.eye(2, device=image.device, dtype=image.dtype).expand(len(image), 2, 2)
    return warp(image, still, -2 * torch.stack([across, down], dim=1))


def warp(image: Tensor, matrix: Tensor, shift: Tensor | None = None) -> Tensor:
    """Each pixel of the result looked up at ``matrix`` (B, 2, 2) times its place, plus ``shift`` (B, 2).

    Convention:
        - places are (x, y), x to the right and y down, -1 to 1 over the photo
    """
    offset = torch.zeros(len(image), 2, device=image.device) if shift is None else shift
    theta = torch.cat([matrix, offset.unsqueeze(2)], dim=2).to(image.dtype)
    grid = functional.affine_grid(theta, list(image.shape), align_corners=False)
    return functional.grid_sample(image, grid, padding_mode="reflection", align_corners=False)


def quarter_turns(image: Tensor, turns: Tensor) -> Tensor:
    """Turned counter-clockwise by ``turns`` times 90 degrees, without resampling; ``turns`` (B,) int."""
    turned = image.clone()
    for count in (1, 2, 3):
        chosen = turns == count
        if bool(chosen.any()):
            turned[chosen] = torch.rot90(image[chosen], count, dims=(2, 3))
    return turned
